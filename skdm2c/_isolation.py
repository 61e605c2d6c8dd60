"""What else goes on in a process changes nothing in what the estimator computes, nor the reverse.

The estimator's public methods are decorated, and nothing below them but what loads networks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from threading import local
from typing import Any, TypeVar, cast

import torch

from ._device import enter_usual_defaults
from ._signals import SignalGate
from ._threads import ThreadLimits

Function = TypeVar("Function", bound=Callable[..., Any])

_LIMITS = ThreadLimits()


class _Here(local):
    limited = False


_HERE = _Here()


def isolated(function: Function) -> Function:
    """Decorate a function to compute with one thread, and with PyTorch as it is at first.

    Gradients are on and inference mode, autocast and another default device off, whatever
    the caller has set. (A default dtype belongs to all threads; below, each tensor is told its
    own.) All is as before when the function ends, however it ends.

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
        gate, undo = SignalGate(), ExitStack()
        try:
            undo.callback(gate.remove)
            gate.install()
            _set_up(undo)
            gate.open()
            return function(*args, **kwargs)
        finally:
            gate.closed = True  # before any call, as signals are looked for in calls
            undo.close()

    return cast(Function, alone)


def _set_up(undo: ExitStack) -> None:
    if not _HERE.limited:  # not in a call from a callback, say
        undo.callback(setattr, _HERE, "limited", False)
        undo.callback(_LIMITS.leave)
        _HERE.limited = True
        _LIMITS.enter()
    # An interrupt can cut short the exit of a no_grad in what is called.
    undo.callback(torch.set_grad_enabled, torch.is_grad_enabled())
    enter_usual_defaults(undo)
    torch.set_grad_enabled(True)
