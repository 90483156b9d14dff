"""What the components write on a Doc: entities, spans, and their sentiment attributes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ..errors import InputError

AlignmentMode = Literal["strict", "contract", "expand"]

# The words of `ent._.sentiment` for the usual labels; any other label stands for itself.
SENTIMENTS = {"POS": "positive", "NEU": "neutral", "NEG": "negative"}

DISPLACY_COLORS = {"POS": "#a6e3a1", "NEU": "#d9dbe0", "NEG": "#f5a3a3"}
SENTIMENT_COLORS = {SENTIMENTS[label]: color for label, color in DISPLACY_COLORS.items()}

EXTENSIONS = (
    (Span, "sentiment"),
    (Span, "sentiment_scores"),
    (Span, "absa_score"),
    (Doc, "absa"),
)


@dataclass(frozen=True)
class Mention:
    """An entity found in a text.

    text: the characters from start to end. scores: probability of each label, given that this is
    an entity (they sum to 1). score: probability that just these characters are an entity of this
    label. id: the canonical id from the lexicon, or "".
    """

    text: str
    start: int
    end: int
    label: str
    scores: dict[str, float]
    score: float
    id: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain Python types, as in `doc._.absa`."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "label": self.label,
            "sentiment": SENTIMENTS.get(self.label, self.label),
            "scores": self.scores,
            "score": self.score,
            "id": self.id,
        }


def install_extension(owner: type[Doc] | type[Span], name: str) -> None:
    """Register a stored attribute once; refuse to share its name with another package's.

    Raises InputError where the name is registered with another meaning.
    """
    if not owner.has_extension(name):
        owner.set_extension(name, default=None)
    elif owner.get_extension(name) != (None, None, None, None):
        raise InputError(
            f"{owner.__name__}._.{name} is already an attribute of another package, with another "
            "meaning; load that package in another process, or remove its extension first: "
            f"{owner.__name__}.remove_extension({name!r})."
        )


def annotate(
    doc: Doc,
    mentions: list[Mention],
    *,
    spans_key: str | None,
    overwrite: bool,
    alignment_mode: AlignmentMode,
) -> None:
    """Write the mentions on the Doc: as `doc.ents`, or as `doc.spans[spans_key]`.

    Characters are mapped to tokens by `alignment_mode` (as in `Doc.char_span`); a mention that
    aligns with no token is left out, and of two that come to overlap the longer one stays.
    Entities set before by others are kept where nothing overlaps them; where something does,
    `overwrite` decides who wins.
    """
    found = _align(doc, mentions, alignment_mode)
    if spans_key is not None:
        doc.spans[spans_key] = list(found)
    else:
        found = _merge_into_ents(doc, found, overwrite)
    _describe(doc, found.items())


def relabel(
    doc: Doc,
    judged: list[tuple[Span, Mention]],
    *,
    labels: Collection[str],
    spans_key: str | None,
) -> None:
    """Write what is thought of the Doc's entities, or of the spans in `doc.spans[spans_key]`.

    A span whose label is a sentiment, one of `labels`, gets that of its mention. Any other label,
    such as that of an entity ruler, stays.
    """
    for span, mention in judged:
        if span.label_ in labels:
            span.label_ = mention.label
    if spans_key is None:
        doc.set_ents([span for span, _ in judged], default="unmodified")
    else:
        for place, (span, _) in enumerate(judged):  # what a group hands out are copies
            doc.spans[spans_key][place] = span
    _describe(doc, judged)


def _describe(doc: Doc, mentions: Collection[tuple[Span, Mention]]) -> None:
    """Set the stored attributes of the Doc and of the mentions' spans."""
    for span, mention in mentions:
        attributes = span._  # made anew by each look at it
        attributes.sentiment = SENTIMENTS.get(mention.label, mention.label)
        attributes.sentiment_scores = mention.scores
        attributes.absa_score = mention.score
    doc._.absa = [mention.as_dict() for _, mention in mentions]


def _align(doc: Doc, mentions: list[Mention], mode: AlignmentMode) -> dict[Span, Mention]:
    aligned: dict[Span, Mention] = {}
    for mention in mentions:
        span = doc.char_span(
            mention.start, mention.end, mention.label, mention.id, alignment_mode=mode
        )
        if span:
            aligned.setdefault(span, mention)
    return {span: aligned[span] for span in filter_spans(aligned)}


def _merge_into_ents(doc: Doc, found: dict[Span, Mention], overwrite: bool) -> dict[Span, Mention]:
    # Tokens that are blocked: spaCy's components find no entity there.
    blocked = [doc[t.i : t.i + 1] for t in doc if t.ent_iob == 3 and not t.ent_type]
    before = [*doc.ents, *blocked]
    if not overwrite:
        taken = _tokens(before)
        found = {span: m for span, m in found.items() if taken.isdisjoint(_tokens([span]))}
    taken = _tokens(found)
    ents, blocked = (
        [span for span in spans if taken.isdisjoint(_tokens([span]))]
        for spans in (doc.ents, blocked)
    )
    for i in _tokens(set(doc.ents).difference(ents)):  # their ids are left by `set_ents`
        doc[i].ent_id = 0
    doc.set_ents([*ents, *found], blocked=blocked)
    return found


def _tokens(spans: Iterable[Span]) -> set[int]:
    return {i for span in spans for i in range(span.start, span.end)}
