"""What else goes on in a process changes nothing in what the estimator computes, nor the reverse.

The estimator's public methods are decorated, and nothing below them but what loads networks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import local
from typing import Any, TypeVar, cast

import torch

from ._device import usual_defaults
from ._threads import ThreadLimits

Function = TypeVar("Function", bound=Callable[..., Any])

_LIMITS = ThreadLimits()


class _Here(local):
    inside = False


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
        if _HERE.inside:
            return function(*args, **kwargs)
        gradients = torch.is_grad_enabled()
        try:
            _HERE.inside = True
            _LIMITS.enter()
            with usual_defaults():
                torch.set_grad_enabled(True)
                return function(*args, **kwargs)
        finally:
            _HERE.inside = False  # first, and in one step: Python looks for signals at calls only
            try:
                _leave(gradients)
            except BaseException:  # an interrupt in the midst of it
                _leave(gradients)
                raise

    return cast(Function, alone)


def _leave(gradients: bool) -> None:
    _LIMITS.leave()
    # An interrupt can cut short the exit of PyTorch's own no_grad.
    torch.set_grad_enabled(gradients)
