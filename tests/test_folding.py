"""Folding of characters."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_absa.folding import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ｑ７ q7 Q7", "q7 q7 q7"),
        ("宝马Ｘ５，ＳＵＶ！\u3000好", "宝马x5,suv! 好"),
        ("ÄÖ ΣΑΣ", "äö σασ"),
        ("㎏ ½ … İ", "㎏ ½ … İ"),  # these would become two characters or three
        ("a\ud800b", "a\ufffdb"),
        ("😀\r\n", "😀\r\n"),
        ("", ""),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded


@given(st.text(st.characters(codec=None, categories=None)))
def test_offsets_stay_and_the_result_can_be_encoded(text):
    folded = fold(text)
    assert len(folded) == len(text)
    folded.encode("utf-8")  # does not raise


def test_folding_twice_is_folding_once():
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    once = fold(everything)
    assert len(once) == len(everything)
    assert fold(once) == once
