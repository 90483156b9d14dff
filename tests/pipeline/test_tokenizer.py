from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_absa.pipeline.tokenizer import CharTokenizer

REFERENCE = spacy.blank("zh")
TEXTS = st.text(st.sampled_from(" \n\t\u3000\u00a0\x1c哈弗Ha6é\u0301😀。"), max_size=30)


@given(TEXTS | st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_tokens_are_those_of_the_chinese_tokenizer(text: str):
    tokenize = CharTokenizer(REFERENCE.vocab)
    found, expected = tokenize(text), REFERENCE.make_doc(text)
    assert [(t.text, t.whitespace_) for t in found] == [(t.text, t.whitespace_) for t in expected]
    assert found.text == text


@pytest.mark.parametrize("lang", ["zh", "ja"])
def test_config_names_the_tokenizer_and_a_saved_pipeline_keeps_it(lang: str, tmp_path: Path):
    config = {"nlp": {"tokenizer": {"@tokenizers": "spacy_absa.CharTokenizer.v1"}}}
    nlp = spacy.blank(lang, config=config)
    nlp.to_disk(tmp_path)
    assert [token.text for token in spacy.load(tmp_path)("哈弗 H6")] == ["哈", "弗", "H", "6"]
