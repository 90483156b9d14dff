"""``spacy absa report``: what texts think of each brand, as a page, a table and data."""

from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi import msg

from ..data.files import atomic_write, write_json
from ..extras import require
from ..report.counting import Counts
from ..report.dates import Period
from ..report.sources import Source, find_sources, read_annotated
from ..report.summary import summarise
from ..report.table import write_table
from ._util import check_suffix, command, progress


@command("report")
def report(
    annotated: Annotated[
        list[Path],
        typer.Argument(
            metavar="ANNOTATED...", help="Folders of `absa annotate`, its files or `absa predict`'s"
        ),
    ],
    output: Annotated[Path, typer.Option(help="The page, .html")],
    table: Annotated[
        Path | None, typer.Option("--csv", help="Write a table too, a row per entity, .csv")
    ] = None,
    data: Annotated[Path | None, typer.Option("--json", help="Write data too, .json")] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Dates of the texts, for trends")
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What to compare the texts by")
    ] = None,
    period: Annotated[
        Period, typer.Option(help="Days that a point of a trend stands for")
    ] = Period.auto,
    top: Annotated[int, typer.Option(min=1, help="Entities to show on the page")] = 20,
) -> None:
    """Report what texts think of each brand: one HTML page that needs no network.

    Reads what `absa annotate` wrote (the folder, or files of it) and the .jsonl of `absa predict`.
    The page has, for each entity, mentions, the shares of its sentiments with 95 % intervals,
    typical quotes, and with --time and --group trends and comparisons. --csv and --json have all
    entities, not only those that are named most.

    \b
    Example:
      python -m spacy absa report annotated --output report.html --time date --group source
    """
    _check_outputs(output, table, data)
    sources = find_sources(annotated)
    summary = summarise(_count(sources, time, group), sources, period, top)
    _write_page(output, summary, top)
    if table is not None:
        with atomic_write(table) as file:
            write_table(file, summary["entities"])
    if data is not None:
        write_json(data, summary)
    msg.good(
        f"{output}: {summary['mentions']} mentions of {len(summary['entities'])} entities in "
        f"{summary['texts']} texts"
    )


def _check_outputs(output: Path, table: Path | None, data: Path | None) -> None:
    for path, suffix in ((output, ".html"), (table, ".csv"), (data, ".json")):
        if path is not None:
            check_suffix(path, suffix)
    require("report", "plotly", "dateutil", what=f"{output}: a report")


def _count(sources: list[Source], time: str | None, group: str | None) -> Counts:
    counts = Counts(time, group)
    texts = (
        text
        for source in sources
        for file in source.files
        for text in read_annotated(file, source.columns)
    )
    for text in progress(texts):
        counts.add(text)
    counts.check()
    return counts


def _write_page(path: Path, summary: dict[str, Any], top: int) -> None:
    from ..report.page import render_page  # needs plotly

    with atomic_write(path) as file:
        file.write(render_page(summary, top))
