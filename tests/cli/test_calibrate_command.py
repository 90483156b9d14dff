import pytest
import spacy
from spacy.cli.find_threshold import find_threshold
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_absa.decoding.calibration import Calibration
from spacy_absa.pipeline.checksums import CHECKSUMS

TEXTS = ["喜欢本田", "讨厌丰田"]


@pytest.fixture
def gold(pipelines):
    """Gold data in which a fourth of what the trained pipeline is sure of is wrong."""
    nlp = spacy.blank("zh")
    labels = {"喜欢本田": "POS", "讨厌丰田": "NEG"}
    docs = []
    for text in TEXTS * 20:
        label = labels[text] if len(docs) % 4 else "NEG" if labels[text] == "POS" else "POS"
        entities = {"entities": [(2, 4, label)]}
        docs.append(Example.from_dict(nlp.make_doc(text), entities).reference)
    DocBin(docs=docs).to_disk(pipelines / "gold.spacy")
    return pipelines


def found(nlp):
    return [[(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in nlp.pipe(TEXTS)]


def test_probabilities_are_calibrated_and_the_answers_stay(absa, gold):
    result = absa("calibrate", "trained", "gold.spacy", "out")
    assert result.code == 0
    assert "40 entities" in result.out
    before, after = spacy.load(gold / "trained"), spacy.load(gold / "out")
    assert found(before) == found(after) == [[(2, 4, "POS")], [(2, 4, "NEG")]]
    for doc in after.pipe(TEXTS):
        (ent,) = doc.ents
        assert ent._.absa_score == pytest.approx(0.75, abs=0.05)
        assert ent._.sentiment_scores[ent.label_] == pytest.approx(0.75, abs=0.05)
        assert sum(ent._.sentiment_scores.values()) == pytest.approx(1)
    assert all(doc.ents[0]._.absa_score > 0.9 for doc in before.pipe(TEXTS))
    # Calibrated once more, it is fitted to what the tagger says, not to what was made of it.
    absa("calibrate", "out", "gold.spacy", "twice")
    first, second = (
        spacy.load(gold / n).get_pipe("absa_gru").calibration for n in ("out", "twice")
    )
    assert second == pytest.approx(first)


def test_the_threshold_hides_nothing_from_it_and_is_kept(absa, gold, configure):
    configure("trained", "threshold = 0.0", "threshold = 0.99999")
    assert "40 entities" in absa("calibrate", "trained", "gold.spacy", "out").out
    nlp = spacy.load(gold / "out")
    assert nlp.get_pipe("absa_gru").threshold == 0.99999
    assert found(nlp) == [[], []]


def test_find_threshold_sees_calibrated_scores(absa, gold):
    absa("calibrate", "trained", "gold.spacy", "out")
    *_, scores = find_threshold(
        gold / "out", gold / "gold.spacy", "absa_gru", "threshold", "absa_f", n_trials=11
    )
    # All scores are about .75, and as many entities are right.
    found = {round(threshold, 1): score for threshold, score in scores.items()}
    assert [found[n / 10] for n in range(8)] == [0.75] * 8
    assert [found[n / 10] for n in range(8, 11)] == [0] * 3


def test_bad_input(refused, pipelines, configure):
    assert "no .spacy file" in refused("calibrate", "trained", "nowhere.spacy", "out")
    nlp = spacy.blank("zh")
    DocBin(docs=[nlp("今天")]).to_disk(pipelines / "bare.spacy")
    assert "no gold entities" in refused("calibrate", "trained", "bare.spacy", "out")
    configure("trained", 'lexicon_mode = "off"', 'lexicon_mode = "force"')
    assert "finds no entity" in refused("calibrate", "trained", "dev.spacy", "out")


def test_pipelines_from_before_load_uncalibrated(pipelines):
    cfg = pipelines / "trained" / "absa_gru" / "cfg"
    before = spacy.load(pipelines / "trained")(TEXTS[0])._.absa
    cfg.write_text('{"format":1,"labels":["NEG","POS"]}')
    (cfg.parent / CHECKSUMS).unlink()  # they had none
    nlp = spacy.load(pipelines / "trained")
    assert nlp.get_pipe("absa_gru").calibration == Calibration()
    assert nlp(TEXTS[0])._.absa == before


def test_gold_of_other_labels_is_refused(refused, pipelines):
    doc = spacy.blank("zh")("喜欢本田")
    doc.set_ents([doc.char_span(2, 4, "positive")])
    DocBin(docs=[doc]).to_disk(pipelines / "other.spacy")
    message = refused("calibrate", "trained", "other.spacy", "out")
    assert "other.spacy: the labels are positive, those of the pipeline NEG, POS" in message
