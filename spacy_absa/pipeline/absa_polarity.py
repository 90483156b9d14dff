"""The component `absa_polarity`: reads the text again for each entity, and judges it."""

from collections.abc import Callable, Iterable, Sequence

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate, to_numpy
from thinc.types import Floats1d, Floats2d

from ..errors import InputError
from ..lexicon import Lexicon
from ..models.features import pinned_lexicon
from ..models.polarity import add_outputs, heads
from ..models.types import Targets
from .absa_gru import AbsaGRU
from .annotations import Mention, relabel
from .char_pipe import SentimentPipe
from .decoder import Extents
from .gold import labelled_spans
from .scorers import SCORE_WEIGHTS

DEFAULT_MODEL_CONFIG = """
[model]
@architectures = "spacy_absa.PolarityReader.v1"
width = 192
context = 90

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
"""
# A probability of 0 would be a veto in the mixture.
_LEAST = 1e-9


@Language.factory(
    "absa_polarity",
    requires=["doc.ents"],
    assigns=[
        "doc.ents",
        "token.ent_type",
        "doc._.absa",
        "span._.sentiment",
        "span._.sentiment_scores",
        "span._.absa_score",
    ],
    default_config={
        "model": Config().from_str(DEFAULT_MODEL_CONFIG)["model"],
        "share": 0.5,
        "label_smoothing": 0.0,
        "spans_key": None,
        "scorer": {"@scorers": "spacy_absa.absa_scorer.v1"},
    },
    default_score_weights=SCORE_WEIGHTS,
)
def make_absa_polarity(
    nlp: Language,
    name: str,
    model: Model[list[Targets], Floats2d],
    share: float,
    label_smoothing: float,
    spans_key: str | None,
    scorer: Callable | None,
) -> "AbsaPolarity":
    """Create the component; the arguments are those of `AbsaPolarity`."""
    return AbsaPolarity(
        nlp.vocab,
        model,
        name,
        share=share,
        label_smoothing=label_smoothing,
        spans_key=spans_key,
        scorer=scorer,
    )


