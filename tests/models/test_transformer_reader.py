import numpy
import pytest
import torch
from thinc.api import Adam

pytest.importorskip("transformers", reason="needs the extra [transformer]")
from transformers import AutoModel

from spacy_absa.errors import InputError
from spacy_absa.models import transformer_reader
from spacy_absa.models.transformer_reader import build_transformer_reader, pairs
from spacy_absa.models.types import Targets
from tests.tiny_transformer import SPECIAL, save_transformer

VOCAB = [*SPECIAL, *"我喜欢不本田丰错，《》", "key", "##board"]
PIECES = 40
TEXTS = [
    Targets("我喜欢本田，我不喜欢丰田", [(3, 5), (10, 12)]),
    Targets("喜欢", []),
    Targets("丰田不错，我喜欢Keyboard", [(8, 16)]),
    Targets("本", [(0, 1)]),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_transformer(tmp_path_factory.mktemp("transformer"), VOCAB, PIECES)


@pytest.fixture
def reader(folder):
    return make(folder)


def make(folder, **settings):
    torch.manual_seed(0)
    model = build_transformer_reader(folder, **settings)
    model.get_ref("head").set_dim("nO", 2)
    model.initialize()
    return model


def test_the_pair_of_a_target_and_the_text_around_it():
    text = Targets("0123456789", [(1, 3), (6, 8), (0, 10)])
    assert list(pairs(text, 4)) == [
        ("12", "0《12》3456"),
        ("67", "2345《67》89"),
        ("0123456789", "《0123456789》"),
    ]


def test_the_vector_of_a_pair_by_hand(folder, reader):
    """Segments are told apart, and the target is where it stands alone, not in the text."""
    target, text = ["key", "##board"], ["我", "《", "key", "##board", "》", "不", "错"]
    pieces = ["[CLS]", *target, "[SEP]", *text, "[SEP]"]
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder).eval()(
            input_ids=torch.tensor([[VOCAB.index(piece) for piece in pieces]]),
            token_type_ids=torch.tensor([[0] * 4 + [1] * 8]),
        )
    states = states.last_hidden_state[0].numpy()
    expected = [states[0], states.mean(0), states[1:3].mean(0)]
    encodings = transformer_reader._encode(reader, [Targets("我Keyboard不错", [(1, 9)])])
    (vector,) = reader.get_ref("encoder").predict(encodings)
    assert vector == pytest.approx(numpy.concatenate(expected), abs=1e-5)


def test_a_target_without_a_piece_is_zero(reader):
    encodings = transformer_reader._encode(reader, [Targets("我\u200b", [(1, 2)])])
    assert encodings[0].tokens == ["[CLS]", "[SEP]", "我", "《", "》", "[SEP]"]
    (vector,) = reader.get_ref("encoder").predict(encodings)
    assert (vector[-8:] == 0).all()
    assert (vector[:-8] != 0).all()


def test_a_text_that_is_too_long_is_cut_off(folder):
    model = make(folder, context=200)
    (far,) = model.predict([Targets("本田" + "我" * 50, [(0, 2)])])
    (further,) = model.predict([Targets("本田" + "我" * 100 + "错", [(0, 2)])])
    assert further == pytest.approx(far, abs=1e-5)


def test_nothing_is_read_beyond_the_context(folder):
    model = make(folder, context=2)
    near, nearer = Targets("不错，本田，喜欢", [(3, 5)]), Targets("喜错，本田，喜", [(3, 5)])
    assert model.predict([near]) == pytest.approx(model.predict([nearer]), abs=1e-5)
    model = make(folder, context=3)
    assert numpy.abs(model.predict([near]) - model.predict([nearer])).max() > 1e-4


