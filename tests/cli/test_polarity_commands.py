"""The commands, with `absa_polarity` behind the tagger."""

import hashlib

import numpy
import pytest
import spacy
import srsly
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import fix_random_seed, load_model_from_config

from spacy_absa.app.analysis import Analyser
from spacy_absa.cli._util import load_pipeline
from spacy_absa.data.corpora import read_examples
from spacy_absa.decoding.calibration import Calibration
from spacy_absa.lexicon import Lexicon, LexiconEntry
from spacy_absa.pipeline.explain import explain
from spacy_absa.pipeline.judges import final_judge

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
    fix_random_seed(0)
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


def mean_scores(nlp):
    """Of the entities that are found with their labels: `absa_score`, the label's share."""
    pairs = []
    for text, label in LABELS.items():
        (entity,) = nlp(text).ents
        assert entity.label_ == label
        pairs.append((entity._.absa_score, entity._.sentiment_scores[label]))
    return numpy.mean(pairs, axis=0).tolist()


def test_what_both_say_is_calibrated(absa, both):
    assert "40 entities" in absa("calibrate", "both", "gold.spacy", "out").out
    before, after = spacy.load(both / "both"), spacy.load(both / "out")
    assert after.get_pipe("absa_gru").calibration == Calibration()
    assert mean_scores(before) != pytest.approx([0.75, 0.75], abs=0.05)
    assert mean_scores(after) == pytest.approx([0.75, 0.75], abs=0.05)


def test_the_taggers_own_calibration_stays(absa, both):
    nlp, own = spacy.load(both / "both"), Calibration(0.3, 0.2, 3.0)
    nlp.get_pipe("absa_gru").calibration = own
    nlp.to_disk(both / "fitted")
    assert "40 entities" in absa("calibrate", "fitted", "gold.spacy", "out").out
    after = spacy.load(both / "out")
    assert after.get_pipe("absa_gru").calibration == pytest.approx(own)
    assert mean_scores(after) == pytest.approx([0.75, 0.75], abs=0.05)


