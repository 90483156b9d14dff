"""Characters as numbers."""

from hypothesis import given
from hypothesis import strategies as st

from spacy_absa.numbering import CharNumbers


@given(st.lists(st.text(st.characters(codec=None, categories=None))))
def test_each_character_gets_its_number(texts):
    numbers = CharNumbers(lambda char: ord(char) % 7)
    for text in texts:
        assert numbers(text).tolist() == [ord(char) % 7 for char in text]


def test_each_code_point_is_numbered_once():
    asked = []
    numbers = CharNumbers(lambda char: asked.append(char) or 0)
    assert numbers("Ｑqq\0").tolist() == [0, 0, 0, 0]
    assert numbers("\0Ｑ").tolist() == [0, 0]
    assert asked == ["\0", "q", "Ｑ"]
