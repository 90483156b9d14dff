"""What a report is made from: the runs and files named, and the annotated texts in them."""

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from glob import glob
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from ..bulk.manifest import MANIFEST, read_manifest
from ..bulk.run import QUARANTINE
from ..bulk.shards import part_path, read_receipt
from ..data.jsonl import scan_objects
from ..data.parquet import ABSA
from ..data.rows import row_format, scan_rows
from ..data.text import BadRow, find_surrogate
from ..data.texts import list_files
from ..errors import InputError
from ..pipeline.annotations import SENTIMENTS
from .quotes import Run

# What `spacy absa predict` calls the column.
_ENTITIES = "entities"
_SENTIMENTS = frozenset(SENTIMENTS.values())


@dataclass(frozen=True)
class Source:
    """A run of `spacy absa annotate`, or a single file, of which no more is known."""

    path: Path
    files: list[Path]
    manifest: dict[str, Any] | None = None
    # Of the texts in the inputs of the run
    columns: frozenset[str] = frozenset()
    # Of the rows that the run could not annotate: reason → number of rows
    quarantine: Counter[str] | None = None


class Found(NamedTuple):
    """An entity in a text, as annotation has written it."""

    start: int
    end: int
    label: str
    sentiment: str
    score: float
    id: str
    explanation: list[Run]


class AnnotatedText(NamedTuple):
    """A row, its entities, and the text that they are in ("" where there are none)."""

    file: Path
    line: int
    fields: dict[str, Any]
    text: str
    found: list[Found]


def find_sources(paths: Iterable[Path]) -> list[Source]:
    """The runs and files that are named, each once: files, folders, globs, folders of runs.

    Raises InputError if there is nothing, for a run that has not ended, and for one with parts
    that are missing or cut.
    """
    named = {found.resolve(): found for path in paths for found in _expand(path)}
    return [
        _run(path) if path.is_dir() else Source(path, [path])
        for place, path in named.items()
        if named.keys().isdisjoint(place.parents)  # a run's own files are in the run
    ]


def _expand(path: Path) -> Iterator[Path]:
    """Folders of runs, and files."""
    matched = glob(str(path), recursive=True)
    for found in [path] if path.exists() else map(Path, sorted(matched)):
        runs = sorted(manifest.parent for manifest in found.rglob(MANIFEST))
        beside = (file for file in list_files(found) if file.parent not in runs)
        yield from runs
        yield from filter(_is_annotated, beside) if runs else beside
    if not path.exists() and not matched:
        raise InputError(f"{path}: no such file or folder: name what was annotated.")


def _is_annotated(path: Path) -> bool:
    """Beside runs, their inputs and reports may stand."""
    if not path.name.removesuffix(".gz").endswith((".jsonl", ".parquet")):
        return False
    first = next((row for row in scan_rows(path) if not isinstance(row, BadRow)), (0, {}))
    return not first[1].keys().isdisjoint((ABSA, _ENTITIES))


def _run(folder: Path) -> Source:
    manifest = read_manifest(folder / MANIFEST)
    if not manifest["whole"]:
        raise InputError(
            f"{folder}: the run has not ended: call `spacy absa annotate` again to finish it, or "
            "name the part files that are to be reported."
        )
    suffix = f".{manifest['run']['settings']['format']}"
    files = []
    for index in range(manifest["counts"]["shards"]):
        files.append(part_path(folder, index, suffix))
        if read_receipt(folder, index, suffix) is None:
            raise InputError(
                f"{files[-1]}: missing, or not as `spacy absa annotate` left it: run that again."
            )
    columns = frozenset(source["column"] for source in manifest["run"]["inputs"])
    return Source(folder, files, manifest, columns, _reasons(folder / QUARANTINE))


def _reasons(path: Path) -> Counter[str]:
    rows = (row for row in scan_objects(path) if not isinstance(row, BadRow))
    return Counter(fields["reason"] for _, fields in rows)


def read_annotated(path: Path, columns: Container[str] = ()) -> Iterator[AnnotatedText]:
    """Stream the rows of a .jsonl (also .gz) or .parquet file with their entities.

    The text is in the column that has the entities at their offsets; of several in one of
    `columns`, and in the longest of them.

    Raises InputError for another format, and for rows without entities as `spacy absa annotate`
    and `spacy absa predict` write them.
    """
    if row_format(path) in (".csv", ".tsv"):
        raise InputError(
            f"{path}: a table cannot hold what the report needs: name the output of "
            "`spacy absa annotate`, or of `spacy absa predict` as .jsonl."
        )
    for row in scan_rows(path):
        if isinstance(row, BadRow):
            raise row.error(path)
        line, fields = row
        where = f"{path}, line {line}"
        entries = fields.get(ABSA, fields.get(_ENTITIES))
        if not isinstance(entries, list):
            raise InputError(
                f'{where}: no list of entities at "{ABSA}" or "{_ENTITIES}": name what '
                "`spacy absa annotate` or `spacy absa predict` has written."
            )
        found = [_found(entry, where) for entry in entries]
        yield AnnotatedText(path, line, fields, _text(fields, entries, columns, where), found)


def _found(entry: Any, where: str) -> Found:
    match entry:
        case {
            "text": str(),
            "start": int(start),
            "end": int(end),
            "label": str(label),
            "sentiment": str(sentiment),
            "score": float(score) | int(score),
            "id": str(id),
        } if 0 <= start < end and 0 <= score <= 1 and find_surrogate(label + id) is None:
            if sentiment not in _SENTIMENTS:
                raise InputError(
                    f"{where}: the sentiment {sentiment!r} is none of {', '.join(SENTIMENTS)}, so "
                    "there is no net sentiment: train with these labels."
                )
            runs = entry.get("explanation") or []
            if isinstance(runs, list):
                explanation = [_run_of(run, where) for run in runs]
                return Found(start, end, label, sentiment, score, id, explanation)
    raise InputError(
        f"{where}: {_short(entry)} is no entity as `spacy absa annotate` and `spacy absa predict` "
        "write them: make the file anew."
    )


def _run_of(run: Any, where: str) -> Run:
    match run:
        case {"start": int(start), "end": int(end), "weight": float(weight) | int(weight)} if (
            isfinite(weight)
        ):
            return Run(start, end, weight)
    raise InputError(
        f'{where}: {_short(run)} is no part of an explanation: it needs "start", "end" and '
        '"weight".'
    )


def _short(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=True, default=str)
    return written if len(written) <= 60 else f"{written[:60]} …"


def _text(
    fields: dict[str, Any], entries: list[dict[str, Any]], columns: Container[str], where: str
) -> str:
    """A value that has all the entities at their offsets: the best one, see `read_annotated`."""
    if not entries:
        return ""
    fitting = [
        (column in columns, len(value), value)
        for column, value in fields.items()
        if isinstance(value, str)
        and all(value[entry["start"] : entry["end"]] == entry["text"] for entry in entries)
    ]
    if not fitting:
        raise InputError(
            f"{where}: no column has {_short(entries[0]['text'])} at characters "
            f"{entries[0]['start']} to {entries[0]['end']}: keep the text as it was annotated."
        )
    *_, text = max(fitting, key=lambda one: one[:2])
    if (place := find_surrogate(text)) is not None:
        raise InputError(f"{where}: an unpaired surrogate at character {place}: drop the text.")
    return text
