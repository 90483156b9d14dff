"""The figures as a table, and as JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One figure.

    spread: the distance between the quartiles, as a share of the value. ratio: the value as a
    multiple of that of `against`, a row of the same benchmark. bar: what the project aims at.
    """

    benchmark: str
    name: str
    value: float
    unit: str
    spread: float | None = None
    ratio: float | None = None
    against: str = ""
    bar: str = ""


def show(rows: Iterable[Row], environment: Mapping[str, str | int]) -> None:
    """Print the table."""
    console = Console(width=None if Console().is_terminal else 130)
    table = Table("benchmark", "what", title="Medians; ± half the distance between the quartiles")
    for heading in ("value", "±", "ratio"):
        table.add_column(heading, justify="right")
    table.add_column("unit")
    table.add_column("against")
    table.add_column("bar")
    last = ""
    for row in rows:
        if last not in ("", row.benchmark):
            table.add_section()
        table.add_row(
            "" if row.benchmark == last else row.benchmark,
            row.name,
            _number(row.value),
            "" if row.spread is None else f"{row.spread / 2:.0%}",
            "" if row.ratio is None else f"{row.ratio:.2f} ×",
            row.unit,
            row.against,
            row.bar,
        )
        last = row.benchmark
    console.print(table)
    console.print(", ".join(f"{key} {value}" for key, value in environment.items()))


def write_json(
    path: Path, rows: Iterable[Row], settings: Mapping[str, object], environment: Mapping
) -> None:
    """Everything that was measured, and where."""
    report = {
        "environment": dict(environment),
        "settings": dict(settings),
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
