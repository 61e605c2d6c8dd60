"""Run public methods on one computing thread, with PyTorch's usual settings.

Matrix libraries split long sums among their threads for some shapes; a rounding error then
decides which restart of k-means is best, or grows in training, and a fit would differ between
a process and its workers. To use several cores, run several fits, or let modalities learn at
once (``n_jobs``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, wraps
from typing import Any, TypeVar, cast

import torch
from threadpoolctl import ThreadpoolController

from .device import enter_usual_defaults

Function = TypeVar("Function", bound=Callable[..., Any])


def isolated(function: Function) -> Function:
    """Decorate a function to compute with one thread, and with PyTorch as it is at first.

    Gradients are on and inference mode, autocast and another default device off, whatever
    the caller has set. (A default dtype belongs to all threads; below, each tensor is told its
    own.) All is as before when the function ends.

    Parameters
    ----------
    function : callable

    Returns
    -------
    callable

    Examples
    --------
    >>> with torch.no_grad():
    ...     isolated(torch.is_grad_enabled)()
    True
    """

    @wraps(function)
    def alone(*args: Any, **kwargs: Any) -> Any:
        with one_thread(), ExitStack() as stack:
            enter_usual_defaults(stack)
            with torch.enable_grad():
                return function(*args, **kwargs)

    return cast(Function, alone)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS, OpenMP and PyTorch to one thread.

    BLAS has one setting a process, which the first of several Python threads decides.
    """
    n_threads = torch.get_num_threads()
    try:
        with _libraries().limit(limits=1):
            torch.set_num_threads(1)
            yield
    finally:
        torch.set_num_threads(n_threads)


@cache  # looking through all libraries of a process takes long
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
