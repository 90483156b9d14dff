import pytest

from spacy_absa.models.symbols import BOUNDARY, UNKNOWN, n_symbols, symbols


@pytest.fixture
def layer():
    layer = symbols()
    layer.attrs["alphabet"] = "我q喜7"
    return layer


def test_texts_become_numbers_between_boundaries(layer):
    batch = layer.predict(["我喜Q", ""])
    assert n_symbols(layer) == 6
    assert batch.lengths.tolist() == [5, 2]
    assert batch.symbols.T.tolist() == [
        [BOUNDARY, 2, 4, 3, BOUNDARY],
        [BOUNDARY, BOUNDARY, BOUNDARY, BOUNDARY, BOUNDARY],
    ]


def test_case_and_width_are_folded(layer):
    assert layer.predict(["Ｑ７"]).symbols[1:3, 0].tolist() == [3, 5]


def test_any_other_character_is_unknown(layer):
    # Beyond the alphabet's highest code point, and unpaired surrogates, too.
    assert layer.predict(["龘😀\ud800"]).symbols[1:4, 0].tolist() == [UNKNOWN] * 3


def test_no_texts_and_no_alphabet():
    assert symbols().predict([]).symbols.shape == (2, 0)
    assert symbols().predict(["我"]).symbols[1, 0] == UNKNOWN
