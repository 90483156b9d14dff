import numpy
import pytest
import spacy
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam

from spacy_absa.errors import InputError
from spacy_absa.lexicon import Lexicon, LexiconEntry
from spacy_absa.loaders import (
    create_charlm_loader,
    create_encoder_loader,
    create_transformer_hints,
)
from spacy_absa.models.types import Hints
from spacy_absa.pipeline.scorers import score_hints
from tests.pipeline.conftest import GOLD, TINY, examples_of
from tests.tiny_transformer import SPECIAL, save_transformer

DEEP = {**TINY["encoder"], "depth": 2, "quantize": False}
STUDENT = {
    "@architectures": "spacy_absa.HintRegressor.v1",
    "charlm": TINY["charlm"],
    "features": TINY["features"],
    "encoder": DEEP,
}
# In 8 bits, as by default, it would predict a little differently.
TAGGER = {**TINY, "charlm": {**TINY["charlm"], "quantize": False}, "encoder": DEEP}
LEXICON = Lexicon([LexiconEntry("本田", "honda")])
# Two components for some characters, and no hint for the others.
WORTH = {"本": [1, 0], "田": [0, 1], "丰": [1, 1]}


def teach(texts):
    return [
        Hints(
            numpy.array([WORTH.get(char, [99, 99]) for char in text], dtype="float32"),
            numpy.array([char in WORTH for char in text]),
        )
        for text in texts
    ]


def learn(hints, steps):
    """A pipeline that has learned the hints of the texts of GOLD."""
    fix_random_seed(0)
    nlp = spacy.blank("zh")
    pipe = nlp.add_pipe("char_hints", config={"model": STUDENT})
    examples = examples_of(nlp)
    pipe.initialize(lambda: examples, nlp=nlp, hints=hints, lexicon=lambda: LEXICON)
    optimizer = Adam(0.02)
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture(scope="module")
def trained():
    """Knows by heart what `teach` says. Tests must leave it as it is."""
    return learn(lambda sample: teach, 60)


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("char_hints")
    trained.to_disk(path)
    return path


def test_it_learns_what_the_teacher_says(trained):
    assert trained.evaluate(examples_of(trained))["hints_r2"] > 0.95
    doc = trained.make_doc("他本田")
    (prediction,) = trained.get_pipe("char_hints").predict([doc])
    assert prediction.shape == (3, 2)
    assert prediction[1:] == pytest.approx(numpy.array([[1, 0], [0, 1]]), abs=0.3)


def test_it_learns_from_a_transformer(tmp_path):
    pytest.importorskip("transformers", reason="needs the extra [transformer]")
    pieces = [*SPECIAL, *sorted(set("".join(GOLD)))]
    folder = save_transformer(tmp_path, pieces, 20)
    hints = create_transformer_hints(folder, layers=[1, 2], width=4)
    scores = [
        nlp.evaluate(examples_of(nlp))["hints_r2"] for nlp in (learn(hints, 0), learn(hints, 60))
    ]
    assert scores[0] < 0.1
    assert scores[1] > 0.7


def test_loss_and_gradient_by_hand(trained):
    pipe = trained.get_pipe("char_hints")
    predictions = [numpy.array([[3, 0], [5, 5]], "float32"), numpy.array([[1, 3]], "float32")]
    loss, gradient = pipe.get_loss(pairs(trained, "本他", "田"), predictions)
    # errors 2, 0 and 1, 2, of two characters with two components each; 他 has no hint
    assert loss == (4 + 0 + 1 + 4) / 4
    assert [rows.tolist() for rows in gradient] == [[[1, 0], [0, 0]], [[0.5, 1]]]


def test_the_gradient_is_that_of_the_loss(trained):
    pipe = trained.get_pipe("char_hints")
    examples = pairs(trained, "我喜欢本田", "丰田不错", "他")
    rng = numpy.random.default_rng(0)
    at = [rng.normal(size=(len(eg.predicted.text), 2)).astype("float32") for eg in examples]
    _, gradient = pipe.get_loss(examples, at)
    for text, rows in enumerate(at):
        for place in numpy.ndindex(rows.shape):
            losses = []
            for step in (0.1, -0.1):
                moved = [array.copy() for array in at]
                moved[text][place] += step
                losses.append(pipe.get_loss(examples, moved)[0])
            slope = (losses[0] - losses[1]) / 0.2
            assert gradient[text][place] == pytest.approx(slope, abs=1e-4)


def test_texts_without_a_hint_teach_nothing(trained):
    pipe = trained.get_pipe("char_hints")
    loss, (gradient,) = pipe.get_loss(pairs(trained, "他"), [numpy.ones((1, 2), "float32")])
    assert loss == 0
    assert gradient.tolist() == [[0, 0]]


