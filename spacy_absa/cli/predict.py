"""``spacy absa predict``: the entities of texts and what the texts think of them."""

import json
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from wasabi import msg

from ..data.contest import mentions_to_rows, read_sentences, write_answer
from ..data.files import atomic_write
from ..data.jsonl import read_records
from ..data.tables import read_table
from ..data.texts import read_texts, text_format
from ..errors import InputError
from ..types import Mentions
from ._util import (
    BatchSizeOpt,
    ExplainOpt,
    GpuIdOpt,
    LexiconOpt,
    NProcessOpt,
    PipelineArg,
    annotate,
    check_distinct,
    check_suffix,
    command,
    load_pipeline,
    printable,
    progress,
)

_ID = "SentenceId"
_COLOURS = {"positive": "green", "negative": "red"}


class TextId(NamedTuple):
    """Which text of the input it is: its number from 1, and its id if it has one."""

    number: int
    given: Any = None


Answers = Iterable[tuple[str, Mentions, TextId]]


@command("predict")
def predict(
    pipeline: PipelineArg,
    input_path: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="Table (SentenceId, Content; others with --column), .jsonl or .txt",
        ),
    ],
    output_path: Annotated[
        Path | None,
        typer.Argument(metavar="[OUTPUT]", help=".csv, .jsonl; the terminal if not given"),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(help="Column of the text in a table without SentenceId; in JSONL its key"),
    ] = None,
    lexicon: LexiconOpt = None,
    batch_size: BatchSizeOpt = 256,
    n_process: NProcessOpt = 1,
    gpu_id: GpuIdOpt = -1,
    explain: ExplainOpt = False,
) -> None:
    """Find the entities of texts and the sentiment towards each.

    A .csv output is the contest's answer (SentenceId, View, Opinion); where no text has an id they
    are numbered from 1. A .jsonl output has one line per input text: {"text", "entities"}, and
    "id" if the text has one. Without OUTPUT the entities are printed. --explain adds to each entity
    an "explanation": [{"start", "end", "text", "weight"}], where a weight above 0 speaks for its
    label.

    \b
    Example:
      python -m spacy absa predict training/model-best Test.csv answer.csv --lexicon View.csv
    """
    if output_path is not None:
        check_suffix(output_path, *([".jsonl"] if explain else [".csv", ".jsonl"]))
        check_distinct([output_path], [input_path, lexicon])
    inputs = _read(input_path, column)
    nlp = load_pipeline(pipeline, lexicon, gpu_id, explain=explain)
    answers = annotate(nlp, inputs, batch_size, n_process)
    if output_path is None:
        _print(answers)
    elif output_path.suffix == ".csv":
        rows = (
            row
            for mentions, text_id in _answer_ids(progress(answers))
            for row in mentions_to_rows(text_id, mentions)
        )
        counts = write_answer(output_path, rows)
        by_opinion = ", ".join(f"{count} {opinion}" for opinion, count in counts.items())
        msg.good(f"{output_path}: {counts.total()} views ({by_opinion or 'none'})")
    else:
        n_texts = _write_jsonl(output_path, progress(answers))
        msg.good(f"{output_path}: {n_texts} texts")


def _read(path: Path, column: str | None) -> Iterator[tuple[str, TextId]]:
    pairs: Iterable[tuple[str, Any]]
    match text_format(path):
        case ".jsonl":
            records = read_records(path, column or "text")
            pairs = ((record.text, record.fields.get("id")) for record in records)
        case ".txt":
            pairs = ((text, None) for text in read_texts(path))
        case _:
            pairs = _read_table(path, column)
    return ((text, TextId(number, given)) for number, (text, given) in enumerate(pairs, start=1))


def _read_table(path: Path, column: str | None) -> Iterable[tuple[str, str | None]]:
    header = next(read_table(path))[1]
    has_ids = _ID in header
    if column is not None:
        texts = read_texts(path, column)
        return zip(texts, read_texts(path, _ID) if has_ids else repeat(None), strict=has_ids)
    if not has_ids:
        raise InputError(
            f"{path}: the columns are {', '.join(header)}: name that of the text with --column."
        )
    return ((text, sentence_id) for sentence_id, text in read_sentences(path).items())


def _answer_ids(answers: Answers) -> Iterator[tuple[Mentions, str]]:
    """The mentions of texts and their ids for a contest answer: numbers, where none has an id."""
    has_ids = None
    for _, mentions, (number, given) in answers:
        if not mentions:
            continue
        if has_ids not in (None, given is not None):
            raise InputError(
                f"Text {number} has {'an' if has_ids is False else 'no'} id, unlike those before "
                "it: give all of them one, or none."
            )
        has_ids = given is not None
        yield mentions, str(given if has_ids else number)


def _write_jsonl(path: Path, answers: Answers) -> int:
    n_texts = 0
    with atomic_write(path) as file:
        for text, mentions, text_id in answers:
            head = {} if text_id.given is None else {"id": text_id.given}
            line = {**head, "text": text, "entities": mentions}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            n_texts += 1
    return n_texts


def _print(answers: Answers) -> None:
    for text, mentions, _ in answers:
        typer.secho(printable(text), bold=True)
        if not mentions:
            typer.echo("  no entity")
        for mention in mentions:
            # Chinese text last: its width on a terminal differs from its length.
            sentiment = typer.style(
                f"{mention['sentiment']:<9}", fg=_COLOURS.get(mention["sentiment"], "yellow")
            )
            known = mention["id"] not in ("", mention["text"])
            name = f" ({mention['id']})" if known else ""
            found = printable(mention["text"] + name)
            typer.echo(f"  {sentiment} {mention['score']:.2f}  {found}")
            for run in mention.get("explanation", []):
                typer.echo(f"    {run['weight']:+.2f}  {printable(run['text'])}")
