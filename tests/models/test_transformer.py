import numpy
import pytest
import spacy
import torch
from thinc.api import Adam

pytest.importorskip("transformers", reason="needs the extra [transformer]")
from transformers import AutoModel

from spacy_absa.errors import InputError
from spacy_absa.models.transformer import build_transformer
from tests.tiny_transformer import SPECIAL, save_transformer

VOCAB = [*SPECIAL, "no", "##tebook", "key", "##board", "bad", "."]
PIECES = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A transformer for windows of PIECES pieces."""
    return save_transformer(tmp_path_factory.mktemp("transformer"), VOCAB, PIECES)


@pytest.fixture
def model(folder):
    model = build_transformer(folder)
    model.initialize(X=docs("bad"))
    return model


def docs(*texts):
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in texts]


def states(folder, *pieces):
    """The last states of a window, without those of its first piece and its last."""
    encoder = AutoModel.from_pretrained(folder).eval()
    ids = [VOCAB.index(piece) for piece in ("[CLS]", *pieces, "[SEP]")]
    with torch.no_grad():
        return encoder(input_ids=torch.tensor([ids])).last_hidden_state[0, 1:-1].numpy()


def test_a_token_is_the_mean_of_its_pieces_and_a_blank_is_zero(folder, model):
    short, long = model.predict(docs("bad", "Notebook  bad."))
    no, tebook, bad, stop = states(folder, "no", "##tebook", "bad", ".")
    assert long == pytest.approx(numpy.stack([(no + tebook) / 2, 0 * no, bad, stop]), abs=1e-5)
    assert short == pytest.approx(states(folder, "bad"), abs=1e-5)


def test_windows_of_a_long_text_overlap(folder, model):
    # 10 pieces a window beside its two ends, of which the next window repeats one.
    (vectors,) = model.predict(docs("key " * 9 + "bad ."))
    first = states(folder, *["key"] * 9, "bad")
    second = states(folder, "bad", ".")
    shared = (first[-1:] + second[:1]) / 2
    assert vectors == pytest.approx(numpy.concatenate([first[:-1], shared, second[1:]]), abs=1e-5)


def test_batches_of_any_size_give_the_same(model, monkeypatch):
    texts = docs("bad", "Notebook bad.", "keyboard")
    together = model.predict(texts)
    monkeypatch.setattr("spacy_absa.models.transformer.BATCH_TOKENS", 1)
    for alone, expected in zip(model.predict(texts), together, strict=True):
        assert alone == pytest.approx(expected, abs=1e-5)


def test_training_changes_all_but_the_vectors_of_pieces(model):
    before = {name: value.copy() for name, value in model.shims[0].state().items()}
    outputs, backprop = model.begin_update(docs("bad", "keyboard"))
    # Not all ones: the sum over the output of a layer norm does not depend on what goes in.
    backprop(
        [numpy.arange(output.size, dtype="float32").reshape(output.shape) for output in outputs]
    )
    model.finish_update(Adam(0.1))
    changed = {
        name for name, value in model.shims[0].state().items() if (value != before[name]).any()
    }
    assert "encoder.embeddings.word_embeddings.weight" not in changed
    assert "encoder.embeddings.LayerNorm.weight" in changed
    assert "encoder.encoder.layer.0.attention.self.query.weight" in changed


def test_a_trained_layer_needs_no_folder(model):
    texts = docs("Notebook bad.")
    copy = build_transformer(None).from_bytes(model.to_bytes())
    assert copy.predict(texts)[0].tolist() == model.predict(texts)[0].tolist()


@pytest.mark.parametrize("path", [None, "empty"])
def test_what_is_no_transformer_is_refused(path, tmp_path):
    model = build_transformer(path and str(tmp_path))
    with pytest.raises(InputError, match="takes a folder"):
        model.initialize(X=docs("bad"))


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("spacy_absa.extras.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'spacy-absa\[transformer\]'"):
        build_transformer(None)
