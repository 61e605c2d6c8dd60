"""One thread for scikit-learn's k-means, so that its sums do not depend on how many there are.

Restarts often end in the same clusters under other names; which of them is best
by a rounding error would otherwise differ between a process and its workers.
Only OpenMP is limited: its setting belongs to the thread that makes it, so that
fits in several threads do not meet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from threadpoolctl import threadpool_limits

Function = TypeVar("Function", bound=Callable[..., Any])


def single_threaded(function: Function) -> Function:
    """Decorate a function to run with one OpenMP thread.

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
    return cast(Function, threadpool_limits.wrap(limits=1, user_api="openmp")(function))
