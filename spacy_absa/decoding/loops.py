"""The loops over characters, compiled where that can be done."""

from functools import cache
from types import ModuleType


@cache
def compiled_loops() -> ModuleType | None:
    """The module `compiled` where numba is installed (the extra `fast`), else None."""
    try:
        from . import compiled  # numba takes a while to import
    except ImportError:  # or it is too old for the NumPy beside it
        return None
    return compiled
