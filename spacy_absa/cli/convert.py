"""``spacy absa convert``: annotated texts to spaCy's training data."""

import csv
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..data.agreement import Conflict, agreement, settle
from ..data.annotation_tools import Tool, detect_tool, read_annotations
from ..data.corpora import in_dev, to_doc, write_docs
from ..data.files import atomic_write
from ..data.labelled import Labelled, Skipped, read_labelled
from ..data.tables import neutralise
from ..data.texts import list_files
from ..errors import InputError
from ._util import check_distinct, check_suffix, command, make_tokenizer, progress


@command("convert")
def convert(
    input_path: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="Train.csv of the contest, .jsonl, or what an annotation tool exported: a file, "
            "or a folder or quoted glob of them",
        ),
    ],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Training data, .spacy")],
    labels_path: Annotated[
        Path | None, typer.Option("--labels", help="Label.csv that goes with Train.csv")
    ] = None,
    format: Annotated[
        Tool | None, typer.Option(help="The tool whose export INPUT is; guessed if not given")
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
    conflicts_path: Annotated[
        Path | None, typer.Option("--conflicts", help="List what annotators differ on, .tsv")
    ] = None,
) -> None:
    """Convert annotated texts to training data.

    The texts are the contest's (SentenceId, Content) with --labels, JSON Lines with "text" and
    "spans": [[start, end, label], ...], or exports of Label Studio (JSON), doccano (JSONL) or
    Prodigy (db-out). Whether a text falls into the development data depends on the text alone. A
    view gets all its places in the sentence; spans that do not begin and end where tokens do are
    left open ("missing") in the training data. Where several annotators read a text differently,
    the reading that more than half of them share is taken; without one the text is left out.

    \b
    Example:
      python -m spacy absa convert Train.csv train.spacy --labels Label.csv --report skipped.tsv
    """
    check_distinct([output_path, dev_path, report_path, conflicts_path], [input_path, labels_path])
    outputs = {output_path: [], dev_path: []} if dev_path else {output_path: []}
    for path in outputs:
        check_suffix(path, ".spacy")
    tokenizer = make_tokenizer(lang)
    skipped: list[Skipped] = []
    files = list_files(input_path)
    tool = format or detect_tool(files[0])
    if tool is None:
        texts = chain(*(read_labelled(file, labels_path, skipped) for file in files))
    else:
        texts = _read_annotated(files, tool, skipped, conflicts_path)
    for sentence_id, text, spans in progress(texts):
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


def _read_annotated(
    files: list[Path], tool: Tool, skipped: list[Skipped], conflicts_path: Path | None
) -> list[Labelled]:
    """The texts of an annotation tool's export; says how far its annotators agree."""
    annotations = [one for file in files for one in read_annotations(file, tool, skipped)]
    pairs = [(*pair[:-1], f"{pair.f1:.3f}") for pair in agreement(annotations)]
    if pairs:
        msg.table(
            pairs,
            header=("Annotator", "Annotator", "Texts", "F1 of spans"),
            aligns=("l", "l", "r", "r"),
            divider=True,
        )
    texts, conflicts = settle(annotations)
    left_out = [conflict for conflict in conflicts if not conflict.settled]
    skipped.extend(Skipped(conflict.id, "", "annotators disagree") for conflict in left_out)
    if conflicts:
        msg.warn(
            f"{len(conflicts)} texts are read differently: {len(conflicts) - len(left_out)} taken "
            f"as most annotators have them, {len(left_out)} left out"
            + ("" if conflicts_path else "; --conflicts lists them")
        )
    if conflicts_path is not None:
        _write_conflicts(conflicts_path, conflicts)
    return texts


def _write_conflicts(path: Path, conflicts: list[Conflict]) -> None:
    with atomic_write(path) as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(("SentenceId", "Content", "Annotator", "Entities", "Outcome"))
        for sentence_id, text, readings, settled in conflicts:
            outcome = "majority" if settled else "left out"
            for annotator, spans in readings.items():
                entities = "; ".join(f"{text[s:e]} {label} ({s}-{e})" for s, e, label in spans)
                row = (sentence_id, text, annotator, entities, outcome)
                writer.writerow(map(neutralise, row))
    msg.info(f"{path}: {len(conflicts)} texts")


def _write_report(path: Path, skipped: list[Skipped]) -> None:
    with atomic_write(path) as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(Skipped._fields)
        writer.writerows(map(neutralise, skip) for skip in skipped)
    msg.info(f"{path}: {len(skipped)} lines")
