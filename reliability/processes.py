"""Annotate with two worker processes, however they are started, while threads use the pipeline.

python -m reliability.processes assets/zh_absa_cars
"""

import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import spacy
import torch
import typer
from spacy.language import Language

from spacy_absa.data.contest import read_sentences

TEXTS = list(read_sentences(Path(__file__).parents[1] / "assets/demo/Test.csv").values())[:200]
N_THREADS = 2


def main(pipeline: str) -> None:
    """Print for each way to start a process whether the answers are those of one process."""
    torch.set_num_threads(2)
    nlp = spacy.load(pipeline)
    expected = answers(nlp, n_process=1)
    for method in multiprocessing.get_all_start_methods():
        multiprocessing.set_start_method(method, force=True)
        for n_threads in (0, N_THREADS):
            start = time.monotonic()
            with busy(nlp, n_threads):
                same = answers(nlp, n_process=2) == expected
            seconds = time.monotonic() - start
            print(f"{method}, {n_threads} busy threads: same {same}, {seconds:.1f} s", flush=True)
            if not same:
                sys.exit(1)


def answers(nlp: Language, n_process: int) -> list[list[tuple[int, int, str]]]:
    """Start, end and label of what is found in each text."""
    docs = nlp.pipe(TEXTS, n_process=n_process, batch_size=32)
    return [[(e["start"], e["end"], e["label"]) for e in doc._.absa] for doc in docs]


@contextmanager
def busy(nlp: Language, n_threads: int) -> Iterator[None]:
    """Let threads use the pipeline all the time."""
    done = Event()

    def work() -> None:
        while not done.is_set():
            list(nlp.pipe(TEXTS[:20]))

    threads = [Thread(target=work) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    typer.run(main)
