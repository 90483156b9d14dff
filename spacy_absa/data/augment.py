"""Augmentation of training data: other names in the same sentences."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..decoding.lexicon import Lexicon
from ..types import CharSpan
from .corpora import to_doc


def create_swap_augmenter(
    path: Path, level: float
) -> Callable[[Language, Example], Iterator[Example]]:
    """`spacy_absa.SwapNames.v1`: put names of an entity list in the place of the labelled ones.

    path: the entity list, see `Lexicon.from_file`. level: the share of texts to change. What a text
    says of a name then has to be learned from the text, since the name itself tells nothing. A
    name keeps its replacement throughout a text; a text without upper case gets none.
    """
    names = [entry.pattern for entry in Lexicon.from_file(path).entries]

    def augment(nlp: Language, example: Example) -> Iterator[Example]:
        doc = example.reference
        if random.random() >= level or not doc.ents or any(token.ent_iob == 0 for token in doc):
            yield example
        else:
            swapped, _ = to_doc(nlp.tokenizer, *_swap(doc, names))
            yield Example(nlp.make_doc(swapped.text), swapped)

    return augment


def replace(
    text: str, places: Iterable[CharSpan], name_of: Callable[[CharSpan], str]
) -> tuple[str, list[CharSpan]]:
    """Put names into these places, which must not overlap; returns the text and the new spans."""
    filled, spans, end = "", [], 0
    for place in places:
        name = name_of(place)
        filled += text[end : place.start]
        spans.append(CharSpan(len(filled), len(filled) + len(name), place.label))
        filled += name
        end = place.end
    return filled + text[end:], spans


def _swap(doc: Doc, names: list[str]) -> tuple[str, list[CharSpan]]:
    """The text with other names, and its labelled spans."""
    text = doc.text
    replacement: dict[str, str] = {}

    def name_of(place: CharSpan) -> str:
        old = text[place.start : place.end]
        name = replacement.setdefault(old, random.choice(names))
        return name.lower() if text == text.lower() else name

    places = [CharSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    return replace(text, places, name_of)
