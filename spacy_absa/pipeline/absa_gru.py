"""The component `absa_gru`: finds entities and the sentiment towards each of them."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy
from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, to_numpy

from ..data.alphabet import build_alphabet, count_characters
from ..decoding.calibration import Calibration
from ..decoding.lexicon import Lexicon
from ..decoding.marginals import Lattice, crf_loss, forward_backward, softmax_loss
from ..decoding.schemes import TagScheme
from ..decoding.viterbi import Mode
from ..errors import InputError
from ..models.charlm import set_alphabet
from ..models.features import pinned_lexicon, set_lexicon
from ..models.tagger import add_tags, set_n_tags
from ..models.types import Emissions
from ..types import CharSpan
from .annotations import EXTENSIONS, AlignmentMode, Mention, annotate, install_extension
from .checksums import check_files, checksummed
from .decoder import Decoder, Reading
from .gold import allowed_tags, count_unknown, gold_labels

DEFAULT_MODEL_CONFIG = """
[model]
@architectures = "spacy_absa.CharTagger.v1"
max_length = 512

[model.charlm]
@architectures = "spacy_absa.CharLM.v1"
vector_width = 128
width = 192
use = "states"
learn_rate_scale = 1.0
quantize = true

[model.features]
@architectures = "spacy_absa.CharFeatures.v1"
entry_dropout = 0.2

[model.encoder]
@architectures = "spacy_absa.BiGRUEncoder.v1"
width = 192
depth = 1
quantize = true

