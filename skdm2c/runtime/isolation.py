"""Run public methods on one computing thread, with PyTorch's initial settings.

For some shapes matrix libraries split long sums among their threads. The rounding error then
decides which restart of k-means is best, or grows during training, so that a fit would differ
between a process and its workers. To use several cores, run several fits, or train modalities
in parallel (``n_jobs``).
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
    """Decorate a function to compute in one thread, with PyTorch's initial settings.

    Gradients are enabled; inference mode, autocast and a default device are disabled. The
    caller's settings are restored when the function returns or raises.
    """
    # The default dtype is left alone, as it belongs to all threads: code of this package passes
    # dtypes explicitly.

    @wraps(function)
    def isolated_function(*args: Any, **kwargs: Any) -> Any:
        with one_thread(), ExitStack() as stack:
            enter_usual_defaults(stack)
            with torch.enable_grad():
                return function(*args, **kwargs)

    return cast(Function, isolated_function)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS, OpenMP and PyTorch to one thread each.

    BLAS has one limit per process, so that the first of several Python threads decides.
    """
    n_threads = torch.get_num_threads()
    try:
        with _libraries().limit(limits=1):
            torch.set_num_threads(1)
            yield
    finally:
        torch.set_num_threads(n_threads)


@cache  # searching all loaded libraries of a process is slow
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
