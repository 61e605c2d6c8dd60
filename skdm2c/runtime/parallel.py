"""Independent work in several threads, and random numbers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import ThreadpoolController

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

    def call(item: Item) -> Result:
        # A new thread would use all cores for k-means, as OpenMP's limit is one per thread.
        with _libraries().limit(limits=1, user_api="openmp"):
            return function(item)

    results: list[Result] = Parallel(require="sharedmem")(delayed(call)(item) for item in items)
    return results


def spawn(rng: np.random.RandomState, n: int) -> list[np.random.RandomState]:
    """Return n independent generators, one for each item, whatever the order of the work.

    Examples
    --------
    >>> len(spawn(np.random.RandomState(0), 3))
    3
    """
    return [np.random.RandomState(seed) for seed in rng.randint(2**31 - 1, size=n)]


@cache  # searching all loaded libraries of a process is slow
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
