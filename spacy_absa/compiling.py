"""Compiled functions, for those who install numba (the extra `fast`)."""

import os
from collections.abc import Callable

import numba
from numba.core.compiler_lock import global_compiler_lock

if numba.config.DISABLE_JIT:  # loops that are not compiled are slower than what they replace
    raise ImportError("numba is told not to compile (NUMBA_DISABLE_JIT).")

# A worker that is forked while another thread compiles would wait for that thread for ever.
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )


def compiled(function: Callable) -> Callable:
    """Compile at the first call, or take what an earlier process has compiled."""
    # As NumPy divides: without a look at each divisor, several divisions are one instruction.
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to keep it in can be written
        return numba.njit(**options)(function)
