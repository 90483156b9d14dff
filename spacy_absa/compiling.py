"""Compiled functions, for those who install numba (the extra `fast`)."""

from collections.abc import Callable

import numba

if numba.config.DISABLE_JIT:  # loops that are not compiled are slower than what they replace
    raise ImportError("numba is told not to compile (NUMBA_DISABLE_JIT).")


def compiled(function: Callable) -> Callable:
    """Compile at the first call, or take what an earlier process has compiled."""
    # As NumPy divides: without a look at each divisor, several divisions are one instruction.
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to keep it in can be written
        return numba.njit(**options)(function)
