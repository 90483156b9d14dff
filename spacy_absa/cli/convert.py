"""``spacy absa convert``: annotated texts to spaCy's training data."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import spacy
import typer
from spacy.tokens import Doc
from wasabi import msg

from ..data.contest import LABELS, locate, read_labels, read_sentences
from ..data.corpora import in_dev, to_doc, write_docs
from ..data.jsonl import read_annotated
from ..data.tables import neutralise
from ..data.text import atomic_write
from ..data.texts import text_format
from ..errors import InputError
from ..types import CharSpan
from ._util import check_suffix, command, progress


class Skipped(NamedTuple):
    """A row of the report: an annotation, or a text, that the training data does not hold."""

    SentenceId: str
    View: str
    Reason: str


@command("convert")
def convert(
    input_path: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Train.csv of the contest, or .jsonl")
    ],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Training data, .spacy")],
    labels_path: Annotated[
        Path | None, typer.Option("--labels", help="Label.csv that goes with Train.csv")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language whose tokenizer to use")] = "zh",
    dev_path: Annotated[
        Path | None, typer.Option("--dev", help="Split off development data, .spacy")
    ] = None,
    dev_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the texts in the development data")
    ] = 0.1,
    report_path: Annotated[
        Path | None, typer.Option("--report", help="List what could not be used, .tsv")
    ] = None,
) -> None:
    """Convert annotated texts to training data.

    The texts are the contest's (SentenceId, Content) with --labels, or JSON Lines with "text" and
    "spans": [[start, end, label], ...]. Whether a text falls into the development data depends on
    the text alone. A view gets all its places in the sentence; spans that do not begin and end
    where tokens do are left open ("missing") in the training data.

    \b
    Example:
      python -m spacy absa convert Train.csv train.spacy --labels Label.csv --report skipped.tsv
    """
    outputs = {output_path: [], dev_path: []} if dev_path else {output_path: []}
    for path in outputs:
        check_suffix(path, ".spacy")
    tokenizer = _tokenizer(lang)
    skipped: list[Skipped] = []
    for sentence_id, text, spans in progress(_read(input_path, labels_path, skipped)):
        if not text.strip():
            skipped.append(Skipped(sentence_id, "", "empty text"))
            continue
        doc, misaligned = to_doc(tokenizer, text, spans)
        doc.user_data["sentence_id"] = sentence_id
        for start, end, _ in misaligned:
            skipped.append(Skipped(sentence_id, text[start:end], "not on token boundaries"))
        outputs[dev_path if dev_path and in_dev(text, dev_share) else output_path].append(doc)
    for path, docs in outputs.items():
        if not docs:
            raise InputError(f"{path}: no texts for this file: check the input and --dev-share.")
    for path, docs in outputs.items():
        write_docs(path, docs)
        counts = Counter(entity.label_ for doc in docs for entity in doc.ents)
        by_label = ", ".join(f"{count} {label}" for label, count in sorted(counts.items()))
        msg.good(f"{path}: {len(docs)} texts, {counts.total()} entities ({by_label or 'none'})")
    for reason, count in Counter(skip.Reason for skip in skipped).items():
        msg.warn(f"{count} left out: {reason}")
    if report_path is not None:
        _write_report(report_path, skipped)


def _tokenizer(lang: str) -> Callable[[str], Doc]:
    try:
        return spacy.blank(lang).tokenizer
    except ImportError as error:
        raise InputError(f"--lang {lang}: spaCy cannot make its tokenizer: {error}") from error


def _read(
    input_path: Path, labels_path: Path | None, skipped: list[Skipped]
) -> Iterator[tuple[str, str, list[CharSpan]]]:
    """Yield (id, text, spans); labels without a place are added to ``skipped``."""
    if text_format(input_path) == ".jsonl":
        for number, (record, spans) in enumerate(read_annotated(input_path), start=1):
            yield str(record.fields.get("id", number)), record.text, spans
        return
    if labels_path is None:
        raise InputError(f"{input_path}: these sentences need --labels Label.csv.")
    sentences = read_sentences(input_path)
    views: dict[str, dict[str, str]] = {}
    for (sentence_id, view), opinion in read_labels(labels_path, sentences).items():
        views.setdefault(sentence_id, {})[view] = LABELS[opinion]
    for sentence_id, text in sentences.items():
        spans, not_found = locate(text, views.get(sentence_id, {}))
        skipped.extend(Skipped(sentence_id, *miss) for miss in not_found)
        yield sentence_id, text, spans


def _write_report(path: Path, skipped: list[Skipped]) -> None:
    with atomic_write(path) as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(Skipped._fields)
        writer.writerows(map(neutralise, skip) for skip in skipped)
    msg.info(f"{path}: {len(skipped)} lines")
