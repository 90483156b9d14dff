"""JSON Lines: one object a line, with a ``text`` and, where annotated, its labelled ``spans``."""

import base64
import json
import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError
from ..types import CharSpan, LabelledText
from .contest import LABELS
from .files import atomic_write
from .text import TOO_LONG, BadRow, find_surrogate, open_text, read_lines

# Objects and lists in each other: more than data has, and little enough to be safe to recurse into.
_MAX_DEPTH = 100


class Record(NamedTuple):
    """One object of a JSONL file and its text."""

    where: str  # "file, line n", for messages
    fields: dict[str, Any]
    text: str


def read_records(path: str | Path, key: str = "text") -> Iterator[Record]:
    """Yield the objects of a JSONL file with the string at ``key``; blank lines are passed.

    Raises InputError for a line that is no JSON object, whose text is missing or no string,
    or that holds an unpaired surrogate or is nested too deeply.
    """
    for row in scan_objects(path):
        if isinstance(row, BadRow):
            raise row.error(path)
        number, fields = row
        text = fields.get(key)
        where = f"{path}, line {number}"
        if not isinstance(text, str):
            raise InputError(f'{where}: no text: write an object with a string at "{key}".')
        if (place := find_surrogate(text)) is not None:
            raise InputError(
                f"{where}: an unpaired surrogate at character {place}: mend or drop the text."
            )
        try:
            size_of(fields)
        except (UnicodeEncodeError, RecursionError) as error:
            raise InputError(
                f"{where}: an unpaired surrogate beside the text, or nested too deeply: mend it."
            ) from error
        yield Record(where, fields, text)


def scan_objects(
    path: str | Path, *, tolerant: bool = False
) -> Iterator[tuple[int, dict[str, Any]] | BadRow]:
    """Yield (line number from 1, object) of each line that is not blank.

    A ``BadRow`` stands in the place of a line that is no JSON object. ``tolerant`` is as for
    ``open_text``. Raises InputError for what is wrong with the whole file.
    """
    with open_text(path, newline="\n", tolerant=tolerant) as file:
        for number, line in enumerate(read_lines(file), start=1):
            if line is None:
                yield BadRow(number, TOO_LONG)
            elif line.strip():
                yield _parse(line, number)


def _parse(line: str, number: int) -> tuple[int, dict[str, Any]] | BadRow:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        reason = f"not JSON ({error.msg}, column {error.colno}): write one object a line"
        return BadRow(number, reason)
    except (ValueError, RecursionError) as error:
        # A number with thousands of digits, or thousands of brackets.
        return BadRow(number, f"cannot be read as JSON ({error}): drop the line")
    if not isinstance(fields, dict):
        return BadRow(number, "no JSON object: write one object a line, with its text")
    return number, fields


def size_of(value: Any, depth: int = 0) -> int:
    """The bytes of a value's strings and numbers, roughly.

    Raises UnicodeEncodeError and RecursionError for what could not be written again.
    """
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        return len(value.encode("utf-8"))
    if isinstance(value, dict):
        return sum(size_of(key) + size_of(item, depth + 1) for key, item in value.items())
    if isinstance(value, list | tuple):
        return sum(size_of(item, depth + 1) for item in value)
    return 8


def read_annotated(path: str | Path) -> Iterator[tuple[Record, list[CharSpan]]]:
    """Yield the objects of a JSONL file with ``"spans": [[start, end, label], …]``, spans in order.

    A span may also be an object with ``start``, ``end`` and ``label``. Offsets count characters
    (code points). The labels pos, neu and neg, in any case, become POS, NEU and NEG; others are
    kept.

    Raises InputError as ``read_records``, and for spans that are malformed, outside the text,
    or overlap.
    """
    record = None
    for record in read_records(path):
        yield record, parse_spans(record.fields.get("spans"), record.text, record.where)
    if record is None:
        raise InputError(f"{path}: the file is empty: it needs one JSON object a line.")


def parse_spans(values: Any, text: str, where: str) -> list[CharSpan]:
    """Lists of [start, end, label] in a text as spans, in order; ``where`` is for messages.

    Labels are those of ``read_annotated``. Raises InputError as it does.
    """
    if not isinstance(values, list):
        raise InputError(f'{where}: no "spans": write a list of [start, end, label].')
    spans = sorted(_span(value, text, where) for value in values)
    for first, second in pairwise(spans):
        if second.start < first.end:
            raise InputError(f"{where}: spans {list(first)} and {list(second)} overlap: keep one.")
    return spans


def _span(value: Any, text: str, where: str) -> CharSpan:
    match value:
        case [int(start), int(end), str(label)] | {
            "start": int(start),
            "end": int(end),
            "label": str(label),
        } if label:
            if 0 <= start < end <= len(text):
                return CharSpan(start, end, LABELS.get(label.lower(), label))
            raise InputError(
                f"{where}: span {value} is not in the text of {len(text)} "
                "characters: mend the offsets."
            )
    raise InputError(f"{where}: span {value} is not [start, end, label]: mend it.")


def write_annotated(path: str | Path, texts: Iterable[LabelledText]) -> None:
    """Write texts with spans, as ``read_annotated`` reads them."""
    with atomic_write(path) as file:
        for text, spans in texts:
            file.write(json.dumps({"text": text, "spans": spans}, ensure_ascii=False) + "\n")


def to_json(value: Any) -> str:
    """A value as JSON that every parser reads.

    What Parquet knows and JSON does not becomes a string: times as ISO 8601, bytes as base64.
    Numbers that are not finite become null.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_default)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, default=_default)


def _default(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
