"""The commands, with `absa_polarity` behind the tagger."""

import pytest
import spacy
import srsly
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_absa.app.analysis import Analyser
from spacy_absa.cli._util import load_pipeline
from spacy_absa.data.corpora import read_examples
from spacy_absa.decoding.calibration import Calibration
from spacy_absa.decoding.lexicon import Lexicon, LexiconEntry

LABELS = {"喜欢本田": "POS", "讨厌丰田": "NEG"}


@pytest.fixture
def both(pipelines, tiny):
    """The trained tagger, and a second reading that has learned nothing yet."""
    nlp = spacy.load(pipelines / "trained")
    reader = {key: tiny[key] for key in ("charlm", "encoder")}
    model = {"@architectures": "spacy_absa.PolarityReader.v1", "width": 8, **reader}
    model["features"] = {"@architectures": "spacy_absa.CharFeatures.v1"}
    nlp.add_pipe("absa_polarity", config={"model": model})
    examples = read_examples(nlp, pipelines / "dev.spacy")
    with nlp.select_pipes(enable="absa_polarity"):
        nlp.initialize(lambda: examples)
    nlp.to_disk(pipelines / "both")
    docs = []
    for text, label in [*LABELS.items()] * 20:
        wrong = len(docs) % 4 == 0
        label = {"POS": "NEG", "NEG": "POS"}[label] if wrong else label
        entities = {"entities": [(2, 4, label)]}
        docs.append(Example.from_dict(nlp.make_doc(text), entities).reference)
    DocBin(docs=docs).to_disk(pipelines / "gold.spacy")
    return pipelines


def test_what_both_say_is_calibrated(absa, both):
    assert "40 entities" in absa("calibrate", "both", "gold.spacy", "out").out
    before, after = spacy.load(both / "both"), spacy.load(both / "out")
    assert after.get_pipe("absa_gru").calibration == Calibration()
    for text, label in LABELS.items():
        (old,), (new,) = before(text).ents, after(text).ents
        assert old.label_ == new.label_ == label
        assert old._.absa_score != pytest.approx(0.75, abs=0.05)
        assert new._.absa_score == pytest.approx(0.75, abs=0.05)
        assert new._.sentiment_scores[label] == pytest.approx(0.75, abs=0.05)


def test_an_entity_list_reaches_both(both):
    names = both / "names.txt"
    names.write_text("本田\n", encoding="utf8")
    nlp = load_pipeline(str(both / "both"), names, -1)
    for name in ("absa_gru", "absa_polarity"):
        assert [entry.pattern for entry in nlp.get_pipe(name).lexicon.entries] == ["本田"]


def test_the_list_of_a_request_reaches_both_and_goes_again(both, monkeypatch):
    nlp = spacy.load(both / "both")
    pipe = nlp.get_pipe("absa_polarity")
    own, asked = pipe.lexicon, Lexicon([LexiconEntry("丰田", "")])
    seen = []
    monkeypatch.setattr(pipe, "set_lexicon", seen.append)
    Analyser(nlp).analyse(["喜欢本田"], lexicon=asked)
    assert seen == [asked, own]


def test_answers_and_reports_come_from_both(absa, both):
    srsly.write_jsonl(both / "texts.jsonl", [{"text": text} for text in LABELS])
    assert absa("predict", "both", "texts.jsonl", "out.jsonl").code == 0
    assert absa("annotate", "both", "texts.jsonl", "--output", "annotated").code == 0
    nlp = spacy.load(both / "both")
    expected = [nlp(text) for text in LABELS]
    (part,) = (both / "annotated").glob("part-*.jsonl")
    for path, key in (("out.jsonl", "entities"), (part, "absa")):
        scores = [row[key][0]["scores"] for row in srsly.read_jsonl(path)]
        assert scores == [pytest.approx(doc._.absa[0]["scores"]) for doc in expected]
    options = ("--output", "report.html", "--json", "report.json")
    assert absa("evaluate-report", "both", "gold.spacy", *options).code == 0
    assert srsly.read_json("report.json")["scores"]["absa_f"] == 0.75
