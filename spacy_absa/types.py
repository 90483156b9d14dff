"""Types that several packages share."""

from typing import Any, NamedTuple

# What JSON calls an object.
Fields = dict[str, Any]
# The entities of a text, as `doc._.absa` holds them.
Mentions = list[Fields]


class CharSpan(NamedTuple):
    """A labelled stretch of a text: characters ``start`` to ``end`` (exclusive)."""

    start: int
    end: int
    label: str


class LabelledText(NamedTuple):
    """A text and the spans that are labelled in it."""

    text: str
    spans: list[CharSpan]
