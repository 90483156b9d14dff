"""Timing side by side, memory, and measurements in a process of their own."""

import gc
import multiprocessing
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch

from spacy_absa.models.torch import int8
from spacy_absa.models.torch.recurrent import fused_grus

Result = TypeVar("Result")
Clock = Literal["wall", "cpu"]

CLOCKS: dict[Clock, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True)
class Timing:
    """The seconds of repeated runs."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median run, in seconds."""
        return float(np.median(self.runs))

    @property
    def spread(self) -> float:
        """The distance between the quartiles, as a share of the median."""
        low, high = np.percentile(self.runs, [25, 75])
        return float(high - low) / self.median


def compare(
    tasks: Mapping[str, Callable[[], object]], repeats: int, clock: Clock
) -> dict[str, Timing]:
    """Time the tasks in turns, after one turn of warm-up.

    In turns, so that a slow minute of the machine hits all of them.
    """
    now = CLOCKS[clock]
    runs: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repeats + 1):
        for name, task in tasks.items():
            gc.collect()
            start = now()
            task()
            if turn:
                runs[name].append(now() - start)
    return {name: Timing(tuple(seconds)) for name, seconds in runs.items()}


def alone(function: Callable[..., Result], *args: Any) -> Result:
    """Call a function of a module in a fresh process, which inherits no memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args)


def resident_mb() -> float:
    """The memory that this process occupies, in MB (on other systems than Linux: its peak)."""
    return _status("VmRSS")


def peak_mb() -> float:
    """The most memory that this process has occupied, in MB."""
    return _status("VmHWM")


def _status(key: str) -> float:
    # Not the peak of `getrusage` where it can be helped: a new process starts with its parent's.
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines[key].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _kernels() -> str:
    """What predicts with GRUs that are quantised."""
    if fused_grus():
        return f"in 8 bits, fused by numba {version('numba')}"
    return "in 8 bits" if int8.is_supported() else "in 32 bits"


def environment(clock: Clock) -> dict[str, str | int]:
    """What the figures depend on."""
    packages = ("spacy", "thinc", "torch", "numpy", "ahocorasick-rs")
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "machine": f"{platform.system()} {platform.machine()}",
        "GRUs": _kernels(),
        "threads": torch.get_num_threads(),
        "clock": clock,
    }
