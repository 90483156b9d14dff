import shutil
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.cli.train import train as spacy_train
from spacy.tokens import DocBin, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Model

from spacy_absa.decoding.calibration import Calibration
from spacy_absa.errors import InputError
from spacy_absa.lexicon import Lexicon, LexiconEntry
from spacy_absa.pipeline.absa_polarity import mix

from .conftest import GOLD, READER, examples_of, train

CONFIGS = Path(__file__).parents[2] / "configs"
# Which of the two is liked depends on which one is asked for.
SWAPPED = {
    "我喜欢本田，我不喜欢丰田": [(3, 5, "POS"), (10, 12, "NEG")],
    "我喜欢丰田，我不喜欢本田": [(3, 5, "POS"), (10, 12, "NEG")],
    "我不喜欢本田，我喜欢丰田": [(4, 6, "NEG"), (10, 12, "POS")],
    "我不喜欢丰田，我喜欢本田": [(4, 6, "NEG"), (10, 12, "POS")],
    "店里有本田": [(3, 5, "NEU")],
    "今天天气好": [],
}
PATTERNS = [
    {"label": "CAR", "pattern": "本田", "id": "honda"},
    {"label": "CAR", "pattern": "丰田", "id": "toyota"},
]


def make(**config):
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_polarity", config={"model": READER, **config})
    return nlp


@pytest.fixture(scope="module")
def polarity():
    """Knows the swapped sentences by heart, but no entity. Tests must leave it as it is."""
    nlp = make()
    train(nlp, examples_of(nlp, SWAPPED), 60)
    return nlp


@pytest.fixture
def behind(polarity, trained):
    """Makes a pipeline of a finder, `ruler` or `tagger`, and the trained component."""

    def build(finder, **config):
        nlp = spacy.blank("zh")
        if finder == "ruler":
            nlp.add_pipe("entity_ruler").add_patterns(PATTERNS)
        else:
            nlp.add_pipe("absa_gru", source=trained)
        nlp.add_pipe("absa_polarity", config={"model": READER, **config})
        nlp.get_pipe("absa_polarity").from_bytes(polarity.get_pipe("absa_polarity").to_bytes())
        return nlp

    return build


def test_alone_it_judges_what_another_component_finds(behind):
    nlp = behind("ruler")
    for text, spans in SWAPPED.items():
        doc = nlp(text)
        sentiments = {"POS": "positive", "NEU": "neutral", "NEG": "negative"}
        assert [(e.start_char, e.end_char, e._.sentiment) for e in doc.ents] == [
            (start, end, sentiments[label]) for start, end, label in spans
        ]
        assert [(e.label_, e.ent_id_) for e in doc.ents] == [
            ("CAR", {"本田": "honda", "丰田": "toyota"}[e.text]) for e in doc.ents
        ]
        assert [(m["label"], m["id"]) for m in doc._.absa] == [
            (label, e.ent_id_) for e, (_, _, label) in zip(doc.ents, spans, strict=True)
        ]
        for ent in doc.ents:
            # The finder is taken to be sure of the place.
            assert ent._.absa_score == max(ent._.sentiment_scores.values())
            assert sum(ent._.sentiment_scores.values()) == pytest.approx(1)
    scores = nlp.evaluate(examples_of(nlp, SWAPPED))
    assert scores["absa_f"] == scores["absa_polarity_acc"] == 1


def test_the_mixture_by_hand():
    # √(.8 · .1) : √(.2 · .9) = 2 : 3
    tagger, own = numpy.array([0.8, 0.2]), numpy.array([0.1, 0.9])
    assert mix(tagger, own, 0.5) == pytest.approx([0.4, 0.6])
    assert mix(tagger, own, 0.0) == pytest.approx(tagger)
    assert mix(tagger, own, 1.0) == pytest.approx(own)
    assert mix(numpy.array([1.0, 0.0]), own, 0.5)[1] > 0


