"""The alphabet of the models: the characters of a text corpus, most frequent first."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ..errors import InputError
from ..folding import fold
from .files import write_json
from .text import find_surrogate, open_text

# What folding makes of unpaired surrogates, and decoders of bytes that they do not understand.
_REPLACEMENT = "\ufffd"


def count_characters(texts: Iterable[str]) -> Counter[str]:
    """Count the characters of texts, case and width folded."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(fold(text))
    return counts


def build_alphabet(counts: Counter[str], min_count: int = 1) -> str:
    """The characters that come at least ``min_count`` times, by falling count, then code point.

    Control characters and unpaired surrogates are left out.
    """
    characters = [
        char
        for char, count in counts.items()
        if count >= min_count and unicodedata.category(char) != "Cc" and char != _REPLACEMENT
    ]
    return "".join(sorted(characters, key=lambda char: (-counts[char], char)))


def coverage(alphabet: str, counts: Counter[str]) -> float:
    """The share of the counted characters that are in the alphabet, 0 where none were counted."""
    total = counts.total()
    return sum(counts[char] for char in alphabet) / total if total else 0.0


def write_alphabet(path: str | Path, alphabet: str, **facts: float) -> None:
    """Write an alphabet, and what should be known about it, as a JSON file."""
    write_json(path, {"alphabet": alphabet, **facts})


def read_alphabet(path: str | Path) -> str:
    """Read the alphabet from a file of ``write_alphabet``.

    Raises InputError if the file is no JSON object with a string of distinct characters at
    "alphabet".
    """
    with open_text(path) as file:
        try:
            content = json.load(file)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}, line {error.lineno}: not JSON ({error.msg}).") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: cannot be read as JSON ({error}).") from error
    alphabet = content.get("alphabet") if isinstance(content, dict) else None
    if (
        not alphabet
        or not isinstance(alphabet, str)
        or len(set(alphabet)) < len(alphabet)
        or find_surrogate(alphabet) is not None
    ):
        raise InputError(
            f'{path}: no string of distinct characters at "alphabet": make the file with '
            "`python -m spacy absa alphabet`."
        )
    return alphabet
