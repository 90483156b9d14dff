import numpy
import pytest
from thinc.api import Model

from spacy_absa.lexicon import Lexicon, LexiconEntry
from spacy_absa.models.features import beside, build_char_features, set_lexicon
from spacy_absa.models.types import CharBatch

LEXICON = Lexicon([LexiconEntry(alias, "") for alias in ("哈弗", "哈弗H6", "秦")])


def features(layer, text, is_train=False):
    batch, _ = layer([text, "垫一垫这一批"], is_train)
    return batch.data[: batch.lengths[0], 0]


@pytest.fixture
def layer():
    layer = build_char_features(entry_dropout=0.2)
    set_lexicon(layer, LEXICON)
    return layer


def test_case_and_roles_by_hand(layer):
    # Columns: upper, lower; longest match begin, inside, end, single; any begin, inside, end.
    assert features(layer, "秦Z哈弗h6").tolist() == [
        [0, 0, 0, 0, 0, 1, 1, 0, 1],  # 秦
        [1, 0, 0, 0, 0, 0, 0, 0, 0],  # Z
        [0, 0, 1, 0, 0, 0, 1, 0, 0],  # 哈: 哈弗 and 哈弗h6 begin
        [0, 0, 0, 1, 0, 0, 0, 1, 1],  # 弗: 哈弗 ends, 哈弗h6 goes on
        [0, 1, 0, 1, 0, 0, 0, 1, 0],  # h
        [0, 0, 0, 0, 1, 0, 0, 1, 1],  # 6
    ]


def test_training_leaves_out_its_share_of_the_matches(layer):
    numpy.random.seed(0)
    text = "秦" * 1000
    assert features(layer, text).sum() == 3000
    assert 700 < features(layer, text, is_train=True).sum() / 3 < 900


def test_texts_without_a_lexicon_have_only_case():
    assert features(build_char_features(), "秦PLUS").sum(axis=0).tolist() == [4] + 8 * [0]


def test_beside_joins_the_vectors_and_parts_the_gradient():
    seen = {}

    def constant(name, width):
        def forward(model, texts, is_train):
            def backprop(dY):
                seen[name] = dY.data
                return []

            data = numpy.full((2, len(texts), width), width, dtype="float32")
            return CharBatch(data, numpy.array([2] * len(texts))), backprop

        return Model(name, forward)

    batch, backprop = beside(constant("left", 2), constant("right", 3))(["一二"], True)
    assert batch.data.tolist() == [[[2, 2, 3, 3, 3]]] * 2
    gradient = numpy.arange(10, dtype="float32").reshape(2, 1, 5)
    backprop(CharBatch(gradient, batch.lengths))
    assert seen["left"].tolist() == [[[0, 1]], [[5, 6]]]
    assert seen["right"].tolist() == [[[2, 3, 4]], [[7, 8, 9]]]
