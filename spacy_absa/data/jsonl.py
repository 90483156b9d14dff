"""JSON Lines: one object a line, with a ``text`` and, where annotated, its labelled ``spans``."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError
from ..types import CharSpan
from .contest import LABELS
from .text import open_text


class Record(NamedTuple):
    """One object of a JSONL file and its text."""

    where: str  # "file, line n", for messages
    fields: dict[str, Any]
    text: str


def read_records(path: str | Path, key: str = "text") -> Iterator[Record]:
    """Yield the objects of a JSONL file with the string at ``key``; blank lines are passed.

    Raises InputError for a line that is no JSON object, or whose text is missing, no string, or
    holds an unpaired surrogate.
    """
    with open_text(path, newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _parse(line, f"{path}, line {number}", key)


def _parse(line: str, where: str, key: str) -> Record:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}: not JSON ({error.msg}, column {error.colno}): write one object a line."
        ) from error
    text = fields.get(key) if isinstance(fields, dict) else None
    if not isinstance(text, str):
        raise InputError(f'{where}: no text: write an object with a string at "{key}".')
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where}: an unpaired surrogate at character {error.start}: mend or drop the text."
        ) from error
    return Record(where, fields, text)


def read_annotated(path: str | Path) -> Iterator[tuple[Record, list[CharSpan]]]:
    """Yield the objects of a JSONL file with ``"spans": [[start, end, label], …]``, spans in order.

    Offsets count characters (code points). The labels pos, neu and neg become POS, NEU and NEG;
    others are kept.

    Raises InputError as ``read_records``, and for spans that are malformed, outside the text,
    or overlap.
    """
    record = None
    for record in read_records(path):
        yield record, _spans(record)
    if record is None:
        raise InputError(f"{path}: the file is empty: it needs one JSON object a line.")


def _spans(record: Record) -> list[CharSpan]:
    values = record.fields.get("spans")
    if not isinstance(values, list):
        raise InputError(f'{record.where}: no "spans": write a list of [start, end, label].')
    spans = sorted(_span(value, record) for value in values)
    for first, second in pairwise(spans):
        if second.start < first.end:
            raise InputError(
                f"{record.where}: spans {list(first)} and {list(second)} overlap: keep one."
            )
    return spans


def _span(value: Any, record: Record) -> CharSpan:
    match value:
        case [int(start), int(end), str(label)] if label:
            if 0 <= start < end <= len(record.text):
                return CharSpan(start, end, LABELS.get(label, label))
            raise InputError(
                f"{record.where}: span {value} is not in the text of {len(record.text)} "
                "characters: mend the offsets."
            )
    raise InputError(f"{record.where}: span {value} is not [start, end, label]: mend it.")
