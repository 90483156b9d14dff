"""The report as a table that spreadsheets open: one row per entity."""

import csv
from collections.abc import Iterator
from typing import IO

from ..data.tables import neutralise
from ..pipeline.annotations import SENTIMENTS
from ..types import Fields


def write_table(file: IO[str], entities: list[Fields]) -> None:
    """Write at least one entity as CSV with a byte order mark, without which Excel garbles Chinese.

    Shares and net sentiment have their 95 % intervals beside them. Strings that a spreadsheet
    would take for a formula begin with an apostrophe.
    """
    file.write("\ufeff")
    writer = csv.DictWriter(file, _row(entities[0]), quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows(_row(entity) for entity in entities)


def _row(entity: Fields) -> Fields:
    return {
        "entity": neutralise(entity["name"]),
        "id": neutralise(entity["id"]),
        "spellings": neutralise(" | ".join(entity["spellings"])),
        "mentions": entity["mentions"],
        "texts": entity["texts"],
        "share_of_mentions": entity["share_of_mentions"],
        **dict(_estimates(entity)),
        "mean_confidence": entity["mean_confidence"],
        "small_sample": "yes" if entity["small"] else "no",
    }


def _estimates(entity: Fields) -> Iterator[tuple[str, float]]:
    for sentiment in SENTIMENTS.values():
        yield f"{sentiment}_mentions", entity[sentiment]["mentions"]
        yield from _estimate(f"{sentiment}_share", entity[sentiment])
    yield from _estimate("net_sentiment", entity["net"])


def _estimate(name: str, estimate: Fields) -> Iterator[tuple[str, float]]:
    yield name, estimate["value"]
    yield f"{name}_low", estimate["low"]
    yield f"{name}_high", estimate["high"]
