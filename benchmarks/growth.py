"""Time and memory as the input grows: many texts, and one long document."""

from itertools import islice

import torch

from ._measure import CLOCKS, alone, peak_mb, resident_mb
from ._report import Row
from ._subjects import Settings, Subjects, load, sample_texts

TEXTS = (1_000, 10_000, 100_000, 1_000_000)
CHARACTERS = (1_000, 10_000, 100_000, 1_000_000)
ZONE = 1000  # texts per memory zone
EARLY = 10_000  # texts after which memory should grow no more


def run(subjects: Subjects) -> list[Row]:
    """Each size in a process of its own."""
    n_sizes = len(TEXTS) - (not subjects.settings.large)
    rows = []
    for n in TEXTS[:n_sizes]:
        seconds, early, late = alone(_many, subjects.settings, n)
        rows.append(Row("growth", f"{n:,} texts", 1e6 * seconds / n, "µs/text"))
        rows.append(Row("growth", f"{n:,} texts: resident at the end", late, "MB"))
        if early is not None:
            name = f"{n:,} texts: above what it was after {EARLY:,}"
            rows.append(Row("growth", name, late - early, "MB", bar="≤ 100"))
    for n in CHARACTERS[:n_sizes]:
        seconds, peak = alone(_long, subjects.settings, n)
        name = f"one document of {n:,} characters"
        rows.append(Row("growth", name, 1e6 * seconds / n, "µs/character"))
        bar = "< 1024" if n == 1_000_000 else ""
        rows.append(Row("growth", f"{name}: peak", peak, "MB", bar=bar))
    return rows


def _many(settings: Settings, n_texts: int) -> tuple[float, float | None, float]:
    """Seconds; MB after `EARLY` texts, if there are more, and at the end."""
    torch.set_num_threads(settings.threads)
    nlp = load(settings.pipeline)
    texts = sample_texts(settings.texts, settings.n_texts, settings.seed)
    stream = (texts[i % len(texts)] for i in range(n_texts))
    now = CLOCKS[settings.clock]
    start = now()
    early = None
    for done in range(0, n_texts, ZONE):
        if done == EARLY:
            early = resident_mb()
        with nlp.memory_zone():
            for _ in nlp.pipe(islice(stream, ZONE)):
                pass
    return now() - start, early, resident_mb()


def _long(settings: Settings, n_chars: int) -> tuple[float, float]:
    """Seconds, and the peak in MB."""
    torch.set_num_threads(settings.threads)
    nlp = load(settings.pipeline)
    joined = "".join(sample_texts(settings.texts, settings.n_texts, settings.seed))
    text = (joined * (n_chars // len(joined) + 1))[:n_chars]
    now = CLOCKS[settings.clock]
    start = now()
    nlp(text)
    return now() - start, peak_mb()