class AbsaPolarity(SentimentPipe):
    """Judges the entities that are on a Doc, reading the text once more for each of them.

    Where an entity has `sentiment_scores` (of `absa_gru`), these and the component's own
    probabilities are mixed, p ∝ p_tagger^(1 - share) · p_own^share (a logarithmic opinion pool);
    where it has none (of an entity ruler, or of any other finder), its own alone decide. The most
    probable label becomes the entity's sentiment. It replaces a label that is a sentiment; any
    other, such as `CAR`, stays the entity's label, and `ent._.sentiment` tells the sentiment.
    Where no tagger is, a Doc should be judged once: its scores then would count as a tagger's.

    `absa_score` keeps its meaning: the probability that just these characters are an entity, as
    the tagger says (absa_score / its share of the label), times that of the new label. Entities
    of other finders are taken for certain. The `calibration` is applied to the outcome. Where the
    tagger has a calibration too, the mixture is of what that makes of its probabilities; their
    ratio is then no exact probability, and is cut off at 1. A `threshold` of the tagger is
    compared with the tagger's own score.

    share: the weight of this component in the mixture, from 0 (the tagger alone) to 1.
    label_smoothing: in training this much of the probability, from 0 to below 1, is wanted evenly
    over all labels, as gold opinions are not beyond doubt (Szegedy et al. 2016, "Rethinking the
    Inception Architecture for Computer Vision").
    spans_key: the entities are in `doc.spans[spans_key]`; None means `doc.ents`.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Targets], Floats2d],
        name: str = "absa_polarity",
        *,
        share: float = 0.5,
        label_smoothing: float = 0.0,
        spans_key: str | None = None,
        scorer: Callable | None = None,
    ) -> None:
        if not 0 <= share <= 1:
            raise InputError(f"{name}: share is {share}: give a number from 0 to 1.")
        if not 0 <= label_smoothing < 1:
            raise InputError(
                f"{name}: label_smoothing is {label_smoothing}: give a number from 0 to below 1."
            )
        super().__init__(vocab, model, name, spans_key, scorer)
        self.share = share
        self.label_smoothing = label_smoothing

    def add_label(self, label: str) -> int:
        """Add a label, also to an initialised model. Returns 0 if it is there already, else 1.

        A tagger of the pipeline needs it as well. Raises InputError where the model cannot grow.
        """
        if label in self.labels:
            return 0
        if not heads(self.model):
            raise InputError(
                f"{self.name}: the model {self.model.name} cannot learn another label: give all "
                f"labels in [initialize.components.{self.name}] and train it anew."
            )
        self._set_labels([*self.labels, label])
        add_outputs(self.model, len(self.labels))
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
    ) -> None:
        """Prepare for training.

        labels: by default those of the examples. alphabet: by default the characters that the
        examples hold at least twice. charlm: fills the character layer, alphabet and weights,
        from a trained language model. lexicon: the entity list. Raises InputError where a tagger
        of the pipeline has other labels, and for an alphabet or language model where the
        component's model has no character layer.
        """
        validate_get_examples(get_examples, "AbsaPolarity.initialize")
        self._prepare(get_examples, labels, alphabet, charlm, lexicon)
        for name, pipe in nlp.components if nlp is not None else ():
            if isinstance(pipe, AbsaGRU) and pipe.labels and pipe.spans_key == self.spans_key:
                self.check_labels(pipe.labels, f"the component {name!r}")
        for head in heads(self.model):
            head.set_dim("nO", len(self.labels), force=True)
        self.model.initialize()

    def predict(self, docs: Iterable[Doc]) -> list[Floats2d]:
        """The component's own probabilities, per Doc (n_entities, n_labels), without the tagger's.

        Docs are not changed.
        """
        docs = list(docs)
        return self.opinions(docs, [_targets(doc, self.spans_key).places for doc in docs])

    def opinions(self, docs: Iterable[Doc], extents: Sequence[Extents]) -> list[Floats2d]:
        """The component's own probabilities of the labels, were a Doc's entities at the extents.

        extents: characters from the first up to the one behind the last. Returns (n_extents,
        n_labels) for each Doc.
        """
        targets = [Targets(doc.text, list(those)) for doc, those in zip(docs, extents, strict=True)]
        if not any(text.places for text in targets):
            return [numpy.zeros((0, len(self.labels)), dtype="float32") for _ in targets]
        with pinned_lexicon(self.lexicon):
            scores = self.model.predict(targets)
        probabilities = to_numpy(self.model.ops.softmax(scores))
        ends = numpy.cumsum([len(text.places) for text in targets])
        return numpy.split(probabilities, ends[:-1])

    def set_annotations(self, docs: Iterable[Doc], probabilities: list[Floats2d]) -> None:
        """Mix the component's own probabilities with those stored, and write the outcome.

        Raises InputError for stored probabilities of other labels.
        """
        for doc, own in zip(docs, probabilities, strict=True):
            spans = labelled_spans(doc, self.spans_key)
            judged = [(span, self._judge(span, p)) for span, p in zip(spans, own, strict=True)]
            relabel(doc, judged, labels=self.labels, spans_key=self.spans_key)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from the gold entities of a batch; adds the mean loss per entity to `losses`."""
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "AbsaPolarity.update")
        targets = [_targets(example.reference, self.spans_key) for example in examples]
        if not any(text.places for text in targets):
            return losses
        set_dropout_rate(self.model, drop)
        scores, backprop = self.model.begin_update(targets)
        loss, d_scores = self.get_loss(examples, scores)
        backprop(d_scores)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Floats2d) -> tuple[float, Floats2d]:
        """Cross-entropy with the smoothed gold labels, mean over the entities, and its gradient.

        scores: (n_entities, n_labels). Entities of labels that the component does not know are
        nothing to learn from, only others' rivals.
        """
        spans = [span for eg in examples for span in labelled_spans(eg.reference, self.spans_key)]
        known = [i for i, span in enumerate(spans) if span.label_ in self.labels]
        gold = [self.labels.index(spans[i].label_) for i in known]
        xp = self.model.ops.xp
        probabilities = self.model.ops.softmax(scores)[known]
        wanted = xp.full_like(probabilities, self.label_smoothing / len(self.labels))
        wanted[xp.arange(len(known)), gold] += 1 - self.label_smoothing
        loss = -float((wanted * xp.log(probabilities + _LEAST)).sum())
        d_scores = xp.zeros_like(scores)
        d_scores[known] = probabilities - wanted
        n = max(len(known), 1)
        return loss / n, d_scores / n

    def _judge(self, span: Span, own: Floats1d) -> Mention:
        """What the component thinks of an entity, all told."""
        stored = span._.sentiment_scores
        is_entity, shares = 1.0, own  # what a finder without probabilities is taken to say
        if stored is not None:
            self.check_labels(stored, f"the entity {span.text!r}")
            before = numpy.array([stored[label] for label in self.labels])
            shares = mix(before, own, self.share)
            sentiment = span.label_ if span.label_ in stored else max(stored, key=stored.get)
            is_entity = min(1.0, span._.absa_score / max(stored[sentiment], _LEAST))
        joint = is_entity * shares[None]
        label = int(shares.argmax())
        fitted = self.calibration.shares(joint)[0].tolist()
        return Mention(
            text=span.text,
            start=span.start_char,
            end=span.end_char,
            label=self.labels[label],
            scores=dict(zip(self.labels, fitted, strict=True)),
            score=self.calibration.scores(joint)[0].tolist()[label],
            id=span.kb_id_ or span.id_,
        )

    def check_labels(self, labels: Iterable[str], owner: str) -> None:
        """Raise InputError where another one's labels are not those of the component."""
        if set(labels) != set(self.labels):
            raise InputError(
                f"{self.name} knows the labels {', '.join(sorted(self.labels))}, but {owner} has "
                f"{', '.join(sorted(labels))}: train both on the same labels."
            )


def mix(tagger: numpy.ndarray, own: numpy.ndarray, share: float) -> numpy.ndarray:
    """Distributions over labels, (…, n_labels), as one: p ∝ tagger^(1 - share) · own^share."""
    logs = [numpy.log(numpy.maximum(p, _LEAST).astype("float64")) for p in (tagger, own)]
    mixed = (1 - share) * logs[0] + share * logs[1]
    mixed = numpy.exp(mixed - mixed.max(axis=-1, keepdims=True))
    return mixed / mixed.sum(axis=-1, keepdims=True)


def _targets(doc: Doc, spans_key: str | None) -> Targets:
    return Targets(
        doc.text, [(span.start_char, span.end_char) for span in labelled_spans(doc, spans_key)]
    )