[model.output]
@architectures = "spacy_absa.CRF.v1"
"""

# Of the files on disk. Raised when a change makes older pipelines unreadable.
FORMAT = 1


@Language.factory(
    "absa_gru",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "doc._.absa", "span._.sentiment"],
    default_config={
        "model": Config().from_str(DEFAULT_MODEL_CONFIG)["model"],
        "scheme": "bio",
        "lexicon_mode": "off",
        "lexicon_bonus": 1.0,
        "label_bonus": {},
        "threshold": 0.0,
        "alignment_mode": "expand",
        "spans_key": None,
        "overwrite": True,
        "scorer": {"@scorers": "spacy_absa.absa_scorer.v1"},
    },
    default_score_weights={
        "absa_f": 0.5,
        "absa_macro_f": 0.5,
        "absa_p": None,
        "absa_r": None,
        "absa_span_f": None,
        "absa_polarity_acc": None,
        "absa_contest_f": None,
        "absa_per_type": None,
    },
)
def make_absa_gru(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Emissions],
    scheme: Literal["io", "bio", "biluo"],
    lexicon_mode: Mode,
    lexicon_bonus: float,
    label_bonus: dict[str, float],
    threshold: float,
    alignment_mode: AlignmentMode,
    spans_key: str | None,
    overwrite: bool,
    scorer: Callable | None,
) -> "AbsaGRU":
    """Create the component; the arguments are those of `AbsaGRU`."""
    return AbsaGRU(
        nlp.vocab,
        model,
        name,
        scheme=scheme,
        lexicon_mode=lexicon_mode,
        lexicon_bonus=lexicon_bonus,
        label_bonus=label_bonus,
        threshold=threshold,
        alignment_mode=alignment_mode,
        spans_key=spans_key,
        overwrite=overwrite,
        scorer=scorer,
    )


class AbsaGRU(TrainablePipe):
    """Tags each character of a text and decodes the tags into entities with sentiment.

    scheme: tag scheme, `io`, `bio` or `biluo`.
    lexicon_mode: `force` (an entity can only be a name of the lexicon), `prefer` (names get
        `lexicon_bonus`, in nats, on the score of their path) or `off`.
    label_bonus: nats added to the score of each entity of a label, such as `{"NEG": 0.3}`: a
        rare label is then found more often.
    threshold: entities less probable than this are left out.
    alignment_mode: how characters become tokens: `strict` (drop what does not align), `contract`
        or `expand`.
    spans_key: write to `doc.spans[spans_key]`; None means `doc.ents`.
    overwrite: whether to replace overlapping entities that other components have set.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Emissions],
        name: str = "absa_gru",
        *,
        scheme: Literal["io", "bio", "biluo"] = "bio",
        lexicon_mode: Mode = "off",
        lexicon_bonus: float = 1.0,
        label_bonus: Mapping[str, float] | None = None,
        threshold: float = 0.0,
        alignment_mode: AlignmentMode = "expand",
        spans_key: str | None = None,
        overwrite: bool = True,
        scorer: Callable | None = None,
    ) -> None:
        for owner, extension in EXTENSIONS:
            install_extension(owner, extension)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scheme_name = scheme
        self.lexicon_mode = lexicon_mode
        self.lexicon_bonus = lexicon_bonus
        self.label_bonus = dict(label_bonus or {})
        self.threshold = threshold
        self.alignment_mode = alignment_mode
        self.spans_key = spans_key
        self.overwrite = overwrite
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"format": FORMAT, "labels": []}
        self.calibration = Calibration()
        self.set_lexicon(Lexicon([]))
        self.scheme = TagScheme(scheme, [])

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
        """What makes the reported probabilities frequencies; it is saved with the pipeline."""
        return Calibration(**self.cfg["calibration"])

    @calibration.setter
    def calibration(self, calibration: Calibration) -> None:
        self.cfg["calibration"] = calibration._asdict()

    def add_label(self, label: str) -> int:
        """Add a label, also to an initialised model. Returns 0 if it is there already, else 1."""
        if label in self.labels:
            return 0
        self._set_labels([*self.labels, label])
        if self.model.get_ref("projection").has_dim("nO"):
            add_tags(self.model, len(self.scheme.tags))
        return 1

    def set_lexicon(self, lexicon: Lexicon) -> None:
        """Replace the entity list; it is saved with the pipeline.

        Other threads may predict meanwhile: each batch is read with the old list or the new one.
        """
        self.lexicon = lexicon
        set_lexicon(self.model, lexicon)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
        alphabet: Callable[[], str] | None = None,
        charlm: Callable[[Model], None] | None = None,
        lexicon: Callable[[], Lexicon] | None = None,
    ) -> None:
        """Prepare for training.

        labels: by default those of the examples. alphabet: by default the characters that the
        examples hold at least twice. charlm: fills the character layer, alphabet and weights,
        from a trained language model. lexicon: the entity list.
        """
        validate_get_examples(get_examples, "AbsaGRU.initialize")
        if labels is None:
            labels = gold_labels(get_examples(), self.spans_key)
        self._set_labels(labels)
        if not self.labels:
            raise InputError(
                "The training examples hold no entities, so there is no label to learn; check "
                "the training corpus, or give `labels` in [initialize.components.absa_gru]."
            )
        set_n_tags(self.model, len(self.scheme.tags))
        char_layer = self.model.get_ref("charlm")
        if charlm is not None:
            charlm(char_layer)
        elif alphabet is not None:
            set_alphabet(char_layer, alphabet())
        else:
            texts = (example.reference.text for example in get_examples())
            set_alphabet(char_layer, build_alphabet(count_characters(texts), min_count=2))
        if lexicon is not None:
            self.set_lexicon(lexicon())
        self._warn_of_unknown(get_examples())
        sample = [example.predicted for example in islice(get_examples(), 10)]
        self.model.initialize(X=sample)

    def predict(self, docs: Iterable[Doc]) -> list[list[Mention]]:
        """Find the mentions in each Doc, without changing it."""
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            return [[] for _ in docs]
        lexicon = self.lexicon
        texts = [doc.text for doc in docs]
        scores, transitions = self._emissions(docs, lexicon)
        return self._decoder.mentions(texts, scores, transitions, lexicon.find_all(texts))

    def readings(self, docs: Iterable[Doc], k: int) -> list[list[Reading]]:
        """The `k` best readings of each Doc, best first: what the decoder weighed.

        The settings of the decoder rank them, so that the first is what `predict` finds; their
        probabilities are, as those of mentions, from before the lexicon has its say.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            return [[Reading([], 1.0)] for _ in docs]
        lexicon = self.lexicon
        scores, transitions = self._emissions(docs, lexicon)
        matches = lexicon.find_all([doc.text for doc in docs])
        return self._decoder.readings(scores, transitions, matches, k)

    def lattice(self, docs: Iterable[Doc]) -> Lattice:
        """The model's distribution over the tag sequences of each Doc, at least one not empty.

        Settings of the decoder (lexicon mode, bonuses, threshold) have no say in it.
        """
        return forward_backward(*self._emissions(list(docs), self.lexicon), self.scheme.legal)

    def sample(
        self, docs: Iterable[Doc], n: int, rng: numpy.random.Generator
    ) -> list[list[list[CharSpan]]]:
        """Draw `n` readings of each Doc from the model's distribution over tag sequences.

        Settings of the decoder (lexicon mode, bonuses, threshold) have no say in it. Returns the
        readings of each Doc, each a list of entities.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            return [[[]] * n for _ in docs]
        lattice = self.lattice(docs)
        draws = [map(self.scheme.decode, lattice.sample(rng)) for _ in range(n)]
        return [list(readings) for readings in zip(*draws, strict=True)]

    def set_annotations(self, docs: Iterable[Doc], mentions: list[list[Mention]]) -> None:
        """Write the mentions on the Docs: entities or spans, and the stored attributes."""
        for doc, found in zip(docs, mentions, strict=True):
            annotate(
                doc,
                [mention for mention in found if mention.score >= self.threshold],
                spans_key=self.spans_key,
                overwrite=self.overwrite,
                alignment_mode=self.alignment_mode,
            )

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch; adds the mean loss per text to `losses`."""
        examples = list(examples)
        validate_examples(examples, "AbsaGRU.update")
        examples = [example for example in examples if len(example.predicted)]
        return super().update(examples, drop=drop, sgd=sgd, losses=losses)

    def get_loss(
        self, examples: Iterable[Example], emissions: Emissions
    ) -> tuple[float, Emissions]:
        """Negative log-likelihood of the gold tags, mean over the texts, and its gradient.

        Characters whose gold tag is unknown are summed over: they exert no pull.
        """
        allowed = [allowed_tags(eg, self.scheme, self.spans_key) for eg in examples]
        scores = [to_numpy(array) for array in emissions.scores]
        if emissions.transitions is None:
            loss, d_scores, _ = softmax_loss(scores, allowed)
            d_transitions = None
        else:
            transitions = to_numpy(emissions.transitions)
            loss, d_scores, d_transitions = crf_loss(
                scores, transitions, allowed, self.scheme.legal
            )
            d_transitions = self.model.ops.asarray2f(d_transitions / len(allowed))
        d_scores = [self.model.ops.asarray2f(d / len(allowed)) for d in d_scores]
        return loss / len(allowed), Emissions(d_scores, d_transitions)

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score with the component's scorer where the component writes."""
        return super().score(examples, **{"spans_key": self.spans_key, **kwargs})

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialise settings, model, vocabulary and lexicon."""
        serialize = {
            "pipe": lambda: super(AbsaGRU, self).to_bytes(exclude=exclude),
            "lexicon": self.lexicon.to_bytes,
        }
        return util.to_bytes(serialize, exclude)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "AbsaGRU":
        """Load what `to_bytes` made."""
        deserialize = {
            "pipe": lambda data: super(AbsaGRU, self).from_bytes(data, exclude=exclude),
            "lexicon": lambda data: self.set_lexicon(Lexicon.from_bytes(data)),
        }
        util.from_bytes(bytes_data, deserialize, exclude)
        self._check_loaded()
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save settings, model, vocabulary and lexicon to a folder."""
        with checksummed(path):
            super().to_disk(path, exclude=exclude)
            if "lexicon" not in exclude:
                (Path(path) / "lexicon").write_bytes(self.lexicon.to_bytes())

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "AbsaGRU":
        """Load what `to_disk` saved.

        Raises InputError for damaged files and for those of another format version.
        """
        check_files(path)
        super().from_disk(path, exclude=exclude)
        if "lexicon" not in exclude:
            self.set_lexicon(Lexicon.from_bytes((Path(path) / "lexicon").read_bytes()))
        self._check_loaded()
        return self

    def _warn_of_unknown(self, examples: Iterable[Example]) -> None:
        n_chars, n_docs = count_unknown(examples, self.spans_key)
        if n_chars:
            warnings.warn(
                f"{n_chars} characters in {n_docs} texts have no usable gold annotation (spans "
                "that do not align with the tokens, or overlap); training leaves them out.",
                stacklevel=3,
            )

    def _check_loaded(self) -> None:
        if self.cfg["format"] != FORMAT:
            raise InputError(
                f"The component {self.name!r} was saved in format {self.cfg['format']}, but this "
                f"version of spacy-absa reads format {FORMAT}; install the version of spacy-absa "
                "that saved it, or train the pipeline again."
            )
        self._set_labels(self.labels)

    def _set_labels(self, labels: Iterable[str]) -> None:
        self.cfg["labels"] = list(labels)
        self.scheme = TagScheme(self.scheme_name, self.cfg["labels"])

    @property
    def _decoder(self) -> Decoder:
        return Decoder(
            self.scheme,
            self.lexicon_mode,
            self.lexicon_bonus,
            self.label_bonus,
            self.calibration,
        )

    def _emissions(
        self, docs: list[Doc], lexicon: Lexicon
    ) -> tuple[list[numpy.ndarray], numpy.ndarray]:
        """Per Doc the scores of the tags at each character (n_chars, T); those of transitions."""
        with pinned_lexicon(lexicon):
            emissions = self.model.predict(docs)
        scores = [to_numpy(array) for array in emissions.scores]
        if emissions.transitions is None:
            return scores, numpy.zeros(self.scheme.legal.shape)
        return scores, to_numpy(emissions.transitions)
