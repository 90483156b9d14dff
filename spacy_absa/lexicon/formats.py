"""The file formats of entity lists, line by line."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..data.text import TOO_LONG, BadRow
from ..errors import InputError

# A line of a lexicon file, and where it stands: "path, line 3".
Line = tuple[str, str]


class LexiconEntry(NamedTuple):
    """An alias and the id of what it names (if empty, the alias itself is the id)."""

    pattern: str
    id: str
    label: str = ""


def locate(lines: Iterable[str | None], source: str) -> Iterator[Line]:
    """Lines with their places; None stands for one that is too long to read."""
    for number, line in enumerate(lines, 1):
        if line is None:
            raise BadRow(number, TOO_LONG).error(source)
        yield f"{source}, line {number}", line.rstrip("\r\n")


def _parse_jsonl(lines: Iterable[Line]) -> Iterator[tuple[str, LexiconEntry]]:
    for place, line in lines:
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}: not valid JSON ({error}): mend the line.") from error
        if not isinstance(record, dict) or "pattern" not in record:
            raise InputError(f'{place}: expected an object like {{"pattern": "Q7", "id": "q7"}}.')
        if isinstance(record["pattern"], list):
            raise InputError(
                f"{place}: token patterns cannot be used: write the alias as one string."
            )
        entry = LexiconEntry(record["pattern"], record.get("id", ""), record.get("label", ""))
        if not all(isinstance(value, str) for value in entry):
            raise InputError(f"{place}: pattern, id and label must be strings: quote them.")
        yield place, entry


def _parse_txt(lines: Iterable[Line]) -> Iterator[tuple[str, LexiconEntry]]:
    for place, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        alias, *rest = (column.strip() for column in line.split("\t"))
        if len(rest) > 1:
            raise InputError(
                f"{place}: {len(rest) + 1} columns: write the alias, then a tab and its id at most."
            )
        yield place, LexiconEntry(alias, *rest or [""])


def _parse_csv(lines: Iterable[Line]) -> Iterator[tuple[str, LexiconEntry]]:
    for number, (place, line) in enumerate(lines):
        columns = [column.strip() for column in line.split("\t")]
        if number == 0:
            if columns not in (["ViedId", "View"], ["ViewId", "View"]):
                raise InputError(
                    f"{place}: expected the tab-separated header of View.csv, ViewId and View."
                )
        elif line.strip():
            if len(columns) != 2:
                raise InputError(
                    f"{place}: {len(columns)} columns: write two, tab-separated: ViewId and View."
                )
            yield place, LexiconEntry(columns[1], "")


# By the suffix of the file
PARSERS = {".jsonl": _parse_jsonl, ".txt": _parse_txt, ".csv": _parse_csv}
