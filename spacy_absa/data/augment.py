"""Augmentation of training data: other names in the same sentences."""

import random
from collections.abc import Callable, Iterable, Sequence

from spacy.tokens import Doc

from ..types import CharSpan, LabelledText


def replace(
    text: str, places: Iterable[CharSpan], name_of: Callable[[CharSpan], str]
) -> LabelledText:
    """Put names into these places, which must not overlap."""
    filled, spans, end = "", [], 0
    for place in places:
        name = name_of(place)
        filled += text[end : place.start]
        spans.append(CharSpan(len(filled), len(filled) + len(name), place.label))
        filled += name
        end = place.end
    return LabelledText(filled + text[end:], spans)


def swap_names(doc: Doc, names: Sequence[str], rng: random.Random) -> LabelledText:
    """The text of a gold Doc with other names in the place of its entities, and their spans.

    A name keeps its replacement throughout a text; a text without upper case gets none.
    """
    text = doc.text
    replacement: dict[str, str] = {}

    def name_of(place: CharSpan) -> str:
        old = text[place.start : place.end]
        name = replacement.setdefault(old, rng.choice(names))
        return name.lower() if text == text.lower() else name

    places = [CharSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    return replace(text, places, name_of)
