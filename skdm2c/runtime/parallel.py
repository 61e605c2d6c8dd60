"""Independent work in several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from joblib import Parallel, delayed

from .isolation import isolated

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Call a function with each item, in as many threads as joblib's context has jobs.

    Without a :func:`joblib.parallel_config` there is one.

    Examples
    --------
    >>> in_threads(abs, [-1, 2])
    [1, 2]
    """
    call = delayed(isolated(function))
    results: list[Result] = Parallel(require="sharedmem")(call(item) for item in items)
    return results
