"""The BDCI-2016 files: sentences, labelled views, the entity list, and the answer.

A label names the surface string of an entity (its *view*) and an opinion, not where the view
stands: ``locate`` finds the places, ``mentions_to_rows`` goes back.
"""

import csv
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError
from ..folding import fold
from ..types import CharSpan
from .files import atomic_write
from .tables import NumberedRow, read_table

OPINIONS = {"POS": "pos", "NEU": "neu", "NEG": "neg"}
LABELS = {opinion: label for label, opinion in OPINIONS.items()}
_LABEL_COLUMNS = ("SentenceId", "View", "Opinion")

Labels = dict[tuple[str, str], str]


class Row(NamedTuple):
    """One line of an answer: the opinion on a view in a sentence."""

    sentence_id: str
    view: str
    opinion: str


class NotFound(NamedTuple):
    """A labelled view without a place in its sentence, and why."""

    view: str
    reason: str


def read_sentences(path: str | Path) -> dict[str, str]:
    """The sentences of a Train.csv or Test.csv by id, in order; a text may be empty.

    Raises InputError for other columns than SentenceId and Content, an id that comes twice, and
    a file without sentences.
    """
    sentences: dict[str, str] = {}
    for line, (sentence_id, text) in _rows(path, ("SentenceId", "Content")):
        if sentence_id in sentences:
            raise InputError(
                f"{path}, line {line}: sentence {sentence_id} comes twice: give it another id."
            )
        sentences[sentence_id] = text
    if not sentences:
        raise InputError(f"{path}: no sentences below the header: is it the right file?")
    return sentences


def read_labels(path: str | Path, sentences: Container[str] | None = None) -> Labels:
    """The opinions of a Label.csv or an answer file by (sentence id, view), in order.

    A row may be repeated, but not with another opinion.

    Raises InputError for other columns than SentenceId, View and Opinion, an opinion other than
    pos, neu and neg, an empty view, a contradiction, and an id that is not in ``sentences``.
    """
    labels: Labels = {}
    for line, (sentence_id, view, opinion) in _rows(path, _LABEL_COLUMNS):
        where = f"{path}, line {line}"
        if opinion not in LABELS:
            raise InputError(f"{where}: unknown opinion {opinion!r}: write pos, neu or neg.")
        if not view.strip():
            raise InputError(f"{where}: the view is empty: name the entity or drop the line.")
        if sentences is not None and sentence_id not in sentences:
            raise InputError(
                f"{where}: a label for sentence {sentence_id}, which is not among the sentences: "
                "do the two files belong together?"
            )
        if labels.setdefault((sentence_id, view), opinion) != opinion:
            raise InputError(
                f"{where}: {view!r} in sentence {sentence_id} is {opinion} here and "
                f"{labels[sentence_id, view]} above: keep one."
            )
    return labels


def _rows(path: str | Path, columns: tuple[str, ...]) -> Iterator[NumberedRow]:
    rows = read_table(path)
    line, header = next(rows)
    if tuple(header) != columns:
        raise InputError(
            f"{path}, line {line}: the columns are {', '.join(header)}: "
            f"they must be {', '.join(columns)}."
        )
    return rows


def locate(text: str, views: Mapping[str, str]) -> tuple[list[CharSpan], list[NotFound]]:
    """Find all places of labelled views (view → label) in their sentence.

    Longer views come first, and shorter ones only get places outside of theirs. A view is
    looked for as it is written and, if that fails, with case and width folded. Returns the
    spans in text order, and the views that got no place.
    """
    folded = fold(text)
    taken = bytearray(len(text))
    spans, not_found = [], []
    for view in sorted(views, key=lambda view: (-len(view), view)):
        places = _free(text, view, taken) or _free(folded, fold(view), taken)
        for start in places:
            end = start + len(view)
            taken[start:end] = b"\1" * len(view)
            spans.append(CharSpan(start, end, views[view]))
        if not places:
            inside = fold(view) in folded
            reason = "only within longer views" if inside else "not in the sentence"
            not_found.append(NotFound(view, reason))
    return sorted(spans), not_found


def _free(text: str, view: str, taken: bytearray) -> list[int]:
    """Where ``view`` starts in ``text`` on characters that are not taken, from left to right."""
    places = []
    start = text.find(view)
    while start >= 0:
        end = start + len(view)
        is_free = not any(taken[start:end])
        if is_free:
            places.append(start)
        start = text.find(view, end if is_free else start + 1)
    return places


def settle(mentions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """One label per view of a sentence, from its mentions (as in ``doc._.absa``).

    Mentions of a view that disagree are settled by the highest sum of a label's probabilities
    (``scores``), among the labels that they have; the earlier one wins a draw.
    """
    by_view: dict[str, list[Mapping[str, Any]]] = {}
    for mention in mentions:
        by_view.setdefault(mention["text"], []).append(mention)
    return {view: _settle_view(same) for view, same in by_view.items()}


def _settle_view(mentions: list[Mapping[str, Any]]) -> str:
    def probability(label: str) -> float:
        return sum(mention["scores"].get(label, 0.0) for mention in mentions)

    return max((mention["label"] for mention in mentions), key=probability)


def mentions_to_rows(sentence_id: str, mentions: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Join the mentions of a sentence to one row per view, as ``settle`` does.

    Raises InputError for labels other than POS, NEU and NEG.
    """
    return [Row(sentence_id, view, _opinion(label)) for view, label in settle(mentions).items()]


def _opinion(label: str) -> str:
    if label not in OPINIONS:
        raise InputError(
            f"The label {label} is no opinion of the contest (POS, NEU, NEG): write .jsonl instead."
        )
    return OPINIONS[label]


def write_answer(path: str | Path, rows: Iterable[Row]) -> Counter[str]:
    """Write an answer file, comma-separated UTF-8; returns the number of rows per opinion."""
    counts: Counter[str] = Counter()
    with atomic_write(path) as file:
        writer = csv.writer(file)
        writer.writerow(_LABEL_COLUMNS)
        for row in rows:
            writer.writerow(row)
            counts[row.opinion] += 1
    return counts
