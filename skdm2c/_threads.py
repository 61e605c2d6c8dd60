"""One CPU thread for what the estimator computes, so that no sum depends on how many there are.

Matrix libraries split long sums among their threads for some shapes; a rounding error
then decides which restart of k-means is best, or grows in training. A fit would differ
between a process and its workers. To use several cores, run several fits, or let modalities
learn at once (``n_jobs``).
"""

from __future__ import annotations

import os
from functools import cache
from threading import RLock, get_ident, local
from typing import Any, NamedTuple

import torch
from threadpoolctl import ThreadpoolController


class _Setting(NamedTuple):
    """A library and the number of threads that it had."""

    library: Any
    n_threads: int

    def restore(self) -> None:
        self.library.set_num_threads(self.n_threads)


class _ProcessSettings(NamedTuple):
    torch_threads: int
    blas: list[_Setting]


class _ThreadSettings(local):
    openmp: tuple[_Setting, ...] = ()


class ThreadLimits:
    """Sets OpenMP, BLAS and PyTorch to one thread, and back.

    BLAS and PyTorch have one setting a process: the first thread that enters limits them, the
    last that leaves restores them. OpenMP's is that of each thread.

    A thread that enters leaves before it enters again.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._threads: set[int] = set()  # those inside
        self._before: _ProcessSettings | None = None
        self._here = _ThreadSettings()
        if hasattr(os, "register_at_fork"):
            # A child has but one thread: a lock that another holds would never be free there.
            os.register_at_fork(
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._forget_other_threads,
            )

    def enter(self) -> None:
        """Limit this thread."""
        with self._lock:
            if self._before is None:
                # Read here: while others are limited, their one thread would be remembered.
                self._before = _ProcessSettings(torch.get_num_threads(), _settings("blas"))
            self._threads.add(get_ident())
            for library in _libraries("blas"):
                library.set_num_threads(1)
        self._here.openmp = tuple(_settings("openmp"))
        for library in _libraries("openmp"):
            library.set_num_threads(1)
        torch.set_num_threads(1)

    def leave(self) -> None:
        """Give this thread, and after the last one the process, what it had before."""
        with self._lock:
            self._threads.discard(get_ident())
            self._lift()
        for setting in self._here.openmp:
            setting.restore()
        self._here.openmp = ()

    def _lift(self) -> None:
        if self._before is not None:
            torch.set_num_threads(self._before.torch_threads)  # each thread has a part in it
            if not self._threads:
                for setting in self._before.blas:
                    setting.restore()
                self._before = None

    def _forget_other_threads(self) -> None:
        self._threads &= {get_ident()}
        if not self._threads:
            self._lift()
        self._lock.release()


@cache  # to look through all libraries of a process takes long
def _libraries(user_api: str) -> list[Any]:
    controller = ThreadpoolController().select(user_api=user_api)
    return list(controller.lib_controllers)


def _settings(user_api: str) -> list[_Setting]:
    return [_Setting(library, library.num_threads) for library in _libraries(user_api)]
