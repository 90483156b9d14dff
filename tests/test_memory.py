import platform
from pathlib import Path

import pytest
import spacy

from spacy_absa.memory import create_memory_trimmer

BLOCK = 65_000  # bytes, small enough for the heap


def resident_megabytes():
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096 / 1e6


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is freed")
def test_freed_memory_goes_back_every_so_many_steps():
    before_update, nlp = create_memory_trimmer(every=50), spacy.blank("zh")
    blocks = [bytearray(BLOCK) for _ in range(4000)]
    kept = blocks[::40]  # between those that are freed, so that the heap cannot shrink
    del blocks
    full = resident_megabytes()
    before_update(nlp, {"step": 49, "epoch": 0})
    assert resident_megabytes() > full - 50
    before_update(nlp, {"step": 50, "epoch": 0})
    assert resident_megabytes() < full - 150
    assert len(kept) == 100
