import numpy
import pytest

from spacy_absa.models.hint_cache import HintCache
from spacy_absa.models.types import Hints


class Teacher:
    """Says of each character its code, and nothing of blanks; notes which texts it read."""

    def __init__(self):
        self.read = []

    def __call__(self, texts):
        self.read.extend(texts)
        return [self.say(text) for text in texts]

    @staticmethod
    def say(text):
        codes = numpy.array([[ord(char) / 97, 1] for char in text], dtype="float32")
        return Hints(codes, numpy.array([char != " " for char in text]))


@pytest.fixture
def teacher():
    return Teacher()


def assert_same(told, texts, rel):
    for hints, text in zip(told, texts, strict=True):
        expected = Teacher.say(text)
        assert hints.vectors == pytest.approx(expected.vectors, rel=rel)
        assert hints.vectors.dtype == numpy.float32
        assert hints.known.tolist() == expected.known.tolist()


def test_each_text_is_read_once(teacher):
    cache = HintCache(teacher, 100)
    assert_same(cache(["a b", "c", "a b"]), ["a b", "c", "a b"], rel=0)
    assert_same(cache(["c", "d", "a b"]), ["c", "d", "a b"], rel=1e-3)
    assert_same(cache(["d"]), ["d"], rel=1e-3)
    assert teacher.read == ["a b", "c", "d"]


def test_what_has_no_room_is_read_again(teacher):
    cache = HintCache(teacher, 4)
    for _ in range(2):
        assert_same(cache(["abc", "de", "f"]), ["abc", "de", "f"], rel=1e-3)
    assert teacher.read == ["abc", "de", "f", "de"]


def test_without_room_nothing_is_kept(teacher):
    cache = HintCache(teacher, 0)
    assert_same(cache(["a"]) + cache(["a"]), ["a", "a"], rel=0)
    assert teacher.read == ["a", "a"]
