"""What is compiled on first call, and kept for the next process where that can be."""

from __future__ import annotations

from collections.abc import Callable

from numba import njit


def compiled(function: Callable) -> Callable:
    """Compiled on first call, and kept on disk for the next process where numba finds a place to write.

    In a read-only install without a writable home numba refuses the cache at once; then every process compiles anew.
    What is kept is compiled anew when the function's own file changes, not when that of one it calls does.
    Divisions are as numpy has them: a question about zero at each would keep a loop from being made of vectors.
    """
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        return njit(nogil=True, error_model="numpy")(function)
