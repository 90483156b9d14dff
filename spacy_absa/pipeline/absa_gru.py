"""The component `absa_gru`: finds entities and the sentiment towards each of them."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Literal

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, to_numpy
from thinc.types import Floats2d

from ..decoding.marginals import Lattice, Loss, crf_loss, forward_backward, softmax_loss
from ..decoding.schemes import TagScheme
from ..decoding.viterbi import Mode
from ..errors import InputError
from ..lexicon import Lexicon
from ..models.charlm import perturbed
from ..models.features import pinned_lexicon
from ..models.tagger import add_tags, charlms, encoders, set_n_tags
from ..models.types import Emissions
from ..models.words import listeners_at_rest
from ..types import CharSpan
from .annotations import AlignmentMode, Mention, annotate
from .char_pipe import SentimentPipe, sample_docs
from .decoder import Decoder, Extents, Reading, draw_readings, label_shares
from .gold import allowed_tags, count_unknown, labelled_spans
from .scorers import SCORE_WEIGHTS

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


@Language.factory(
    "absa_gru",
    assigns=[
        "doc.ents",
        "token.ent_iob",
        "token.ent_type",
        "token.ent_kb_id",
        "doc._.absa",
        "span._.sentiment",
        "span._.sentiment_scores",
        "span._.absa_score",
    ],
    default_config={
        "model": Config().from_str(DEFAULT_MODEL_CONFIG)["model"],
        "scheme": "bio",
        "lexicon_mode": "off",
        "lexicon_bonus": 1.0,
        "label_bonus": {},
        "threshold": 0.0,
        "opinion_weight": 0.0,
        "adversarial": 0.0,
        "alignment_mode": "expand",
        "spans_key": None,
        "overwrite": True,
        "scorer": {"@scorers": "spacy_absa.absa_scorer.v1"},
    },
    default_score_weights=SCORE_WEIGHTS,
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
    opinion_weight: float,
    adversarial: float,
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
        opinion_weight=opinion_weight,
        adversarial=adversarial,
        alignment_mode=alignment_mode,
        spans_key=spans_key,
        overwrite=overwrite,
        scorer=scorer,
    )


class AbsaGRU(SentimentPipe):
    """Tags each character of a text and decodes the tags into entities with sentiment.

    scheme: tag scheme, `io`, `bio` or `biluo`.
    lexicon_mode: `force` (an entity can only be a name of the lexicon), `prefer` (names get
        `lexicon_bonus`, in nats, on the score of their path) or `off`.
    label_bonus: nats added to the score of each entity of a label, such as `{"NEG": 0.3}`: a
        rare label is then found more often.
    threshold: entities less probable than this are left out.
    opinion_weight: in training the negative log-likelihood of the labels, given where the entities
        are, counts this many times besides that of the tags, in which it counts once.
    adversarial: in training each batch is learned twice, the second time with the vectors of its
        characters moved by this share of their norm to where the loss is higher; 0 for once.
    alignment_mode: how characters become tokens: `strict` (drop what does not align), `contract`
        or `expand`.
    spans_key: write to `doc.spans[spans_key]`; None means `doc.ents`.
    overwrite: whether to replace overlapping entities that other components have set.

    Of several in a pipeline `doc._.absa` and the attributes of spans are those of the last one.
    Raises InputError for a number out of its range.
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
        opinion_weight: float = 0.0,
        adversarial: float = 0.0,
        alignment_mode: AlignmentMode = "expand",
        spans_key: str | None = None,
        overwrite: bool = True,
        scorer: Callable | None = None,
    ) -> None:
        for setting, value, high in (
            ("lexicon_bonus", lexicon_bonus, inf),
            ("threshold", threshold, 1),
            ("opinion_weight", opinion_weight, inf),
            ("adversarial", adversarial, inf),
        ):
            if not 0 <= value <= high:
                most = "or more" if high == inf else f"to {high}"
                raise InputError(f"{name}: {setting} is {value}: give a number from 0 {most}.")
        super().__init__(vocab, model, name, spans_key, scorer)
        self.scheme_name = scheme
        self.lexicon_mode = lexicon_mode
        self.lexicon_bonus = lexicon_bonus
        self.label_bonus = dict(label_bonus or {})
        self.threshold = threshold
        self.opinion_weight = opinion_weight
        self.adversarial = adversarial
        self.alignment_mode = alignment_mode
        self.overwrite = overwrite
        self.scheme = TagScheme(scheme, [])

    def add_label(self, label: str) -> int:
        """Add a label, also to an initialised model. Returns 0 if it is there already, else 1."""
        if label in self.labels:
            return 0
        self._set_labels([*self.labels, label])
        add_tags(self.model, len(self.scheme.tags))
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
        alphabet: Callable[[], str] | None = None,
        charlm: Callable[[Model], None] | None = None,
        lexicon: Callable[[], Lexicon] | None = None,
        encoder: Callable[[Model], None] | None = None,
    ) -> None:
        """Prepare for training.

        labels: by default those of the examples. alphabet: by default the characters that the
        examples hold at least twice. charlm: fills the character layer, alphabet and weights,
        from a trained language model. lexicon: the entity list. encoder: fills the encoder with the
        weights of another, from a trained `char_hints`. Raises InputError for examples without
        entities, a `label_bonus` of an unknown label, and trained layers of other sizes.
        """
        validate_get_examples(get_examples, "AbsaGRU.initialize")
        self._prepare(get_examples, labels, alphabet, charlm, lexicon)
        self.scheme.begin_scores(self.label_bonus)  # now, not at the first prediction
        set_n_tags(self.model, len(self.scheme.tags))
        self._warn_of_unknown(get_examples())
        self.model.initialize(X=sample_docs(get_examples))
        for layer in encoders(self.model) if encoder is not None else ():
            encoder(layer)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch; adds the loss to `losses`.

        With `adversarial`, then learn from it with perturbed vectors (see `perturbed`).
        """
        examples = list(examples)
        losses = super().update(examples, drop=drop, losses=losses)
        if self.adversarial:
            with perturbed(charlms(self.model), self.adversarial), listeners_at_rest(self.model):
                super().update(examples, drop=drop)
        if sgd not in (None, False):
            self.finish_update(sgd)
        return losses

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
        """The `k` best readings of each Doc, at least one, best first: what the decoder weighed.

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
        return draw_readings(self.lattice(docs), self.scheme, n, rng)

    def opinions(self, docs: Iterable[Doc], extents: Sequence[Extents]) -> list[Floats2d]:
        """The probability of each label, given that the extents of each Doc are entities.

        Of the model's distribution, as `lattice`. extents: characters from the first up to the one
        behind the last. Returns (n_extents, n_labels) for each Doc, at least one not empty.
        """
        return label_shares(self.lattice(docs), self.scheme, list(enumerate(extents)))

    def surprise(self, examples: Sequence[Example]) -> list[float]:
        """The negative log-probability of the gold reading of each text, in nats.

        Of at least one text that is not empty. Infinite where a label is not the component's.
        """
        emissions = self.model.predict([example.predicted for example in examples])
        nats = []
        for example, scores in zip(examples, emissions.scores, strict=True):
            spans = labelled_spans(example.reference, self.spans_key)
            one = Emissions([scores], emissions.transitions)
            known = all(span.label_ in self.labels for span in spans)
            nats.append(self._nll(one, self._allowed([example]))[0] if known else inf)
        return nats

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

    def get_loss(
        self, examples: Iterable[Example], emissions: Emissions
    ) -> tuple[float, Emissions]:
        """Negative log-likelihood of the gold tags, mean over the texts, and its gradient.

        Characters whose gold tag is unknown are summed over: they exert no pull. With
        `opinion_weight`, that of the labels where the entities are counts besides.
        """
        allowed = self._allowed(examples)
        loss, d_scores, d_transitions = self._nll(emissions, allowed)
        if self.opinion_weight:
            places = [self.scheme.with_any_label(tags) for tags in allowed]
            further = self._nll(emissions, allowed, places)
            loss += self.opinion_weight * further[0]
            for total, more in zip(d_scores, further[1], strict=True):
                total += self.opinion_weight * more
            d_transitions += self.opinion_weight * further[2]
        n, ops = len(allowed), self.model.ops
        return loss / n, Emissions(
            [ops.asarray2f(d / n) for d in d_scores],
            None if emissions.transitions is None else ops.asarray2f(d_transitions / n),
        )

    def _allowed(self, examples: Iterable[Example]) -> list[numpy.ndarray]:
        return [allowed_tags(example, self.scheme, self.spans_key) for example in examples]

    def _nll(
        self,
        emissions: Emissions,
        allowed: list[numpy.ndarray],
        given: list[numpy.ndarray] | None = None,
    ) -> Loss:
        """The negative log-likelihood of the allowed tags, given `given`; its gradients."""
        scores = [to_numpy(array) for array in emissions.scores]
        if emissions.transitions is None:
            return softmax_loss(scores, allowed, given)
        transitions = to_numpy(emissions.transitions)
        return crf_loss(scores, transitions, allowed, self.scheme.legal, given)

    def _warn_of_unknown(self, examples: Iterable[Example]) -> None:
        n_chars, n_docs = count_unknown(examples, self.spans_key)
        if n_chars:
            warnings.warn(
                f"{n_chars} characters in {n_docs} texts have no usable gold annotation (spans "
                "that do not align with the tokens, or overlap, or that are of another text); "
                "training leaves them out.",
                stacklevel=3,
            )

    def _set_labels(self, labels: Iterable[str]) -> None:
        super()._set_labels(labels)
        self.scheme = TagScheme(self.scheme_name, self.labels)

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