def test_what_the_tagger_said_is_mixed_in_and_written_again(behind):
    nlp = behind("tagger")
    pipe = nlp.get_pipe("absa_polarity")
    doc = nlp.make_doc("店里有宝马")
    doc.ents = [Span(doc, 3, 5, "NEU", kb_id="bmw"), Span(doc, 0, 1, "DATE")]
    ent = doc.ents[1]
    ent._.sentiment, ent._.absa_score = "neutral", 0.4
    ent._.sentiment_scores = {"NEG": 0.1, "NEU": 0.5, "POS": 0.4}
    own = numpy.array([[0.2, 0.2, 0.6], [0.1, 0.0, 0.9]])
    pipe.set_annotations([doc], [own])
    other, ent = doc.ents
    assert (ent.label_, ent.kb_id_, ent._.sentiment) == ("POS", "bmw", "positive")
    # √.01 : √0 : √.36, and .4 / .5 is the probability that it is an entity at all.
    assert ent._.sentiment_scores["POS"] == pytest.approx(6 / 7, abs=1e-3)
    assert ent._.absa_score == pytest.approx(0.8 * 6 / 7, abs=1e-3)
    assert (other.label_, other._.sentiment) == ("DATE", "positive")
    assert other._.sentiment_scores == pytest.approx({"NEG": 0.2, "NEU": 0.2, "POS": 0.6})
    assert [entry["label"] for entry in doc._.absa] == ["POS", "POS"]
    assert doc._.absa[1]["scores"] == ent._.sentiment_scores


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_decides_whose_word_counts(behind, trained, polarity, share):
    text = "我喜欢本田，我不喜欢丰田"
    nlp = behind("tagger", share=share)
    before = trained(text)
    own = nlp.get_pipe("absa_polarity").predict([before])[0]
    for ent, old, p in zip(nlp(text).ents, before.ents, own, strict=True):
        expected = dict(zip(("NEG", "NEU", "POS"), p.tolist(), strict=True))
        expected = expected if share else old._.sentiment_scores
        assert ent._.sentiment_scores == pytest.approx(expected, abs=1e-5)


def test_span_groups_are_read_and_written(polarity):
    nlp = make(spans_key="absa")
    with pytest.raises(InputError, match="no entities"):
        nlp.initialize(lambda: examples_of(nlp))
    nlp.get_pipe("absa_polarity").from_bytes(polarity.get_pipe("absa_polarity").to_bytes())
    doc = nlp.make_doc("我喜欢本田，我不喜欢丰田")
    doc.ents = [Span(doc, 3, 5, "CAR")]
    doc.spans["absa"] = [Span(doc, 3, 5, "NEU"), Span(doc, 10, 12, "TOYOTA")]
    doc = nlp(doc)
    assert [(s.label_, s._.sentiment) for s in doc.spans["absa"]] == [
        ("POS", "positive"),
        ("TOYOTA", "negative"),
    ]
    assert [ent.label_ for ent in doc.ents] == ["CAR"]
    assert nlp("今天")._.absa == []


def test_saved_or_in_processes_it_gives_equal_values(behind, tmp_path):
    nlp = behind("tagger")
    nlp.get_pipe("absa_polarity").set_lexicon(Lexicon([LexiconEntry("宝马", "bmw")]))
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    texts = [*SWAPPED, "", "店里有宝马"]
    for text in texts:
        assert loaded(text)._.absa == nlp(text)._.absa
    assert loaded.get_pipe("absa_polarity").lexicon == nlp.get_pipe("absa_polarity").lexicon
    for doc, text in zip(nlp.pipe(texts, n_process=2, batch_size=3), texts, strict=True):
        entries = nlp(text)._.absa
        assert [entry["label"] for entry in doc._.absa] == [entry["label"] for entry in entries]
        scores = [entry["score"] for entry in entries]
        assert [entry["score"] for entry in doc._.absa] == pytest.approx(scores, abs=1e-5)
    (tmp_path / "absa_polarity/model").write_bytes(b"damaged")
    with pytest.raises(InputError, match="absa_polarity/model: is damaged"):
        spacy.load(tmp_path)


def test_a_calibration_changes_the_probabilities_alone(behind):
    nlp, text = behind("tagger"), "我喜欢本田，我不喜欢丰田"
    before = nlp(text)
    nlp.get_pipe("absa_polarity").calibration = Calibration(0.5, -1.0, 2.0)
    for one, other in zip(before.ents, nlp(text).ents, strict=True):
        assert one.label_ == other.label_
        odds, fitted = (s / (1 - s) for s in (one._.absa_score, other._.absa_score))
        assert fitted == pytest.approx(odds**0.5 / numpy.e, rel=1e-3)
        old, new = one._.sentiment_scores, other._.sentiment_scores
        assert new["POS"] / new["NEG"] == pytest.approx((old["POS"] / old["NEG"]) ** 0.5)


