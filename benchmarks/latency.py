"""What a service waits for: one sentence, loading, memory."""

import numpy as np
import torch

from ._measure import CLOCKS, alone, peak_mb
from ._report import Row
from ._subjects import Settings, Subjects, load, sample_texts

SENTENCES = 300


def run(subjects: Subjects) -> list[Row]:
    """One sentence at a time, in a process of its own."""
    load_seconds, milliseconds, peak = alone(_serve, subjects.settings)
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return [
        Row("latency", "one sentence, p50", p50, "ms", bar="< 3"),
        Row("latency", "one sentence, p99", p99, "ms"),
        Row("latency", "loading the pipeline", load_seconds, "s"),
        Row("latency", "peak memory", peak, "MB"),
    ]


def _serve(settings: Settings) -> tuple[float, list[float], float]:
    torch.set_num_threads(settings.threads)
    now = CLOCKS[settings.clock]
    texts = sample_texts(settings.texts, SENTENCES, settings.seed)
    start = now()
    nlp = load(settings.pipeline)
    load_seconds = now() - start
    for text in texts[:20]:
        nlp(text)
    milliseconds = []
    for text in texts:
        start = now()
        nlp(text)
        milliseconds.append(1000 * (now() - start))
    return load_seconds, milliseconds, peak_mb()
