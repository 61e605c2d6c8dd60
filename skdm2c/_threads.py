"""One CPU thread for what the estimator computes, so that no sum depends on how many there are.

Matrix libraries split long sums among their threads for some shapes; a rounding error
then decides which restart of k-means is best, or grows in training. A fit would differ
between a process and its workers. To use several cores, run several fits.

The estimator's public methods are decorated, and nothing below them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Lock, local
from typing import Any, TypeVar, cast

import torch
from threadpoolctl import ThreadpoolController

Function = TypeVar("Function", bound=Callable[..., Any])


class _ProcessLimit:
    """The limits that hold for the whole process: set by the first user, lifted by the last.

    BLAS and PyTorch have one setting a process; were each fit to restore it, one in
    another thread would lose its limit midway.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.n_users = 0
        self.torch_threads = 1
        self.blas: Any = None

    def enter(self) -> None:
        with self.lock:
            if self.n_users == 0:
                # Read here: while others are limited, their one thread would be remembered.
                self.torch_threads = torch.get_num_threads()
                self.blas = _limit("blas")
            self.n_users += 1

    def leave(self) -> None:
        with self.lock:
            self.n_users -= 1
            if self.n_users == 0:
                torch.set_num_threads(self.torch_threads)
                self.blas.restore_original_limits()


def _limit(user_api: str) -> Any:
    # Selected first: a limiter restores every library its controller knows, also those
    # it did not limit.
    return ThreadpoolController().select(user_api=user_api).limit(limits=1)


_PROCESS = _ProcessLimit()
_HERE = local()  # whether this thread is limited already


@contextmanager
def _one_thread() -> Iterator[None]:
    if getattr(_HERE, "limited", False):
        yield
        return
    _PROCESS.enter()
    try:
        # OpenMP's limit is that of the thread that sets it, and needs no counting.
        with _limit("openmp"):
            torch.set_num_threads(1)
            _HERE.limited = True
            yield
    finally:
        _HERE.limited = False
        _PROCESS.leave()


def single_threaded(function: Function) -> Function:
    """Decorate a function to compute with one thread of OpenMP, BLAS and PyTorch.

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
        with _one_thread():
            return function(*args, **kwargs)

    return cast(Function, limited)
