"""The unit of work: a shard of input rows becomes one part file and a receipt for it."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from spacy.language import Language
from spacy.training.batchers import minibatch_by_words

from ..data.files import atomic_write
from ..data.parquet import ABSA
from ..data.rows import Row
from ..data.text import BadRow
from ..types import Mentions
from .formats import write_rows

if TYPE_CHECKING:
    import pyarrow

# A shard ends early at so many bytes: whatever the rows hold, few of them are in memory.
_MAX_BYTES = 1 << 25
_RECEIPTS = "_shards"


class Shard(NamedTuple):
    """Consecutive rows of one file."""

    index: int  # from 0, in the order of all inputs
    file: str
    rows: list[Row | BadRow]


@dataclass(frozen=True)
class Receipt:
    """What became of a shard; it is written last, so a shard that has one is whole."""

    file: str
    rows: int  # read
    quarantined: list[tuple[int, str]]  # line and reason
    entities: dict[str, int]  # by label
    characters: int
    size: int  # of the part file, in bytes
    cpu_seconds: float


def cut(
    rows: Iterable[Row | BadRow], file: str, shard_size: int, first_index: int
) -> Iterator[Shard]:
    """Cut the rows of a file into shards: a fixed property of the file and the size."""
    shard = Shard(first_index, file, [])
    n_bytes = 0
    for row in rows:
        shard.rows.append(row)
        n_bytes += row.size if isinstance(row, Row) else 0
        if len(shard.rows) == shard_size or n_bytes > _MAX_BYTES:
            yield shard
            shard = Shard(shard.index + 1, file, [])
            n_bytes = 0
    if shard.rows:
        yield shard


def read_receipt(output: Path, index: int, suffix: str) -> Receipt | None:
    """The receipt of a shard if it is whole: its part file is there, in its full size."""
    try:
        fields = json.loads(_receipt_path(output, index).read_text(encoding="utf-8"))
        receipt = Receipt(**fields)
        whole = part_path(output, index, suffix).stat().st_size == receipt.size
    except (OSError, ValueError, TypeError):
        return None
    return receipt if whole else None


def part_path(output: Path, index: int, suffix: str) -> Path:
    """Where the rows of a shard go."""
    return output / f"part-{index:05d}{suffix}"


def _receipt_path(output: Path, index: int) -> Path:
    return output / _RECEIPTS / f"part-{index:05d}.json"


class Annotator:
    """Loads a pipeline once and turns shards into part files; lives in a worker process."""

    def __init__(
        self,
        load: Callable[[], Language],
        output: Path,
        suffix: str,
        batch_chars: int,
        schema: "pyarrow.Schema | None",
    ) -> None:
        # As many workers as cores: more threads would only fight for them.
        torch.set_num_threads(1)
        self.nlp = load()
        self.output = output
        self.suffix = suffix
        self.batch_chars = batch_chars
        self.schema = schema

    def __call__(self, shard: Shard) -> Receipt:
        """Write the shard's part file and then its receipt, each whole or not at all.

        Raises InputError if the output cannot be written.
        """
        start = time.process_time()
        good = [row for row in shard.rows if isinstance(row, Row)]
        counts: Counter[str] = Counter()
        rows = []
        for row, mentions in zip(good, self._annotate(good), strict=True):
            counts.update(mention["label"] for mention in mentions)
            rows.append({**row.fields, ABSA: mentions})
        path = part_path(self.output, shard.index, self.suffix)
        with atomic_write(path, "wb") as file:
            write_rows(file, rows, self.schema)
        receipt = Receipt(
            file=shard.file,
            rows=len(shard.rows),
            quarantined=[tuple(row) for row in shard.rows if isinstance(row, BadRow)],
            entities=dict(sorted(counts.items())),
            characters=sum(len(row.text) for row in good),
            size=path.stat().st_size,
            cpu_seconds=time.process_time() - start,
        )
        with atomic_write(_receipt_path(self.output, shard.index)) as file:
            json.dump(asdict(receipt), file, ensure_ascii=False)
        return receipt

    def _annotate(self, rows: list[Row]) -> Iterator[Mentions]:
        texts = (row.text for row in rows)
        # Batches of even size in characters bound the memory, and are the same in every run.
        for batch in minibatch_by_words(texts, self.batch_chars):
            with self.nlp.memory_zone():
                docs = self.nlp.pipe(batch, batch_size=len(batch))
                mentions = [doc._.absa for doc in docs]
            yield from mentions
