"""Annotate one text of very many characters, mixed at random of all that Unicode has.

python -m reliability.wild assets/zh_absa_cars --chars 1000000
"""

import math
import random
import resource
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

import torch
import typer
from spacy.language import Language

from spacy_absa.cli._util import load_pipeline
from spacy_absa.data.contest import read_sentences

from .calls import DEMO

# Marks of direction, isolates and overrides, opened and never closed.
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_EMOJI = [
    "👨\u200d👩\u200d👧\u200d👦",
    "👍🏽",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "🇨🇳🇩",
    "❤\ufe0f\u200d🔥",
    "1\ufe0f\u20e3",
    "\u200d\u200d👨",
]


def main(
    pipeline: str,
    chars: Annotated[int, typer.Option(help="Characters of the text")] = 1_000_000,
    seed: int = 0,
) -> None:
    """Print what was in the text and what was found; anything wrong in it ends with an error."""
    torch.set_num_threads(1)
    nlp = load_pipeline(pipeline, None, -1)
    text = wild_text(chars, random.Random(seed))
    n_kinds = len({unicodedata.category(character) for character in text})
    n_astral = sum(ord(character) > 0xFFFF for character in text)
    print(
        f"{len(text):,} characters, {len(set(text)):,} different ones of {n_kinds} categories, "
        f"{n_astral:,} astral; {peak():.0f} MB",
        flush=True,
    )
    start = time.monotonic()
    n_found = check(nlp, text)
    print(f"{n_found:,} entities in {time.monotonic() - start:.0f} s; {peak():.0f} MB at most")


def wild_text(n_chars: int, rng: random.Random) -> str:
    """So many characters: runs of one category each, emoji, marks of direction and sentences."""
    by_category = defaultdict(list)
    for code in range(0x110000):
        by_category[unicodedata.category(chr(code))].append(chr(code))
    del by_category["Cs"]  # what no text in UTF-8 can hold
    categories = list(by_category.values())
    sentences = list(read_sentences(DEMO / "Test.csv").values())

    def pieces() -> Iterator[str]:
        n_left = n_chars
        while n_left > 0:
            kind = rng.choice([*categories, _BIDI, _EMOJI, sentences])
            n_pieces = 1 if kind is sentences else rng.randint(1, 8)
            piece = "".join(rng.choices(kind, k=n_pieces))
            yield piece
            n_left -= len(piece)

    return "".join(pieces())[:n_chars]


def check(nlp: Language, text: str) -> int:
    """Assert all that is promised of the entities of a text; returns how many there are."""
    doc = nlp(text)
    labels = list(nlp.get_pipe("absa_gru").labels)
    assert doc.text == text
    assert len(doc.ents) == len(doc._.absa)
    end = 0
    for span, entry in zip(doc.ents, doc._.absa, strict=True):
        assert end <= entry["start"] < entry["end"] <= len(text)
        end = entry["end"]
        assert span.start_char <= entry["start"] < entry["end"] <= span.end_char
        assert entry["text"] == text[entry["start"] : end]
        assert entry["label"] == span.label_
        assert list(entry["scores"]) == labels
        probabilities = [*entry["scores"].values(), entry["score"]]
        assert all(math.isfinite(p) and 0 <= p <= 1 + 1e-6 for p in probabilities)
        assert math.isclose(sum(entry["scores"].values()), 1, abs_tol=1e-5)
    return len(doc.ents)


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    typer.run(main)
