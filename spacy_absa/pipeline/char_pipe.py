"""What the components share that read characters: character layer, entity list, files, labels."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer

from ..data.alphabet import build_alphabet, count_characters
from ..decoding.calibration import Calibration
from ..errors import InputError
from ..lexicon import Lexicon
from ..models.charlm import set_alphabet
from ..models.features import set_lexicon
from ..models.torch_layer import forget_weights
from .annotations import EXTENSIONS, install_extension
from .checksums import check_files, checksummed
from .gold import gold_labels

# Of the files on disk. Raised when a change makes older pipelines unreadable.
FORMAT = 1


class CharPipe(TrainablePipe):
    """A component that reads characters; its files have checksums."""

    def __init__(self, vocab: Vocab, model: Model, name: str, scorer: Callable | None) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg: dict[str, Any] = {}

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch; adds the loss to `losses`."""
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        return super().update(examples, drop=drop, sgd=sgd, losses=losses)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save settings, model and vocabulary to a folder."""
        with checksummed(path):
            super().to_disk(path, exclude=exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "CharPipe":
        """Load what `to_disk` saved. Raises InputError for damaged files."""
        check_files(path)
        return super().from_disk(path, exclude=exclude)

    def _fill_alphabet(
        self,
        get_examples: Callable[[], Iterable[Example]],
        alphabet: Callable[[], str] | None,
    ) -> None:
        """Give the character layer its alphabet: by default what the texts hold at least twice."""
        if alphabet is not None:
            characters = alphabet()
        else:
            texts = (example.reference.text for example in get_examples())
            characters = build_alphabet(count_characters(texts), min_count=2)
        set_alphabet(self.model.get_ref("charlm"), characters)


class LexiconPipe(CharPipe):
    """A component that reads characters, and names of an entity list among them."""

    def __init__(self, vocab: Vocab, model: Model, name: str, scorer: Callable | None) -> None:
        super().__init__(vocab, model, name, scorer)
        self.cfg["format"] = FORMAT
        self.set_lexicon(Lexicon([]))

    def set_lexicon(self, lexicon: Lexicon) -> None:
        """Replace the entity list; it is saved with the pipeline.

        Other threads may predict meanwhile: each batch is read with the old list or the new one.
        """
        self.lexicon = lexicon
        set_lexicon(self.model, lexicon)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialise settings, model, vocabulary and lexicon."""
        serialize = {
            "pipe": lambda: super(LexiconPipe, self).to_bytes(exclude=exclude),
            "lexicon": self.lexicon.to_bytes,
        }
        return util.to_bytes(serialize, exclude)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "LexiconPipe":
        """Load what `to_bytes` made."""
        deserialize = {
            "pipe": lambda data: super(LexiconPipe, self).from_bytes(data, exclude=exclude),
            "lexicon": lambda data: self.set_lexicon(Lexicon.from_bytes(data)),
        }
        util.from_bytes(bytes_data, deserialize, exclude)
        self._check_loaded()
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save settings, model, vocabulary and lexicon to a folder."""
        with checksummed(path):
            if "lexicon" not in exclude:
                (Path(path) / "lexicon").write_bytes(self.lexicon.to_bytes())
            super().to_disk(path, exclude=exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "LexiconPipe":
        """Load what `to_disk` saved.

        Raises InputError for damaged files and for those of another format version.
        """
        super().from_disk(path, exclude=exclude)
        if "lexicon" not in exclude:
            self.set_lexicon(Lexicon.from_bytes((Path(path) / "lexicon").read_bytes()))
        self._check_loaded()
        return self

    def _check_loaded(self) -> None:
        if self.cfg["format"] != FORMAT:
            raise InputError(
                f"The component {self.name!r} was saved in format {self.cfg['format']}, but this "
                f"version of spacy-absa reads format {FORMAT}; install the version of spacy-absa "
                "that saved it, or train the pipeline again."
            )

    def _prepare_inputs(
        self,
        get_examples: Callable[[], Iterable[Example]],
        alphabet: Callable[[], str] | None,
        charlm: Callable[[Model], None] | None,
        lexicon: Callable[[], Lexicon] | None,
    ) -> None:
        """Fill the character layer, which models that read otherwise lack, and the entity list.

        All weights are to be made anew.
        """
        forget_weights(self.model)
        char_layer = self.model.maybe_get_ref("charlm")
        if char_layer is None:
            if alphabet is not None or charlm is not None:
                raise InputError(
                    f"The model of {self.name} has no character layer: leave out `alphabet` and "
                    f"`charlm` in [initialize.components.{self.name}]."
                )
        elif charlm is not None:
            charlm(char_layer)
        else:
            self._fill_alphabet(get_examples, alphabet)
        if lexicon is not None:
            self.set_lexicon(lexicon())


class SentimentPipe(LexiconPipe):
    """A component that reads characters, and gives entities their sentiment.

    spans_key: the entities are in `doc.spans[spans_key]`; None means `doc.ents`.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str,
        spans_key: str | None,
        scorer: Callable | None,
    ) -> None:
        super().__init__(vocab, model, name, scorer)
        for owner, extension in EXTENSIONS:
            install_extension(owner, extension)
        self.spans_key = spans_key
        self.cfg["labels"] = []
        self.calibration = Calibration()

    def __setstate__(self, state: Any) -> None:
        """Unpickle; the process may be one that has not made such a component yet."""
        super().__setstate__(state)
        for owner, extension in EXTENSIONS:
            install_extension(owner, extension)

    @property
    def labels(self) -> tuple[str, ...]:
        """The sentiment labels, in the order of their scores."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> tuple[str, ...]:
        """What `spacy init labels` writes."""
        return self.labels

    @property
    def calibration(self) -> Calibration:
        """What calibrates the reported probabilities; it is saved with the pipeline."""
        return Calibration(**self.cfg["calibration"])

    @calibration.setter
    def calibration(self, calibration: Calibration) -> None:
        self.cfg["calibration"] = calibration._asdict()

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score with the component's scorer where the component writes."""
        return super().score(examples, **{"spans_key": self.spans_key, **kwargs})

    def _check_loaded(self) -> None:
        super()._check_loaded()
        self._set_labels(self.labels)

    def _set_labels(self, labels: Iterable[str]) -> None:
        self.cfg["labels"] = list(labels)

    def _prepare(
        self,
        get_examples: Callable[[], Iterable[Example]],
        labels: Sequence[str] | None,
        alphabet: Callable[[], str] | None,
        charlm: Callable[[Model], None] | None,
        lexicon: Callable[[], Lexicon] | None,
    ) -> None:
        """Set the labels, the character layer and the entity list, before the weights are made."""
        if labels is None:
            labels = sorted({*self.labels, *gold_labels(get_examples(), self.spans_key)})
        self._set_labels(labels)
        if not self.labels:
            raise InputError(
                "The training examples hold no entities, so there is no label to learn; check "
                f"the training corpus, or give `labels` in [initialize.components.{self.name}]."
            )
        self._prepare_inputs(get_examples, alphabet, charlm, lexicon)


def sample_docs(get_examples: Callable[[], Iterable[Example]]) -> list[Doc]:
    """The first ten texts that are not empty: by them a model sees the sizes of its layers."""
    docs = (example.predicted for example in get_examples() if len(example.predicted))
    return list(islice(docs, 10))


def pipes_with_lexicon(nlp: Language) -> list[LexiconPipe]:
    """All components of a pipeline that have an entity list."""
    return [pipe for _, pipe in nlp.pipeline if hasattr(pipe, "set_lexicon")]
