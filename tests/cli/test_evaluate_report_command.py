import json
import re

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example

HOSTILE = "<b>喜欢</b>本田<script>alert(1)</script>"
LABEL = "<img src=x>"


def write_gold(path, entities):
    """A .spacy file of texts with one entity each."""
    nlp = spacy.blank("zh")
    examples = (
        Example.from_dict(nlp.make_doc(text), {"entities": [entity]})
        for text, entity in entities.items()
    )
    DocBin(docs=[example.reference for example in examples]).to_disk(path)


@pytest.fixture
def report(absa, pipelines):
    """Run the command; returns the page and the figures."""

    def run(*arguments):
        outputs = ("--output", "out/r.html", "--json", "out/r.json")
        result = absa("evaluate-report", *arguments, *outputs)
        assert result.code == 0, result.err
        page = (pipelines / "out/r.html").read_text(encoding="utf8")
        return page, json.loads((pipelines / "out/r.json").read_text(encoding="utf8"))

    return run


def test_the_figures_are_those_of_spacy_and_of_the_gold_data(report, pipelines):
    gold = {"喜欢本田": (2, 4, "POS"), "讨厌丰田": (2, 4, "POS")}
    write_gold(pipelines / "gold.spacy", gold)
    write_gold(pipelines / "train.spacy", {"本田": (0, 2, "POS")})
    page, figures = report("trained", "gold.spacy", "--train", "train.spacy")
    nlp = spacy.load(pipelines / "trained")
    examples = list(spacy.training.Corpus(pipelines / "gold.spacy")(nlp))
    expected = {k: v for k, v in nlp.evaluate(examples).items() if k != "speed"}
    assert {name: figures["scores"][name] for name in expected} == expected
    assert (figures["n_texts"], figures["n_entities"]) == (2, 2)
    assert figures["confusion"]["labels"] == ["NEG", "POS", "none"]
    assert figures["confusion"]["counts"] == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
    seen = {s["name"]: s["absa_f"] for s in figures["slices"] if s["kind"] == "In training data"}
    assert seen == {"seen": 1, "not seen": 0}
    assert figures["comparison"] is None
    (error,) = figures["errors"]
    assert error["text"] == "讨厌丰田"
    (gold_ent,), (found,) = error["gold"], error["predicted"]
    assert (gold_ent["label"], found["label"]) == ("POS", "NEG")
    # The gold reading has hardly more than what the reading found leaves of probability.
    assert error["log_probability"] < -1
    assert figures["calibration"]["absa_score"]["ece"] == pytest.approx(
        (found["score"] + 1 - nlp("喜欢本田").ents[0]._.absa_score) / 2, abs=0.05
    )
    assert "words/s" in page
    assert "Compared with" not in page


def test_the_page_needs_no_network_and_escapes_what_the_data_say(report, pipelines):
    write_gold(pipelines / "gold.spacy", {HOSTILE: (9, 11, LABEL), "喜欢本田": (2, 4, "POS")})
    page, figures = report("trained", "gold.spacy")
    # The tagger has no such label, so the gold reading has no probability.
    assert figures["errors"][0]["text"] == HOSTILE
    assert figures["errors"][0]["log_probability"] is None
    assert "alert(1)" in page
    for raw in ("<script>alert", "<b>喜欢", "<img"):
        assert raw not in page
    own = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<[^<>]*\b(?:src|href)=|url\(|@import", own)
    assert "content=\"default-src 'none'" in page


def test_two_pipelines(report):
    page, figures = report("untrained", "dev.spacy", "--compare", "trained", "--resamples", 50)
    comparison = figures["comparison"]
    assert "Compared with trained" in page
    assert comparison["scores"]["absa_f"] == comparison["bootstrap"]["absa_f"]["second"] == 1
    assert comparison["bootstrap"]["absa_f"]["first"] == figures["scores"]["absa_f"] < 1
    assert comparison["resamples"] == 50
    # Two texts, both better: so is every resample.
    assert comparison["bootstrap"]["absa_f"]["p_value"] == pytest.approx(2 / 51)


def test_bad_input(refused, pipelines, configure, monkeypatch):
    good = ("evaluate-report", "trained", "dev.spacy", "--output")
    assert "must end in .html" in refused(*good, "r.txt")
    assert "must end in .json" in refused(*good, "r.html", "--json", "r.txt")
    assert "no .spacy file" in refused("evaluate-report", "trained", "no", "--output", "r.html")
    (pipelines / "junk.spacy").write_text("本田")
    junk = refused("evaluate-report", "trained", "junk.spacy", "--output", "r.html")
    assert "junk.spacy: is damaged" in junk
    assert "no: no .spacy" in refused(*good, "r.html", "--train", "no")
    assert "cannot be loaded" in refused(*good, "r.html", "--compare", "nowhere")
    configure("untrained", "spans_key = null", 'spans_key = "absa"')
    assert "their spans_key is None and 'absa'" in refused(
        *good, "r.html", "--compare", "untrained"
    )
    monkeypatch.setattr("spacy_absa.extras.find_spec", lambda name: None)
    assert "pip install 'spacy-absa[report]'" in refused(*good, "r.html")