def test_readings_are_drawn_from_both(absa, both):
    nlp, n = spacy.load(both / "both"), 30
    (both / "raw.txt").write_text("\n".join(LABELS), encoding="utf8")
    assert absa("distill", "both", "raw.txt", "drawn.spacy", "--samples", n).code == 0
    docs = DocBin().from_disk(both / "drawn.spacy").get_docs(nlp.vocab)
    found = [[(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in docs]
    texts = [nlp.make_doc(text) for text in LABELS]
    drawn = final_judge(nlp).sample(texts, n, numpy.random.default_rng(0))
    assert found == [reading for readings in drawn for reading in readings]
    # The tagger alone is sure.
    assert {label for reading in found for *_, label in reading} == {"NEG", "POS"}
    alone = nlp.get_pipe("absa_gru").sample(texts, n, numpy.random.default_rng(0))
    assert found != [reading for readings in alone for reading in readings]


def test_what_both_doubt_is_suggested(absa, both):
    (both / "raw.txt").write_text("\n".join(LABELS), encoding="utf8")
    options = ("raw.txt", "t.jsonl", "--format", "doccano")
    # The tagger alone is sure of all of them.
    assert "no text there that is worth labelling" in absa("suggest", "trained", *options).err
    config = (both / "both/config.cfg").read_text(encoding="utf8")
    (both / "both/config.cfg").write_text(config.replace("share = 0.5", "share = 1.0"))
    assert "; 2 corrections expected" in absa("suggest", "both", *options).out


def test_explanations_are_of_what_both_say(absa, both):
    srsly.write_jsonl(both / "texts.jsonl", [{"text": text} for text in LABELS])
    assert absa("predict", "both", "texts.jsonl", "out.jsonl", "--explain").code == 0
    nlp = spacy.load(both / "both")
    docs = [nlp(text) for text in LABELS]
    explain(final_judge(nlp), docs)
    explanations = [doc._.absa[0]["explanation"] for doc in docs]
    assert any(explanations)
    lines = srsly.read_jsonl("out.jsonl")
    assert [line["entities"][0]["explanation"] for line in lines] == explanations
    for text, expected in zip(LABELS, explanations, strict=True):
        (result,) = Analyser(nlp).analyse([text], explained=True)
        assert result["entities"][0]["explanation"] == expected


def test_weights_of_both_are_rounded_or_taken_from_between(absa, both):
    def weights(name):
        pipes = [pipe for _, pipe in spacy.load(both / name).pipeline]
        shims = [shim for pipe in pipes for node in pipe.model.walk() for shim in node.shims]
        return [array for shim in shims for array in shim.state().values()]

    nlp = spacy.load(both / "both")
    nlp.get_pipe("absa_polarity").model.get_ref("head").shims[0].module.output.bias.data += 1
    nlp.to_disk(both / "other")
    assert absa("interpolate", "both", "other", "out", "--share", 0.25).code == 0
    moved = [b - a for a, b in zip(weights("both"), weights("out"), strict=True)]
    (bias,) = (difference for difference in moved if difference.any())
    assert bias.tolist() == pytest.approx([0.25, 0.25])
    assert absa("interpolate", "trained", "other", "out").code == 0
    assert absa("ensemble", "both", "other", "half", "--half").code == 0
    for array in weights("half"):
        assert (array == array.astype("float16")).all()


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
    run = srsly.read_json(both / "annotated/manifest.json")["run"]
    weights = b"".join(pipe.model.to_bytes() for _, pipe in nlp.pipeline)
    assert run["pipeline"]["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    expected = [nlp(text) for text in LABELS]
    (part,) = (both / "annotated").glob("part-*.jsonl")
    for path, key in (("out.jsonl", "entities"), (part, "absa")):
        scores = [row[key][0]["scores"] for row in srsly.read_jsonl(path)]
        assert scores == [pytest.approx(doc._.absa[0]["scores"]) for doc in expected]
    options = ("--output", "report.html", "--json", "report.json")
    assert absa("evaluate-report", "both", "gold.spacy", *options).code == 0
    assert srsly.read_json("report.json")["scores"]["absa_f"] == 0.75


def test_readers_are_averaged_with_the_taggers(absa, both):
    nlp = spacy.load(both / "both")
    other = spacy.load(both / "both")
    for node in other.get_pipe("absa_polarity").model.walk():
        for shim in node.shims:
            shim.load_state({k: v + 0.1 * numpy.sin(v * 99) for k, v in shim.state().items()})
    other.to_disk(both / "other")
    assert absa("ensemble", "both", "trained", "other", "joint").code == 0
    joint = spacy.load(both / "joint")
    assert len(joint.get_pipe("absa_gru").model.layers) == 3
    docs = [nlp.make_doc(text) for text in LABELS]
    shares = [
        numpy.concatenate(p.get_pipe("absa_polarity").opinions(docs, [[(2, 4)]] * 2))
        for p in (nlp, other, joint)
    ]
    assert abs(shares[0] - shares[1]).max() > 0.001
    root = (shares[0] * shares[1]) ** 0.5
    assert shares[2] == pytest.approx(root / root.sum(axis=1, keepdims=True), abs=1e-5)
    # The mean can be trained on.
    examples = read_examples(joint, both / "dev.spacy")[:1]
    optimizer = joint.resume_training()
    optimizer.learn_rate = 0.02
    with joint.select_pipes(enable="absa_polarity"):
        losses = [joint.update(examples, sgd=optimizer)["absa_polarity"] for _ in range(30)]
    assert losses[-1] < losses[0] / 2


def test_one_reader_stays_as_it_is(absa, both):
    assert absa("ensemble", "both", "trained", "joint").code == 0
    before, after = (
        spacy.load(both / name).get_pipe("absa_polarity") for name in ("both", "joint")
    )
    assert after.model.to_bytes() == before.model.to_bytes()


def test_readers_with_other_labels_are_not_averaged(refused, both):
    nlp = spacy.load(both / "both")
    nlp.get_pipe("absa_polarity").add_label("MIXED")  # the taggers' stay the same
    nlp.to_disk(both / "more")
    assert "more: labels NEG, POS, MIXED differ" in refused("ensemble", "both", "more", "joint")


def test_an_ensemble_of_readers_can_be_initialized(absa, both):
    assert absa("ensemble", "both", "both", "joint").code == 0
    fresh = load_model_from_config(spacy.load(both / "joint").config)
    examples = read_examples(fresh, both / "dev.spacy")
    fresh.initialize(lambda: examples)
    (opinions,) = fresh.get_pipe("absa_polarity").opinions([fresh.make_doc("本田")], [[(0, 2)]])
    assert opinions.shape == (1, 2)