def test_only_gold_entities_of_known_labels_teach(polarity):
    nlp = make().from_bytes(polarity.to_bytes())
    pipe = nlp.get_pipe("absa_polarity")
    before = pipe.model.to_bytes()
    optimizer = nlp.resume_training()
    gold = {"今天天气好": [], "店里有宝马": []}
    losses = nlp.update(examples_of(nlp, gold), sgd=optimizer)
    assert (losses, pipe.model.to_bytes() == before) == ({"absa_polarity": 0.0}, True)
    examples = examples_of(nlp, {"本田和丰田": [(0, 2, "POS"), (3, 5, "OTHER")]})
    loss, gradient = pipe.get_loss(examples, numpy.zeros((2, 3), dtype="float32"))
    assert loss == pytest.approx(numpy.log(3))
    # Labels NEG, NEU, POS, all of 1/3.
    assert gradient.tolist() == [pytest.approx([1 / 3, 1 / 3, -2 / 3]), [0, 0, 0]]
    # Not where the prediction's text or entities differ: it learns from the reference alone.
    reference = examples[0].reference
    other = Example(nlp.make_doc("别的"), reference)
    assert pipe.update([other], losses={})["absa_polarity"] > 0


def test_labels_that_it_does_not_know_are_no_loss(polarity):
    examples = examples_of(polarity, {"本田": [(0, 2, "OTHER")]})
    pipe = polarity.get_pipe("absa_polarity")
    loss, gradient = pipe.get_loss(examples, numpy.zeros((1, 3), dtype="float32"))
    assert (loss, gradient.tolist()) == (0, [[0, 0, 0]])


def test_dropout_is_that_of_the_update(polarity):
    def loss(drop):
        pipe = make().from_bytes(polarity.to_bytes()).get_pipe("absa_polarity")
        fix_random_seed(0)
        return pipe.update(examples_of(polarity, SWAPPED), drop=drop)["absa_polarity"]

    assert loss(0.9) > 2 * loss(0.0)


def test_tokens_without_an_entity_stay_as_they_were(polarity):
    doc = polarity.make_doc("我喜欢本田啊")
    doc.set_ents([Span(doc, 3, 5, "CAR")], blocked=[doc[0:1]], missing=[doc[5:6]])
    before = [token.ent_iob for token in doc]
    assert [token.ent_iob for token in polarity(doc)] == before


def test_smoothed_gold_wants_a_little_of_every_label(polarity):
    nlp = make(label_smoothing=0.3).from_bytes(polarity.to_bytes())
    pipe = nlp.get_pipe("absa_polarity")
    examples = examples_of(nlp, {"本田和丰田": [(0, 2, "POS"), (3, 5, "OTHER")]})
    # Of NEG, NEU and POS .1, .1 and .8 are wanted; what has them already is left as it is.
    scores = numpy.log([[0.1, 0.1, 0.8], [0.2, 0.3, 0.5]]).astype("float32")
    loss, gradient = pipe.get_loss(examples, scores)
    assert loss == pytest.approx(-(0.2 * numpy.log(0.1) + 0.8 * numpy.log(0.8)))
    assert gradient == pytest.approx(numpy.zeros((2, 3)), abs=1e-6)


def test_another_label_can_be_learned(polarity):
    nlp = make().from_bytes(polarity.to_bytes())
    pipe = nlp.get_pipe("absa_polarity")
    docs = [example.reference for example in examples_of(nlp, SWAPPED)]
    before = pipe.predict(docs)
    assert (pipe.add_label("POS"), pipe.add_label("MIXED")) == (0, 1)
    assert pipe.labels == ("NEG", "NEU", "POS", "MIXED")
    for old, new in zip(before, pipe.predict(docs), strict=True):
        known = new[:, :3] / new[:, :3].sum(axis=1, keepdims=True)
        assert known == pytest.approx(old, abs=1e-5)
    examples = examples_of(nlp, {**SWAPPED, "本田还行吧": [(0, 2, "MIXED")]})
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.02
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    grown = make().from_bytes(nlp.to_bytes()).get_pipe("absa_polarity")
    found = grown.predict([example.reference for example in examples])
    labels = [grown.labels[i] for rows in found for i in rows.argmax(axis=1)]
    assert labels == [e.label_ for example in examples for e in example.reference.ents]


def test_labels_before_and_without_weights():
    nlp = make()
    pipe = nlp.get_pipe("absa_polarity")
    assert pipe.add_label("GOOD") == 1
    nlp.initialize(lambda: examples_of(nlp, {"丰田不错": [(0, 2, "GOOD")]}))
    assert pipe.predict([nlp("丰田")])[0].shape == (0, 1)
    pipe.model = Model("other", lambda model, X, is_train: X)
    with pytest.raises(InputError, match="the model other cannot learn another label"):
        pipe.add_label("BAD")
    assert pipe.labels == ("GOOD",)


