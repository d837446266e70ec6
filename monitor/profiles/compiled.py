"""`njit`, without the SciPy that numba would load to look for a BLAS.

No kernel multiplies matrices. In a process that needs SciPy for nothing else this saves 0.17 CPU
seconds and 16 MB.
"""

import sys

from numba import njit

__all__ = ["njit"]

_BLAS = "scipy.linalg"


def _load_without_blas() -> None:
    if _BLAS in sys.modules:
        return
    # Numba looks for it in the first import of this module, and takes a refusal for "not there".
    sys.modules[_BLAS] = None  # type: ignore[assignment]
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        del sys.modules[_BLAS]


_load_without_blas()
