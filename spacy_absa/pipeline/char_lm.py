"""The component `char_lm`: a character language model, trained by `spacy train` on raw text."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..models.charlm import nearest_characters
from ..models.torch_layer import forget_weights
from .annotations import install_extension
from .char_pipe import CharPipe, sample_docs

DEFAULT_MODEL_CONFIG = """
[model]
@architectures = "spacy_absa.CharLanguageModel.v1"
max_length = 512

[model.charlm]
@architectures = "spacy_absa.CharLM.v1"
vector_width = 128
width = 192
use = "states"
"""


@Language.factory(
    "char_lm",
    assigns=["doc._.perplexity"],
    default_config={
        "model": Config().from_str(DEFAULT_MODEL_CONFIG)["model"],
        "scorer": {"@scorers": "spacy_absa.perplexity_scorer.v1"},
    },
    default_score_weights={"lm_probability": 1.0, "lm_perplexity": None, "lm_bits_per_char": None},
)
def make_char_lm(
    nlp: Language, name: str, model: Model[list[Doc], list[Floats2d]], scorer: Callable | None
) -> "CharLM":
    """Create the component; the arguments are those of `CharLM`."""
    return CharLM(nlp.vocab, model, name, scorer=scorer)


class CharLM(CharPipe):
    """Predicts each character from those left of it, and from those right of it.

    The loss is the negative log-likelihood per character, the score the perplexity, each the
    mean over both directions.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], list[Floats2d]],
        name: str = "char_lm",
        *,
        scorer: Callable | None = None,
    ) -> None:
        super().__init__(vocab, model, name, scorer)
        install_extension(Doc, "perplexity")

    def __setstate__(self, state: Any) -> None:
        """Unpickle; the process may be one that has not made such a component yet."""
        super().__setstate__(state)
        install_extension(Doc, "perplexity")

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        alphabet: Callable[[], str] | None = None,
    ) -> None:
        """Prepare for training. alphabet: by default the characters seen at least twice."""
        validate_get_examples(get_examples, "CharLM.initialize")
        forget_weights(self.model)
        self._fill_alphabet(get_examples, alphabet)
        self.model.initialize(X=sample_docs(get_examples))

    def predict(self, docs: Iterable[Doc]) -> list[Floats2d]:
        """The surprise of each character in nats, per Doc (n, 2): from the left, from the right."""
        docs = list(docs)
        if not any(docs):
            return [self.model.ops.alloc2f(0, 2) for _ in docs]
        return self.model.predict(docs)

    def set_annotations(self, docs: Iterable[Doc], scores: list[Floats2d]) -> None:
        """Store `doc._.perplexity`; None for an empty Doc."""
        for doc, surprise in zip(docs, scores, strict=True):
            doc._.perplexity = math.exp(float(surprise.mean())) if len(surprise) else None

    def get_loss(
        self, examples: Iterable[Example], scores: list[Floats2d]
    ) -> tuple[float, list[Floats2d]]:
        """The mean surprise over characters and directions, and its gradient."""
        n_values = sum(surprise.size for surprise in scores)
        loss = sum(float(surprise.sum()) for surprise in scores) / n_values
        return loss, [self.model.ops.xp.full_like(s, 1 / n_values) for s in scores]

    def nearest_characters(self, char: str, n: int = 10) -> list[tuple[str, float]]:
        """The `n` characters with the most similar vectors, by falling cosine similarity.

        Raises KeyError for a character outside the alphabet.
        """
        return nearest_characters(self.model.get_ref("charlm"), char, n)
