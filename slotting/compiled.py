"""How kernels are compiled: ahead of the first call, for one signature, kept on disk.

Rule: no fastmath and no parallel sums, so that two machines agree bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(signature: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Decorate a kernel: compiled when its module is imported, so that no first caller waits."""

    def decorate(kernel: Callable[_P, _R]) -> Callable[_P, _R]:
        compile_for: Any = numba.njit(signature, cache=True)
        return cast(Callable[_P, _R], compile_for(kernel))

    return decorate
