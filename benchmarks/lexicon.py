"""Matching of entity lists of growing size."""

import random
import string
import time

from spacy_absa.lexicon import Lexicon, LexiconEntry

from ._report import Row
from ._subjects import Subjects

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def run(subjects: Subjects) -> list[Row]:
    """Characters per second, with lists of which little and of which much is in the texts."""
    sizes = SIZES if subjects.settings.large else SIZES[:-1]
    rows = []
    for size in sizes:
        for kind, share in (("few matches", 0.0), ("many matches", 0.1)):
            rows += _measure(subjects, size, kind, share)
    return rows


def make_aliases(texts: list[str], n: int, share: float, seed: int) -> list[str]:
    """`n` made-up names: a stem as of a brand, which 50 share, and what could be a model's name.

    They are spelt with the characters of the texts, drawn as often as they stand there. A `share`
    of them are pieces of the texts.
    """
    rng = random.Random(seed)
    text = "".join(texts)
    chars = [char for char in text if char.isalpha() and not char.isascii()]
    stems = ["".join(rng.choices(chars, k=rng.randint(2, 3))) for _ in range(n // 50)]
    starts = rng.sample(range(len(text)), min(int(n * share), len(text)))
    pieces = (text[start : start + rng.randint(2, 6)] for start in starts)
    aliases = {piece for piece in pieces if piece.strip()}
    while len(aliases) < n:
        stem, letter = rng.choice(stems), rng.choice(string.ascii_uppercase)
        word = "".join(rng.choices(chars, k=rng.randint(1, 3)))
        model = f"{letter}{rng.randint(1, 999)}{rng.choice(['', 'L', ' PLUS'])}"
        aliases.add(stem + rng.choice([word, model, word + model]))
    return sorted(aliases)


def _measure(subjects: Subjects, size: int, kind: str, share: float) -> list[Row]:
    texts = subjects.texts
    aliases = make_aliases(texts, size, share, subjects.settings.seed)
    start = time.perf_counter()
    lexicon = Lexicon(LexiconEntry(alias, "") for alias in aliases)
    build = time.perf_counter() - start
    halves = texts[::2], texts[1::2]  # in turn, as a lexicon remembers what it was asked last
    timing = subjects.compare({"find": lambda: [lexicon.find_all(half) for half in halves]})["find"]
    matches = sum(map(len, lexicon.find_all(texts))) / subjects.n_chars
    name = f"{size:,} aliases, {kind} ({matches:.3f} per character)"
    bar = "≥ 20,000,000" if size == 100_000 and not share else ""
    speed = subjects.n_chars / timing.median
    return [
        Row("lexicon", name, speed, "characters/s", timing.spread, bar=bar),
        Row("lexicon", f"{size:,} aliases: build", build, "s"),
    ]
