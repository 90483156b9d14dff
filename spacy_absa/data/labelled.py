"""Labelled texts in the formats of this package: contest files, or JSONL with spans."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError
from ..types import CharSpan
from .contest import LABELS, locate, read_labels, read_sentences
from .jsonl import read_annotated
from .texts import text_format


class Labelled(NamedTuple):
    """A text with its entities, in text order, and its id: its own, or its number from 1."""

    id: str
    text: str
    spans: list[CharSpan]


class Skipped(NamedTuple):
    """An annotation, or a text, that cannot be used, and why: a row of a report."""

    SentenceId: str
    View: str
    Reason: str


def read_labelled(path: Path, labels: Path | None, skipped: list[Skipped]) -> Iterator[Labelled]:
    """Yield the texts of a JSONL file with spans, or of a Train.csv with ``labels``, its Label.csv.

    Labels without a place in their sentence are added to ``skipped``. Raises InputError for what
    cannot be read.
    """
    if text_format(path) == ".jsonl":
        for number, (record, spans) in enumerate(read_annotated(path), start=1):
            yield Labelled(str(record.fields.get("id", number)), record.text, spans)
        return
    if labels is None:
        raise InputError(f"{path}: these sentences need --labels Label.csv.")
    sentences = read_sentences(path)
    views: dict[str, dict[str, str]] = {}
    for (sentence_id, view), opinion in read_labels(labels, sentences).items():
        views.setdefault(sentence_id, {})[view] = LABELS[opinion]
    for sentence_id, text in sentences.items():
        spans, not_found = locate(text, views.get(sentence_id, {}))
        skipped.extend(Skipped(sentence_id, *miss) for miss in not_found)
        yield Labelled(sentence_id, text, spans)
