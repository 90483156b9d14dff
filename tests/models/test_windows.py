import numpy
import pytest
import spacy
from thinc.api import Model

from spacy_absa.models import windows
from spacy_absa.models.types import CharBatch


@pytest.fixture
def layer():
    """Gives each character its code point, notes its batches, and the gradient that it gets."""
    seen = {"batches": [], "gradients": []}

    def forward(model, texts, is_train):
        seen["batches"].append(texts)
        data = numpy.zeros((max(map(len, texts)), len(texts), 1), dtype="float32")
        for column, text in enumerate(texts):
            data[: len(text), column, 0] = [ord(char) for char in text]
        batch = CharBatch(data, numpy.array([len(text) for text in texts]))

        def backprop(dY):
            seen["gradients"].append(dY.data[..., 0].T.tolist())
            return []

        return batch, backprop

    model = windows.with_windows(Model("codes", forward), max_length=4)
    return model, seen


def docs(*texts):
    nlp = spacy.blank("zh")
    return [nlp.make_doc(text) for text in texts]


def test_long_texts_are_cut_and_joined(layer):
    model, seen = layer
    texts = "一二。三四五", "", "六"
    outputs = model.predict(docs(*texts))
    assert ["".join(chr(int(c)) for c in output[:, 0]) for output in outputs] == list(texts)
    assert sorted(text for batch in seen["batches"] for text in batch) == ["一二。", "三四五", "六"]


def test_the_gradient_goes_back_the_same_way(layer):
    model, seen = layer
    outputs, backprop = model.begin_update(docs("一二。三四五", "六"))
    gradient = [numpy.arange(len(o), dtype="float32")[:, None] + 1 for o in outputs]
    backprop(gradient)
    assert seen["batches"] == [["一二。", "三四五", "六"]]  # one batch in training
    assert seen["gradients"] == [[[1, 2, 3], [4, 5, 6], [1, 0, 0]]]


def test_batches_are_of_like_length_and_limited_size(layer, monkeypatch):
    model, seen = layer
    monkeypatch.setattr(windows, "BATCH_CHARS", 8)
    texts = ["一", "一二三四", "一二", "一二三", "二", "三"]
    outputs = model.predict(docs(*texts))
    assert [len(output) for output in outputs] == [1, 4, 2, 3, 1, 1]
    assert [[len(t) for t in batch] for batch in seen["batches"]] == [[4, 3], [2, 1, 1, 1]]


def test_nothing_in_nothing_out(layer):
    assert layer[0].predict([]) == []
    assert len(layer[0].predict(docs(""))[0]) == 0
