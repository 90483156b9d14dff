"""What training frees goes back to the system: a callback for `[training.before_update]`."""

import ctypes
import os
from collections.abc import Callable
from typing import Any

from spacy.language import Language


def create_memory_trimmer(every: int = 50) -> Callable[[Language, dict[str, Any]], None]:
    """`spacy_absa.trim_memory.v1`: trim the heap before every so many updates.

    Batches are of ever other sizes. What they free is in pieces that the next ones do not fit
    into, and glibc keeps all of it: memory grows for as long as training goes on. Where the C
    library has no `malloc_trim` (macOS, Windows, musl), nothing is done.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None

    def before_update(nlp: Language, info: dict[str, Any]) -> None:
        if trim and info["step"] % every == 0:
            trim(0)

    return before_update
