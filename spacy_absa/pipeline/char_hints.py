"""The component `char_hints`: learns from raw text what a pretrained transformer knows of it."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..errors import InputError
from ..lexicon import Lexicon
from ..models.features import pinned_lexicon
from ..models.types import Hints, Teacher
from .char_pipe import LexiconPipe, sample_docs

DEFAULT_MODEL_CONFIG = """
[model]
@architectures = "spacy_absa.HintRegressor.v1"
max_length = 512

[model.charlm]
@architectures = "spacy_absa.CharLM.v1"
vector_width = 128
width = 192
use = "states"

[model.features]
@architectures = "spacy_absa.CharFeatures.v1"
entry_dropout = 0.2

[model.encoder]
@architectures = "spacy_absa.BiGRUEncoder.v1"
width = 192
depth = 2
"""
# Texts that show the teacher what its states are like.
_SAMPLE = 3000


@Language.factory(
    "char_hints",
    default_config={
        "model": Config().from_str(DEFAULT_MODEL_CONFIG)["model"],
        "scorer": {"@scorers": "spacy_absa.hints_scorer.v1"},
    },
    default_score_weights={"hints_r2": 1.0},
)
def make_char_hints(
    nlp: Language, name: str, model: Model[list[Doc], list[Floats2d]], scorer: Callable | None
) -> "CharHints":
    """Create the component; the arguments are those of `CharHints`."""
    return CharHints(nlp.vocab, model, name, scorer=scorer)


class CharHints(LexiconPipe):
    """Predicts the states that a teacher has of each character.

    A tagger that starts from its layers (`spacy_absa.CharLMLoader.v1` and
    `spacy_absa.EncoderLoader.v1`) knows some of what the teacher knows, and predicts without it.
    That is what the component is for: in a pipeline it sets nothing on a Doc. The teacher is
    needed to train and to score, and is not saved.

    The loss is the mean squared error over all characters with a hint and over the components of
    the hints, the score the explained share of their variance.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], list[Floats2d]],
        name: str = "char_hints",
        *,
        scorer: Callable | None = None,
    ) -> None:
        super().__init__(vocab, model, name, scorer)
        self._teacher: Teacher | None = None

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        alphabet: Callable[[], str] | None = None,
        charlm: Callable[[Model], None] | None = None,
        lexicon: Callable[[], Lexicon] | None = None,
        hints: Callable[[Sequence[str]], Teacher] | None = None,
    ) -> None:
        """Prepare for training.

        alphabet: by default the characters that the examples hold at least twice. charlm: fills
        the character layer, alphabet and weights, from a trained language model. lexicon: the
        entity list. hints: makes the teacher from a sample of the texts. Raises InputError where
        that is missing.
        """
        validate_get_examples(get_examples, "CharHints.initialize")
        texts = [example.reference.text for example in get_examples()]
        sample = random.Random(0).sample(texts, min(_SAMPLE, len(texts)))
        self._teacher = None if hints is None else hints(sample)
        width = self._hints(sample[:1])[0].vectors.shape[1]
        self._prepare_inputs(get_examples, alphabet, charlm, lexicon)
        self.model.get_ref("output").set_dim("nO", width, force=True)
        self.model.initialize(X=sample_docs(get_examples))

    def predict(self, docs: Iterable[Doc]) -> list[Floats2d]:
        """What the teacher might say of each character, per Doc (n_chars, width)."""
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            width = self.model.get_ref("output").get_dim("nO")
            return [self.model.ops.alloc2f(0, width) for _ in docs]
        with pinned_lexicon(self.lexicon):
            return self.model.predict(docs)

    def __call__(self, doc: Doc) -> Doc:
        """Leave the Doc as it is: what is predicted is for training and scores alone."""
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Leave the Docs as they are."""
        yield from stream

    def get_loss(
        self, examples: Iterable[Example], predictions: list[Floats2d]
    ) -> tuple[float, list[Floats2d]]:
        """The mean squared error over characters with a hint and components, and its gradient."""
        hints = self._hints([example.predicted.text for example in examples])
        errors = []
        for prediction, hint in zip(predictions, hints, strict=True):
            error = prediction - self.model.ops.asarray2f(hint.vectors)
            error[~self.model.ops.asarray(hint.known)] = 0
            errors.append(error)
        n_values = max(sum(hint.known.sum() * hint.vectors.shape[1] for hint in hints), 1)
        loss = sum(float((error**2).sum()) for error in errors) / n_values
        return loss, [error * (2 / n_values) for error in errors]

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score with the component's scorer what it predicts now, beside what the teacher says."""
        examples = list(examples)
        docs = [example.predicted for example in examples]
        compared = {
            "predictions": self.predict(docs),
            "hints": self._hints([doc.text for doc in docs]),
        }
        return super().score(examples, **compared, **kwargs)

    def _hints(self, texts: Sequence[str]) -> list[Hints]:
        if self._teacher is None:
            raise InputError(
                f"{self.name} has no teacher to learn from or to be compared with: name one as "
                f"`hints` in [initialize.components.{self.name}], such as "
                "spacy_absa.TransformerHints.v1; none is saved with a pipeline."
            )
        return self._teacher(texts)
