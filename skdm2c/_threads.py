"""One thread for NumPy and scikit-learn, so that sums do not depend on how many there are.

Restarts of k-means often end in the same clusters under other names; which of them
is best by a rounding error, or which neighbour is nearest, would otherwise differ
between a process and its workers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Any, TypeVar, cast

from threadpoolctl import threadpool_limits

Function = TypeVar("Function", bound=Callable[..., Any])

# The limit holds for the whole process: two fits in threads must not restore each other's.
_LOCK = RLock()


def single_threaded(function: Function) -> Function:
    """Decorate a function to run with one thread of OpenMP and BLAS.

    Threads of one process take turns in such functions.

    Parameters
    ----------
    function : callable

    Returns
    -------
    callable

    Examples
    --------
    >>> single_threaded(len)([1, 2])
    2
    """

    @wraps(function)
    def limited(*args: Any, **kwargs: Any) -> Any:
        with _LOCK, threadpool_limits(limits=1):
            return function(*args, **kwargs)

    return cast(Function, limited)
