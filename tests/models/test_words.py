import numpy
import spacy
from thinc.api import Model

from spacy_absa.models.types import CharBatch
from spacy_absa.models.windows import with_windows
from spacy_absa.models.words import beside_vectors, spread

TEXT = "ab x! d"


def doc():
    return spacy.blank("en").make_doc(TEXT)


def numbered(seen):
    """Gives each token its number, from 1, and notes the gradient that it gets."""

    def forward(model, docs, is_train):
        def backprop(d_tokens):
            seen["tokens"] = [array.tolist() for array in d_tokens]
            return []

        return [numpy.arange(1, len(doc) + 1, dtype="float32")[:, None] for doc in docs], backprop

    return Model("numbered", forward)


def code_points(seen):
    """Gives each character its code point, and notes texts and gradient."""

    def forward(model, texts, is_train):
        seen["texts"] = texts
        data = numpy.zeros((max(map(len, texts)), len(texts), 1), dtype="float32")
        for column, text in enumerate(texts):
            data[: len(text), column, 0] = [ord(char) for char in text]

        def backprop(dY):
            seen["chars"] = dY.data[..., 0].T.tolist()
            return []

        return CharBatch(data, numpy.array([len(text) for text in texts])), backprop

    return Model("code_points", forward)


def test_characters_get_the_vector_of_their_token_and_give_it_their_gradients():
    seen = {}
    outputs, backprop = spread(numbered(seen)).begin_update([doc()])
    assert outputs[0][:, 0].tolist() == [1, 1, 0, 2, 3, 0, 4]
    backprop([numpy.array([[1], [10], [5], [100], [7], [5], [8]], dtype="float32")])
    assert seen["tokens"] == [[[11], [100], [7], [8]]]


def test_vectors_are_cut_as_the_texts_are():
    seen = {}
    layer = beside_vectors(code_points(seen))
    model = with_windows(layer, max_length=4, vectors=spread(numbered(seen)))
    model.initialize(X=[doc()])
    outputs, backprop = model.begin_update([doc(), spacy.blank("en").make_doc("no")])
    assert seen["texts"] == ["ab x", "! d", "no"]
    assert outputs[0].tolist() == [
        [ord(char), number] for char, number in zip(TEXT, [1, 1, 0, 2, 3, 0, 4], strict=True)
    ]
    gradient = numpy.arange(14, dtype="float32").reshape(7, 2)
    backprop([gradient, gradient[:2] + 20])
    assert seen["chars"] == [[0, 2, 4, 6], [8, 10, 12, 0], [20, 22, 0, 0]]
    assert seen["tokens"] == [[[1 + 3], [7], [9], [13]], [[21 + 23]]]


def test_texts_without_tokens_pass():
    empty = spacy.blank("en").make_doc("")
    model = with_windows(beside_vectors(code_points({})), 4, spread(numbered({})))
    assert [len(output) for output in model.predict([empty, doc()])] == [0, 7]
    assert model.predict([]) == []
