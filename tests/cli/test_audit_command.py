import json

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_absa.cli.audit import describe, distance
from tests.pipeline.conftest import GOLD, TINY, examples_of, train


def docs(*labels):
    """One Doc for each string of first letters: a token and an entity for each."""
    nlp = spacy.blank("zh")
    names = {"P": "POS", "N": "NEG"}
    found = []
    for letters in labels:
        doc = Doc(nlp.vocab, words=["车", *letters], spaces=[False] * (len(letters) + 1))
        doc.set_ents([Span(doc, i, i + 1, names[letter]) for i, letter in enumerate(letters, 1)])
        found.append(doc)
    return found


def test_what_drift_is():
    gold, pseudo = describe(docs("PN", "P", "N")), describe(docs("PPP", "N", "", "", ""))
    assert gold == {
        **{"texts": 3, "entities": 4, "entities_per_text": 4 / 3},
        "shares": {"NEG": 0.5, "POS": 0.5},
    }
    assert pseudo["entities_per_text"] == 0.8
    assert pseudo["shares"] == {"NEG": 0.25, "POS": 0.75}
    assert distance(gold["shares"], pseudo["shares"]) == 0.25
    assert distance({"POS": 1.0}, {"NEG": 1.0}) == 1
    assert describe([])["entities_per_text"] == 0


@pytest.fixture
def folder(tmp_path):
    """A pipeline that has learned its four texts, and these with a wrong label as gold data."""
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    train(nlp, examples_of(nlp), 80)
    nlp.to_disk(tmp_path / "tagger")
    wrong = {**GOLD, "丰田不错": [(0, 2, "NEG")]}
    for name, gold in (("gold", GOLD), ("dev", wrong)):
        references = [example.reference for example in examples_of(nlp, gold)]
        DocBin(docs=references).to_disk(tmp_path / f"{name}.spacy")
    return tmp_path


def test_agreement_is_measured_on_what_would_be_kept(absa, folder):
    command = ["audit", "tagger", "gold.spacy", "--gold", "gold.spacy", "--dev", "dev.spacy"]
    result = absa(*command, "--output", "audit.json", "--threshold", 0)
    assert result.code == 0
    report = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert report["distance"] == 0
    assert report["gold"] == report["pseudo"]
    assert report["gold"]["shares"] == {"NEG": 0.25, "NEU": 0.25, "POS": 0.5}
    # 3 of 4 entities agree
    assert report["dev"]["sure"] == report["dev"]["all"]
    assert report["dev"]["all"]["texts"] == 4
    assert report["dev"]["all"]["p"] == report["dev"]["all"]["r"] == 0.75
    rows = [line.split() for line in result.out.splitlines()]
    assert ["NEG", "25.0%", "25.0%"] in rows
    # No entity is quite certain: the text without one is left.
    absa(*command, "--output", "audit.json", "--threshold", 1)
    report = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert report["dev"]["sure"]["texts"] == 1


def test_bad_input(refused, folder):
    options = ["--gold", "gold.spacy", "--dev"]
    assert "must end in .json" in refused(
        "audit", "tagger", "gold.spacy", *options, "dev.spacy", "--output", "a.csv"
    )
    assert "no .spacy file" in refused("audit", "tagger", "gone.spacy", *options, "dev.spacy")
    data = (folder / "dev.spacy").read_bytes()
    (folder / "half.spacy").write_bytes(data[: len(data) // 2])
    assert "half.spacy: is damaged" in refused(
        "audit", "tagger", "gold.spacy", *options, "half.spacy"
    )