@pytest.mark.parametrize("limit", [1, 40, 10_000])
def test_batch_mates_do_not_matter_and_rows_follow_the_entities(reader, monkeypatch, limit):
    monkeypatch.setattr(transformer_reader, "BATCH_TOKENS", limit)
    together = reader.predict(TEXTS)
    alone = [
        reader.predict([Targets(text.text, [place])]) for text in TEXTS for place in text.places
    ]
    assert together.shape == (4, 2)
    assert together == pytest.approx(numpy.concatenate(alone), abs=1e-5)
    trained, _ = reader.begin_update(TEXTS)  # without dropout, the same
    assert together == pytest.approx(trained, abs=1e-5)
    assert len(numpy.unique(together.round(4), axis=0)) == 4


def test_every_weight_but_the_vectors_of_pieces_gets_a_gradient(reader):
    scores, backprop = reader.begin_update(TEXTS)
    backprop(numpy.arange(scores.size, dtype="float32").reshape(scores.shape))
    modules = [shim.module for node in reader.walk() for shim in node.shims]
    assert len(modules) == 2
    for module in modules:
        for name, parameter in module.named_parameters():
            if name == "encoder.embeddings.word_embeddings.weight":
                assert parameter.grad is None
            else:
                assert parameter.grad.abs().max() > 0, name


def test_the_transformer_learns_at_a_share_of_the_rate(folder):
    moved = {}
    for scale in (0.0, 0.5):
        model = make(folder, learn_rate_scale=scale)
        shims = [shim for node in model.walk() for shim in node.shims]
        before = [shim.state() for shim in shims]
        before = [{name: value.copy() for name, value in state.items()} for state in before]
        scores, backprop = model.begin_update(TEXTS)
        backprop(numpy.arange(scores.size, dtype="float32").reshape(scores.shape))
        model.finish_update(Adam(0.01))
        moved[scale] = [
            max(abs(value - old[name]).max() for name, value in shim.state().items())
            for shim, old in zip(shims, before, strict=True)
        ]
    # The first step of Adam is the learning rate.
    assert moved[0.0] == pytest.approx([0.0, 0.01], rel=1e-2)
    assert moved[0.5] == pytest.approx([0.005, 0.01], rel=1e-2)


def test_the_vectors_of_pieces_learn_only_where_wanted(folder):
    for wanted in (False, True):
        model = make(folder, learn_pieces=wanted)
        module = model.get_ref("encoder").shims[0].module
        vectors = module.encoder.get_input_embeddings().weight
        before = vectors.detach().clone()
        scores, backprop = model.begin_update(TEXTS)
        backprop(numpy.arange(scores.size, dtype="float32").reshape(scores.shape))
        model.finish_update(Adam(0.01))
        assert torch.equal(vectors, before) is not wanted


def test_it_learns_who_is_liked(folder):
    """The same text has both answers: it must see which of the two is asked for."""
    model = make(folder, learn_rate_scale=1.0)
    texts = [
        Targets(text, [(text.index(name), text.index(name) + 2) for name in ("本田", "丰田")])
        for text in ("我喜欢本田，不喜欢丰田", "我喜欢丰田，不喜欢本田")
    ]
    gold = numpy.array([[1, 0], [0, 1], [0, 1], [1, 0]], dtype="float32")
    optimizer = Adam(0.01)
    for _ in range(100):
        scores, backprop = model.begin_update(texts)
        backprop(model.ops.softmax(scores) - gold)
        model.finish_update(optimizer)
    assert (model.predict(texts).argmax(1) == gold.argmax(1)).all()


def test_a_trained_reader_needs_no_folder(folder):
    model = make(folder, width=5)
    copy = build_transformer_reader(None, width=5).from_bytes(model.to_bytes())
    assert copy.get_ref("head").shims[0].module.hidden.weight.shape == (5, 24)
    assert copy.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()


def test_nothing_in_nothing_out(reader):
    assert len(reader.predict([])) == len(reader.predict([Targets("喜欢", [])])) == 0


@pytest.mark.parametrize("path", [None, "empty"])
def test_what_is_no_transformer_is_refused(path, tmp_path):
    with pytest.raises(InputError, match=r"spacy_absa\.TransformerReader\.v1 takes a folder"):
        make(path and str(tmp_path))


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("spacy_absa.extras.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"TransformerReader\.v1 needs transformers: pip install"):
        build_transformer_reader(None)
