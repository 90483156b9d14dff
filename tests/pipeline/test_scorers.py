import pytest
import spacy
from spacy.training import Example

from spacy_absa.pipeline.annotations import EXTENSIONS, install_extension
from spacy_absa.pipeline.scorers import score_entity_sentiment

LABELS = ["NEG", "NEU", "POS"]


@pytest.fixture
def example():
    nlp = spacy.blank("zh")
    for owner, extension in EXTENSIONS:
        install_extension(owner, extension)

    def make(text, gold, found):
        doc = nlp.make_doc(text)
        doc.set_ents([doc.char_span(start, end, label) for start, end, label in found])
        return Example(doc, Example.from_dict(nlp.make_doc(text), {"entities": gold}).reference)

    return make


def test_scores_by_hand(example):
    scores = score_entity_sentiment(
        [
            # one right, one with the wrong label
            example("甲乙丙", [(0, 1, "POS"), (1, 2, "NEG")], [(0, 1, "POS"), (1, 2, "POS")]),
            # one missed, one too many
            example("丁戊己", [(0, 1, "NEU")], [(1, 3, "NEU")]),
        ],
        labels=LABELS,
    )
    assert scores["absa_p"] == scores["absa_r"] == scores["absa_f"] == pytest.approx(1 / 3)
    assert scores["absa_span_f"] == pytest.approx(2 / 3)
    assert scores["absa_polarity_acc"] == pytest.approx(1 / 2)
    # POS: p = 1/2, r = 1; the others are 0.
    assert scores["absa_per_type"]["POS"]["f"] == pytest.approx(2 / 3)
    assert scores["absa_macro_f"] == pytest.approx(2 / 9)
    # tp 1, wrong opinion 1, missed 1, superfluous 1: P = 1/3, R = 1/2
    assert scores["absa_contest_f"] == pytest.approx(0.4)


def test_repeated_names_count_once_for_the_contest(example):
    gold = [(0, 1, "POS"), (2, 3, "POS")]
    scores = score_entity_sentiment([example("甲比甲", gold, gold[:1])], labels=LABELS)
    assert scores["absa_r"] == 0.5
    assert scores["absa_contest_f"] == 1


def test_texts_and_characters_without_gold_are_left_out(example):
    unknown = example("甲乙", [], [(0, 1, "POS")])
    for token in unknown.reference:
        token.ent_type_ = ""
    unknown.reference.set_ents([], default="missing")
    assert score_entity_sentiment([unknown], labels=LABELS) == {}
    partly = example("甲乙", [(1, 2, "NEG")], [(0, 1, "POS"), (1, 2, "NEG")])
    partly.reference.set_ents([partly.reference.ents[0]], default="missing")
    scores = score_entity_sentiment([partly], labels=LABELS)
    assert scores["absa_p"] == scores["absa_r"] == 1


def test_beside_characters_without_gold_entities_count(example):
    partly = example("甲乙", [(0, 1, "NEG")], [(0, 1, "NEG")])
    partly.reference.set_ents([partly.reference.ents[0]], default="missing")
    assert score_entity_sentiment([partly], labels=LABELS)["absa_r"] == 1


def test_entities_of_another_text_count_neither_way(example):
    right = example("甲乙", [(0, 1, "POS")], [(0, 1, "POS")])
    other = Example(right.predicted, example("丙丁", [(1, 2, "NEG")], []).reference)
    for doc in (right.predicted, right.reference, other.reference):
        doc.spans["k"] = list(doc.ents)
    for key in ("k", None):
        scores = score_entity_sentiment([right, other], labels=LABELS, spans_key=key)
        assert scores["absa_p"] == scores["absa_r"] == 1


def test_where_nothing_is_found_no_label_is_right(example):
    missed = example("甲乙", [(0, 1, "POS")], [])
    assert score_entity_sentiment([missed], labels=LABELS)["absa_polarity_acc"] == 0


def test_of_entities_it_has_what_spacy_evaluate_prints(example):
    right = example("甲乙", [(0, 1, "POS")], [(0, 1, "POS")])
    scores = score_entity_sentiment([right], labels=LABELS)
    assert (scores["ents_f"], scores["ents_per_type"]["POS"]["f"]) == (1, 1)
    assert "ents_f" not in score_entity_sentiment([right], labels=LABELS, spans_key="sc")
