"""Signals wait while settings are changed, so that no interrupt leaves them half changed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]

SIGNALS = tuple(signal.valid_signals())  # to list them takes a tenth of a row's predict


class SignalGate:
    """Stands before the handlers of a process: open it passes signals on, closed it keeps them.

    Python runs handlers in the main thread alone, so elsewhere it has nothing to do.

    Attributes
    ----------
    closed : bool
        True at first. To set it takes one step, which nothing can come between.

    Examples
    --------
    >>> gate = SignalGate()
    >>> gate.install()
    >>> signal.raise_signal(signal.SIGINT)  # Ctrl-C
    >>> try:
    ...     gate.open()
    ... except KeyboardInterrupt:
    ...     print("now")
    now
    >>> gate.closed = True
    >>> gate.remove()
    """

    def __init__(self) -> None:
        self.closed = True
        self._handlers: dict[int, Handler] = {}
        self._waiting: list[int] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.closed:
            self._handlers[number](number, frame)
        elif number not in self._waiting:
            self._waiting.append(number)

    def install(self) -> None:
        """Take the place of all handlers that are written in Python."""
        if current_thread() is main_thread():
            for number in SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self)

    def open(self) -> None:
        """Pass on what has waited, and from now on all at once; handlers may raise."""
        self.closed = False
        self._pass_on()

    def remove(self) -> None:
        """Put the handlers back, where no other was set meanwhile, and pass on what has waited.

        It stays open, for those who may have kept it as "the handler before".
        """
        mine: object = self
        raised: BaseException | None = None
        # Ctrl-C last: a handler that is back may raise while others are still to come.
        for number in sorted(self._handlers, key=lambda number: number == signal.SIGINT):
            for _ in range(2):
                try:
                    if signal.getsignal(number) is mine:
                        signal.signal(number, self._handlers[number])
                except BaseException as error:
                    raised = raised or error
        try:
            self.open()
        finally:
            if raised is not None:
                raise raised

    def _pass_on(self) -> None:
        if self._waiting:
            number = self._waiting.pop(0)
            try:
                self._handlers[number](number, sys._getframe())
            finally:
                self._pass_on()