def test_the_explained_share_of_the_variance():
    hints = teach(["本他田", "丰"])
    gold = [hint.vectors for hint in hints]
    mean = [numpy.full_like(vectors, 2 / 3) for vectors in gold]
    half = [(vectors + 2 / 3) / 2 for vectors in gold]
    shares = [
        score_hints([], predictions=guess, hints=hints)["hints_r2"] for guess in (gold, mean, half)
    ]
    assert shares == pytest.approx([1, 0, 0.75], abs=1e-6)
    assert score_hints([], predictions=gold[:1], hints=teach(["他"])) == {}


def test_saved_and_loaded_it_predicts_the_same_without_a_teacher(trained, saved):
    copy = spacy.load(saved)
    docs = [trained.make_doc(text) for text in (*GOLD, "")]
    before, after = (nlp.get_pipe("char_hints").predict(docs) for nlp in (trained, copy))
    assert [rows.tolist() for rows in after] == [rows.tolist() for rows in before]
    assert copy.get_pipe("char_hints").lexicon.to_bytes() == LEXICON.to_bytes()
    assert copy.get_pipe("char_hints").predict([docs[-1]])[0].shape == (0, 2)
    for use in (copy.evaluate, copy.update):
        with pytest.raises(InputError, match="char_hints has no teacher"):
            use(pairs(copy, "本田"))


def test_a_damaged_file_is_refused(trained, tmp_path):
    trained.to_disk(tmp_path)
    with (tmp_path / "char_hints/model").open("ab") as file:
        file.write(b"!")
    with pytest.raises(InputError, match="is damaged"):
        spacy.load(tmp_path)


def test_no_training_without_a_teacher():
    nlp = spacy.blank("zh")
    nlp.add_pipe("char_hints", config={"model": STUDENT})
    with pytest.raises(InputError, match="name one as `hints`"):
        nlp.initialize(lambda: examples_of(nlp))


def test_it_sets_nothing_and_costs_nothing(trained, monkeypatch):
    monkeypatch.setattr(trained.get_pipe("char_hints"), "predict", None)
    doc = trained("我喜欢本田")
    assert [doc.text for doc in trained.pipe(["我", "你"])] == ["我", "你"]
    assert doc.to_bytes() == trained.make_doc("我喜欢本田").to_bytes()


def test_a_tagger_starts_from_its_layers(trained, saved):
    tagger = start(saved, TAGGER).model
    source = trained.get_pipe("char_hints").model
    vectors = source.get_ref("charlm").predict(["我喜欢本田"])
    assert tagger.get_ref("charlm").predict(["我喜欢本田"]).data.tolist() == vectors.data.tolist()
    features = source.layers[0].layers[0].predict(["我喜欢本田"])
    expected, found = (model.get_ref("encoder").predict(features) for model in (source, tagger))
    assert found.data.tolist() == expected.data.tolist()
    for name, weights in source.get_ref("encoder").shims[0].state().items():
        assert tagger.get_ref("encoder").shims[0].state()[name].tolist() == weights.tolist()


def test_every_tagger_of_an_ensemble_starts_from_them(trained, saved):
    ensemble = {"@architectures": "spacy_absa.Ensemble.v1", "*": {"a": TAGGER, "b": TAGGER}}
    members = start(saved, ensemble).model.layers
    expected = trained.get_pipe("char_hints").model.get_ref("encoder").shims[0].state()
    for member in members:
        state = member.get_ref("encoder").shims[0].state()
        assert all((state[name] == weights).all() for name, weights in expected.items())


@pytest.mark.parametrize(
    ("changed", "sizes"),
    [
        ({"encoder": {**DEEP, "depth": 1}}, "depth 1, width 16 and 41 inputs"),
        ({"encoder": {**DEEP, "width": 12}}, "depth 2, width 12 and 41 inputs"),
        ({"features": None}, "depth 2, width 16 and 32 inputs"),
    ],
)
def test_an_encoder_of_another_size_is_refused_and_both_are_named(saved, changed, sizes):
    with pytest.raises(InputError, match=f"depth 2, width 16 and 41 inputs, but .* {sizes}"):
        start(saved, {**TAGGER, **changed})


def start(path, model):
    """A tagger that starts from a trained `char_hints`."""
    nlp = spacy.blank("zh")
    pipe = nlp.add_pipe("absa_gru", config={"model": model})
    pipe.initialize(
        lambda: examples_of(nlp),
        charlm=create_charlm_loader(path, "char_hints"),
        encoder=create_encoder_loader(path),
    )
    return pipe


def pairs(nlp, *texts):
    docs = [nlp.make_doc(text) for text in texts]
    return [Example(doc, doc) for doc in docs]