def test_bad_use_is_refused(trained, polarity):
    with pytest.raises(InputError, match="from 0 to 1"):
        make(share=2.0)
    with pytest.raises(InputError, match="from 0 to below 1"):
        make(label_smoothing=1.0)
    nlp = make()
    nothing = examples_of(nlp, {"今天": []})
    with pytest.raises(InputError, match=r"initialize\.components\.absa_polarity"):
        nlp.initialize(lambda: nothing)
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", source=trained)
    nlp.add_pipe("absa_polarity", config={"model": READER})
    two = examples_of(nlp, {"丰田不错": [(0, 2, "GOOD")]})
    message = "knows the labels GOOD, but the component 'absa_gru' has NEG, NEU, POS: train both"
    with pytest.raises(InputError, match=message), nlp.select_pipes(disable="absa_gru"):
        nlp.initialize(lambda: two)
    doc = polarity.make_doc("丰田不错")
    doc.ents = [Span(doc, 0, 2, "A")]
    doc.ents[0]._.sentiment_scores = {"A": 1.0}
    with pytest.raises(InputError, match="the entity '丰田' has A: train both"):
        polarity(doc)


@pytest.fixture
def beside(trained, tmp_path):
    """Trains a component of `configs/` beside the frozen tagger, with other settings."""

    def run(config, gold, steps, **overrides):
        trained.to_disk(tmp_path / "tagger")
        docs = [example.reference for example in examples_of(spacy.blank("zh"), gold)]
        DocBin(docs=docs).to_disk(tmp_path / "gold.spacy")
        spacy_train(
            CONFIGS / config,
            tmp_path / "out",
            overrides={
                "paths.tagger": str(tmp_path / "tagger"),
                "paths.train": str(tmp_path / "gold.spacy"),
                "paths.dev": str(tmp_path / "gold.spacy"),
                "training.max_steps": steps,
                "training.eval_frequency": steps,
                "training.dropout": 0.0,
                "training.optimizer.learn_rate.initial_rate": 0.02,
                "training.optimizer.learn_rate.warmup_steps": 5,
                **overrides,
            },
        )
        return spacy.load(tmp_path / "out/model-last")

    return run


def test_the_config_trains_beside_a_frozen_tagger(trained, tmp_path, beside):
    (tmp_path / "names.txt").write_text("本田\n丰田\n", encoding="utf8")
    model, charlm = "components.absa_polarity.model", "initialize.components.absa_polarity.charlm"
    both = beside(
        "polarity.cfg",
        {**SWAPPED, **GOLD},
        60,
        **{
            "paths.char_lm": str(tmp_path / "tagger"),
            "paths.lexicon": str(tmp_path / "names.txt"),
            f"{charlm}.component": "absa_gru",
            **{f"{model}.charlm.{size}": 16 for size in ("vector_width", "width")},
            f"{model}.encoder.width": 16,
        },
    )
    tagger = both.get_pipe("absa_gru")
    assert tagger.model.to_bytes() == trained.get_pipe("absa_gru").model.to_bytes()
    assert {e.pattern for e in both.get_pipe("absa_polarity").lexicon.entries} == {"本田", "丰田"}
    examples = examples_of(both, SWAPPED)
    before, after = trained.evaluate(examples), both.evaluate(examples)
    assert after["absa_polarity_acc"] == 1 > before["absa_polarity_acc"]
    assert after["absa_span_f"] == before["absa_span_f"]


@pytest.fixture
def transformer(tmp_path):
    """The folder of a transformer that knows the characters of the training texts."""
    pytest.importorskip("transformers", reason="needs the extra [transformer]")
    from tests.tiny_transformer import SPECIAL, save_transformer

    chars = sorted({*"".join([*SWAPPED, *GOLD]), *"《》"})
    return save_transformer(tmp_path / "transformer", [*SPECIAL, *chars], 64)


def test_a_transformer_trains_beside_a_frozen_tagger_and_judges(transformer, beside):
    both = beside(
        "polarity_transformer.cfg",
        {**SWAPPED, **GOLD},
        100,
        **{
            "paths.transformer": str(transformer),
            "components.absa_polarity.share": 1.0,
            "components.absa_polarity.model.learn_rate_scale": 1.0,
            "components.absa_polarity.model.learn_pieces": True,
            "components.absa_polarity.model.mixed_precision": False,
        },
    )
    shutil.rmtree(transformer)  # it is all in the pipeline
    assert both.evaluate(examples_of(both, SWAPPED))["absa_polarity_acc"] == 1
    doc = both("我喜欢丰田，我不喜欢本田")
    assert [ent._.sentiment for ent in doc.ents] == ["positive", "negative"]


def test_a_transformer_takes_no_alphabet(transformer):
    model = {"@architectures": "spacy_absa.TransformerReader.v1", "path": str(transformer)}
    nlp = make(model=model)
    examples = examples_of(nlp, SWAPPED)
    with pytest.raises(InputError, match="no character layer: leave out `alphabet` and `charlm`"):
        nlp.get_pipe("absa_polarity").initialize(lambda: examples, alphabet=lambda: "本田")
