"""Annotate very many texts in one process, in memory zones, and log the memory.

python -m reliability.soak assets/zh_absa_cars --texts 1000000
"""

import random
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import spacy
import torch
import typer

from spacy_absa.data.contest import read_sentences

BATCH = 256


def main(
    pipeline: str,
    texts: Annotated[int, typer.Option(help="Texts to annotate")] = 1_000_000,
    minutes: Annotated[float, typer.Option(help="Stop after so long")] = 10_000.0,
    sentences: Annotated[Path, typer.Option(help="What the texts are made of")] = Path(
        "assets/demo/Test.csv"
    ),
) -> None:
    """Print a line of texts, seconds and resident MB at every 1/20 of the texts or the time."""
    torch.set_num_threads(1)
    nlp = spacy.load(pipeline)
    start = time.monotonic()
    n_done = n_lines = 0
    stream = fresh_texts(list(read_sentences(sentences).values()))
    print("texts\tseconds\tMB\tstrings", flush=True)
    while n_done < texts:
        with nlp.memory_zone():
            for doc in nlp.pipe(islice(stream, BATCH), batch_size=BATCH):
                assert doc._.absa is not None
        n_done += BATCH
        seconds = time.monotonic() - start
        if max(n_done / texts, seconds / 60 / minutes) * 20 >= n_lines:
            n_lines += 1
            print(
                f"{n_done}\t{seconds:.0f}\t{resident():.1f}\t{len(nlp.vocab.strings)}", flush=True
            )
        if seconds > 60 * minutes:
            break


def fresh_texts(sentences: list[str]) -> Iterator[str]:
    """Texts without end, none like another: a sentence with a rare character and a number."""
    rng = random.Random(0)
    for number in range(1 << 62):
        text = rng.choice(sentences)
        cut = rng.randrange(len(text) + 1)
        yield f"{text[:cut]}{chr(rng.randrange(0x3400, 0x9FFF))}{number}{text[cut:]}"


def resident() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    typer.run(main)
