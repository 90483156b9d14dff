"""Types that several packages share."""

from typing import NamedTuple


class CharSpan(NamedTuple):
    """A labelled stretch of a text: characters ``start`` to ``end`` (exclusive)."""

    start: int
    end: int
    label: str
