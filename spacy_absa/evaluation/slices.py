"""Scores on the parts of gold data that are hard in one way or another."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from spacy.tokens import Span

from ..folding import fold
from ..lexicon import Lexicon, Match
from ..pipeline.scorers import Places, score_places
from .readings import EvaluatedText

# Searched in texts without the names in them (比亚迪, 别克). The exceptions are common words that
# neither compare nor negate: 性价比, 比如, 不错, 不仅.
COMPARISON = re.compile(
    r"(?<![价占分同环])比(?![如例赛较重率分喻方])|不如|不及|比不上|赶不上|优于|逊于|强于|胜过"
    r"|\b(?:than|versus|vs|compared)\b",
    re.IGNORECASE,
)
NEGATION = re.compile(
    r"不(?![错仅但断同少过料管论])|没|未(?!来)|无(?![论疑])|别(?![的人墅])|勿|并非|绝非"
    r"|\b(?:not|no|never|nor|neither|without|cannot)\b|n['’]t\b",
    re.IGNORECASE,
)
# Upper bounds of lengths in characters; the last part has the rest.
LENGTHS = (25, 50, 100)

Texts = list[tuple[Places, Places]]


class _Text(NamedTuple):
    reading: EvaluatedText
    words: str  # the text with blanks in the place of names
    nested: bool  # whether a name of the lexicon is part of another one

    @property
    def names(self) -> list[str]:
        """The gold entities' names, one for each mention."""
        return [fold(span.text) for span in self.reading.gold.values()]

    @property
    def labels(self) -> set[str]:
        return {span.label_ for span in self.reading.gold.values()}


def _repeats(text: _Text) -> bool:
    return len(set(text.names)) < len(text.names)


_NUMBERS: dict[tuple[str, str], Callable[[_Text], bool]] = {
    ("Entities", "none"): lambda text: not text.names,
    ("Entities", "one"): lambda text: len(set(text.names)) == 1,
    ("Entities", "several"): lambda text: len(set(text.names)) > 1,
    ("Sentiments", "one"): lambda text: len(text.labels) == 1,
    ("Sentiments", "mixed"): lambda text: len(text.labels) > 1,
}
_TRAITS: dict[str, Callable[[_Text], bool]] = {
    "Repeated mentions": _repeats,
    "Nested names": lambda text: text.nested,
    "Comparison": lambda text: bool(COMPARISON.search(text.words)),
    "Negation": lambda text: bool(NEGATION.search(text.words)),
}


def score_slices(
    readings: Sequence[EvaluatedText],
    labels: Sequence[str],
    lexicon: Lexicon,
    known_names: Iterable[str] | None = None,
) -> list[dict[str, Any]]:
    """The scores of `score_entity_sentiment` on each slice, with `kind`, `name` and sizes.

    A slice holds whole texts, but for the kind "In training data", which needs `known_names`: it
    holds the entities, gold and found, whose names are among them, or are not. Slices of no texts
    have no scores.
    """
    texts = _texts(readings, lexicon)
    slices = chain(_by_text(texts), _by_length(texts))
    if known_names is not None:
        slices = chain(slices, _by_name(readings, {fold(name) for name in known_names}))
    return [
        {
            "kind": kind,
            "name": name,
            "n_texts": len(part),
            "n_entities": sum(len(gold) for gold, _ in part),
            **score_places(part, labels),
        }
        for kind, name, part in slices
    ]


def _by_text(texts: list[_Text]) -> Iterator[tuple[str, str, Texts]]:
    for (kind, name), holds in _NUMBERS.items():
        yield kind, name, [_places(text) for text in texts if holds(text)]
    for kind, has in _TRAITS.items():
        for name, wanted in (("yes", True), ("no", False)):
            yield kind, name, [_places(text) for text in texts if has(text) == wanted]


def _by_length(texts: list[_Text]) -> Iterator[tuple[str, str, Texts]]:
    above = 0
    for length in LENGTHS:
        part = [_places(text) for text in texts if above < len(text.words) <= length]
        yield "Characters", f"{above + 1} to {length}", part
        above = length
    yield "Characters", f"above {above}", [_places(t) for t in texts if len(t.words) > above]


def _by_name(
    readings: Sequence[EvaluatedText], known: set[str]
) -> Iterator[tuple[str, str, Texts]]:
    def is_known(span: Span) -> bool:
        return fold(span.text) in known

    for name, wanted in (("seen", True), ("not seen", False)):
        part = [
            (_kept(reading.gold, is_known, wanted), _kept(reading.found, is_known, wanted))
            for reading in readings
        ]
        yield "In training data", name, [pair for pair in part if any(pair)]


def _kept(places: Places, holds: Callable[[Span], bool], wanted: bool) -> Places:
    return {place: span for place, span in places.items() if holds(span) == wanted}


def _texts(readings: Sequence[EvaluatedText], lexicon: Lexicon) -> list[_Text]:
    matches = lexicon.find_all([reading.text for reading in readings])
    return [
        _Text(reading, _without_names(reading, those), _is_nested(those))
        for reading, those in zip(readings, matches, strict=True)
    ]


def _without_names(reading: EvaluatedText, matches: list[Match]) -> str:
    chars = list(reading.text)
    for start, end in chain(reading.gold, ((match.start, match.end) for match in matches)):
        chars[start:end] = " " * (end - start)
    return "".join(chars)


def _is_nested(matches: list[Match]) -> bool:
    """Whether a match lies in another; they come by start, the longest first."""
    reach = 0
    for match in matches:
        if match.end <= reach:
            return True
        reach = max(reach, match.end)
    return False


def _places(text: _Text) -> tuple[Places, Places]:
    return text.reading.gold, text.reading.found
