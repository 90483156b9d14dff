"""What runs the shards: an engine maps shards to the receipts of their written part files.

An engine is given a function that makes an ``Annotator``, to be called once in each worker, a
stream of shards, of which it holds few at a time, and the number of workers, 0 for one per core.
It yields the receipts in any order and raises InputError if a worker cannot go on.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from threading import Event, Thread, current_thread, main_thread

from ..errors import InputError
from .shards import Annotator, Receipt, Shard

MakeAnnotator = Callable[[], Annotator]
Engine = Callable[[MakeAnnotator, Iterable[Shard], int], Iterator[Receipt]]

# Libraries read these when they are imported, so they have to be set before a worker begins.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_annotator: Annotator


def run_local(make: MakeAnnotator, shards: Iterable[Shard], n_process: int) -> Iterator[Receipt]:
    """Run shards in processes of this machine. Ctrl-C lets the shards at hand be finished first."""
    n_process = n_process or _cores()
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    pool = ProcessPoolExecutor(n_process, _context(), initializer=_start, initargs=(make,))
    pending: set[Future[Receipt]] = set()
    with _noted_interrupts(pending) as interrupted:
        try:
            for shard in shards:
                pending.add(pool.submit(_run, shard))
                if len(pending) == 2 * n_process:
                    yield from _finished(pending)
                if interrupted():
                    raise KeyboardInterrupt
            while pending:
                yield from _finished(pending)
                if interrupted():
                    raise KeyboardInterrupt
        except BrokenProcessPool as error:
            raise InputError(
                "A worker process has died (killed, or out of memory?); the finished shards are "
                "kept: run the same command again to go on, with fewer processes if memory was "
                "short."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _noted_interrupts(pending: Collection[Future]) -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C while shards are pending, and tell whether there was one.

    Raised at any moment it could leave the pool's locks closed, and its workers waiting for ever.
    """
    if current_thread() is not main_thread():  # which alone gets signals, and may choose
        yield lambda: False
        return
    noted = Event()

    def note(*_: object) -> None:
        if not pending:
            raise KeyboardInterrupt
        if not noted.is_set():  # `print` may be at work already
            os.write(2, b"Finishing the shards at hand; the same command goes on later.\n")
        noted.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted.is_set
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _finished(pending: set[Future[Receipt]]) -> Iterator[Receipt]:
    """Wait for some to end and take them out of the set."""
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    pending -= done
    return (future.result() for future in done)


def _context() -> BaseContext:
    """Workers come from a fresh process without threads, which has imported all they need."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _start(make: MakeAnnotator) -> None:
    global _annotator
    # Ctrl-C is for the main process, which lets the shards at hand be finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_die_with_parent, daemon=True).start()
    _annotator = make()


def _die_with_parent() -> None:
    """A worker whose main process is killed would wait for its next shard for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _run(shard: Shard) -> Receipt:
    return _annotator(shard)
