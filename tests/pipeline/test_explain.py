"""Explanations: by hand with a model whose log-odds are known, and with a trained one."""

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from spacy_absa.errors import InputError
from spacy_absa.pipeline.annotations import install_extension
from spacy_absa.pipeline.explain import explain

NATS = {"好": 3.0, "坏": -1.5, "good": 2.0}


class KnownJudge:
    """The log-odds of POS are the sum of the words' that are to be seen."""

    labels = ("NEG", "POS")

    def opinions(self, docs, extents):
        ((start, end),) = {those[0] for those in extents}
        assert len({doc.text[start:end] for doc in docs}) == 1
        log_odds = [sum(NATS[word] for word in NATS if word in doc.text) for doc in docs]
        positive = 1 / (1 + np.exp(-np.array(log_odds)))
        return [np.array([[1 - p, p]]) for p in positive]


def explained(lang, text, start, end, label="POS", **options):
    install_extension(Doc, "absa")
    doc = spacy.blank(lang)(text)
    doc._.absa = [{"start": start, "end": end, "label": label}]
    explain(KnownJudge(), [doc], **options)
    return [tuple(run.values()) for run in doc._.absa[0]["explanation"]]


def test_weights_are_mean_drops_per_token():
    # 好 is alone in 1 of its 3 windows: (3 / 1 + 3 / 2 + 3 / 3) / 3 = 11 / 6 nats;
    # 坏 likewise: -(1.5 + 0.75 + 0.5) / 3 = -11 / 12. Their neighbours get less than 40 %.
    assert explained("zh", "本田好啊啊啊坏", 0, 2) == [(2, 3, "好", 1.0), (6, 7, "坏", -0.5)]
    assert explained("zh", "本田好啊啊啊坏", 0, 2, label="NEG") == [
        (2, 3, "好", -1.0),
        (6, 7, "坏", 0.5),
    ]


def test_words_are_hidden_whole():
    (run,) = explained("en", "I drive  a Honda. It is so good and all that.", 11, 16)
    assert run == (27, 31, "good", 1.0)


def test_what_is_said_twice_over_is_found_by_wider_windows():
    # Only a window of three hides both: 1 nat for each, by 3 windows of either 好 and 4 of 啊.
    assert explained("zh", "本田好啊好", 0, 2) == [(2, 5, "好啊好", 1.0)]


def test_blanks_are_never_hidden():
    class Reader(KnownJudge):
        def opinions(self, docs, extents):
            read.extend(doc.text for doc in docs)
            return super().opinions(docs, extents)

    read = []
    install_extension(Doc, "absa")
    doc = spacy.blank("en")("A Honda is  good")
    doc._.absa = [{"start": 2, "end": 7, "label": "POS"}]
    explain(Reader(), [doc])
    assert {text[10:12] for text in read} == {"  "}


def test_the_judge_is_told_of_the_other_entities_in_reach():
    class Reader(KnownJudge):
        def opinions(self, docs, extents):
            told.extend(extents[:1])
            return super().opinions(docs, extents)

    told = []
    install_extension(Doc, "absa")
    doc = spacy.blank("zh")("丰田好本田啊宝马坏")
    places = (0, 2), (3, 5), (6, 8)
    doc._.absa = [{"start": start, "end": end, "label": "POS"} for start, end in places]
    explain(Reader(), [doc], reach=2)
    assert told == [[(0, 2), (3, 4)], [(2, 4), (0, 1), (5, 6)], [(2, 4), (0, 1)]]


def test_what_is_out_of_reach_does_not_count():
    assert explained("zh", "好啊啊啊本田啊", 4, 6, reach=4)[0][2:] == ("好", 1.0)
    assert explained("zh", "好啊啊啊本田啊", 4, 6, reach=3) == []


def test_the_entity_itself_and_empty_surroundings_explain_nothing():
    assert explained("zh", "好坏啊", 0, 2) == []
    assert explained("zh", "本田", 0, 2) == []


def test_hiding_the_reason_changes_the_trained_models_mind(trained):
    nlp = spacy.blank("zh").from_config(trained.config).from_bytes(trained.to_bytes())
    text = "我喜欢本田，我不喜欢丰田"
    before = nlp(text)._.absa
    assert all("explanation" not in entry for entry in before)
    nlp.add_pipe("absa_explain")
    for old, entry in zip(before, nlp(text)._.absa, strict=True):
        runs = entry.pop("explanation")
        assert entry == old
        assert [run["text"] for run in runs] == [text[run["start"] : run["end"]] for run in runs]
        assert max(abs(run["weight"]) for run in runs) == 1.0
        reason = max(runs, key=lambda run: run["weight"])
        hidden = "\ufffd" * (reason["end"] - reason["start"])
        without = text[: reason["start"]] + hidden + text[reason["end"] :]
        lattice = trained.get_pipe("absa_gru").lattice([nlp.make_doc(text), nlp.make_doc(without)])
        extents = [(0, old["start"], old["end"]), (1, old["start"], old["end"])]
        joint = lattice.span_marginals(extents, trained.get_pipe("absa_gru").scheme)
        shares = joint / joint.sum(axis=1, keepdims=True)
        label = trained.get_pipe("absa_gru").labels.index(old["label"])
        assert shares[1, label] < shares[0, label]


def test_it_is_saved_with_the_pipeline(trained, tmp_path):
    nlp = spacy.blank("zh").from_config(trained.config).from_bytes(trained.to_bytes())
    nlp.add_pipe("absa_explain", config={"reach": 3})
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    text = "我喜欢本田，我不喜欢丰田"
    assert loaded(text)._.absa == nlp(text)._.absa
    assert all(run["start"] > 6 for run in loaded(text)._.absa[1]["explanation"])


def test_nothing_to_explain():
    with pytest.raises(InputError, match="no_such"):
        spacy.blank("zh").add_pipe("absa_explain", config={"component": "no_such"})


def test_a_doc_cleaner_may_stand_before_it(trained):
    nlp = spacy.blank("zh").from_config(trained.config).from_bytes(trained.to_bytes())
    nlp.add_pipe("doc_cleaner")
    doc = nlp("丰田不错")
    explain(nlp.get_pipe("absa_gru"), [doc])
    assert doc.tensor is None
    assert "explanation" in doc._.absa[0]


def test_a_text_that_nobody_has_judged(trained):
    nlp = spacy.blank("zh").from_config(trained.config).from_bytes(trained.to_bytes())
    nlp.add_pipe("absa_explain", first=True)
    with pytest.warns(UserWarning, match="no component before it has judged"):
        nlp("丰田不错")


def test_the_answer_of_another_component_is_refused(trained):
    doc = trained("丰田不错")
    doc._.absa[0]["label"] = "MIX"
    with pytest.raises(InputError, match="The label MIX is another component's"):
        explain(trained.get_pipe("absa_gru"), [doc])


def test_what_a_listener_heard_of_the_words_stays():
    class Listener(KnownJudge):
        def opinions(self, docs, extents):
            heard.extend(doc.tensor.tolist() for doc in docs)
            return super().opinions(docs, extents)

    heard = []
    install_extension(Doc, "absa")
    doc = spacy.blank("zh")("好本田啊坏")
    doc.tensor = np.arange(5.0)[:, None]
    doc._.absa = [{"start": 1, "end": 3, "label": "POS"}]
    explain(Listener(), [doc], reach=1)
    assert heard == [[[0], [1], [2], [3]]] * 3
