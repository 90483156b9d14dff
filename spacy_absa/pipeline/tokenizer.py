"""A tokenizer whose tokens are characters, for languages without blanks between words."""

import re
from collections.abc import Callable

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import DummyTokenizer
from spacy.vocab import Vocab

# A character and the blank that belongs to it, or white space that belongs to none.
_TOKEN = re.compile(r"(\S)( ?)|(\s+)")


class CharTokenizer(DummyTokenizer):
    """Makes the tokens of spaCy's `ChineseTokenizer` with the segmenter `char`, in linear time.

    spaCy's copies the rest of the text for each token, so that a text of a million characters
    takes it minutes.
    """

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """One token a character; blanks as in spaCy's other tokenizers."""
        tokens = _TOKEN.findall(text)
        return Doc(
            self.vocab,
            words=[char or space for char, _, space in tokens],
            spaces=[bool(blank) for _, blank, _ in tokens],
        )


def create_char_tokenizer() -> Callable[[Language], CharTokenizer]:
    """`spacy_absa.CharTokenizer.v1`, for `[nlp.tokenizer]`."""
    return lambda nlp: CharTokenizer(nlp.vocab)
