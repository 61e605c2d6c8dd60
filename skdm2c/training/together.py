"""Phases that have nothing to do with each other, trained at once in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Any

from ..runtime.isolation import isolated
from .callbacks import Callback, Record
from .state import TrainingState

Training = Callable[[Callback], None]  # calls back at the ends of its epochs
Look = Callable[[Callback], Any]


def train_together(trainings: Sequence[Training], callback: Callback, n_threads: int) -> None:
    """Run trainings, so many at once; the callback is called in this thread alone.

    It is called while all that train at once wait, in an order that does not depend on which is
    faster: after each epoch about the first, the second and so on.

    Parameters
    ----------
    trainings : sequence of callable
        Each takes a callback. No two may share what they change.
    callback : Callback
    n_threads : int
        1 takes no thread but this.

    Raises
    ------
    Exception
        What the first of them, or the callback, raised, once all have ended.

    Examples
    --------
    >>> from torch import Generator
    >>> from torch.nn import Module
    >>> class Told(Callback):
    ...     def on_phase_begin(self, state):
    ...         print(state.phase)
    >>> def training(name):
    ...     state = TrainingState(name, Module(), {}, {}, Generator())
    ...     return lambda callback: callback.on_phase_begin(state)
    >>> train_together([training("one"), training("two")], Told(), n_threads=2)
    one
    two
    """
    for first in range(0, len(trainings), n_threads):
        some = trainings[first : first + n_threads]
        if len(some) == 1:
            some[0](callback)
        else:
            _run_at_once(some, callback)


class _StoppedError(Exception):
    """Ends a training whose callback will not be called any more."""


class _Relay(Callback):
    """Trains in a thread, has every look done by the thread that collects them, and waits."""

    def __init__(self, training: Training) -> None:
        self.error: BaseException | None = None
        self._training = training
        self._looks: SimpleQueue[Look | None] = SimpleQueue()
        self._answers: SimpleQueue[Any] = SimpleQueue()
        self._thread = Thread(target=self._train, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def next_look(self) -> Look | None:
        """Wait for what the training wants looked at next; None if it has ended."""
        return self._looks.get()

    def answer(self, value: Any) -> None:
        """Let the training go on, or end it with an exception."""
        self._answers.put(value)

    def end(self) -> None:
        """Have it end with this epoch, and wait for that."""
        self.answer(_StoppedError())
        if self._thread.is_alive():
            self._thread.join()

    def _train(self) -> None:
        try:
            isolated(self._training)(self)
        except BaseException as error:
            self.error = error
        finally:
            self._looks.put(None)

    def _looked_at(self, look: Look) -> Any:
        self._looks.put(look)
        answer = self._answers.get()
        if isinstance(answer, _StoppedError):
            raise answer
        return answer

    def on_phase_begin(self, state: TrainingState) -> None:
        self._looked_at(lambda callback: callback.on_phase_begin(state))

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        return bool(self._looked_at(lambda callback: callback.on_epoch_end(state, record)))

    def on_epoch_over(self, state: TrainingState) -> None:
        self._looked_at(lambda callback: callback.on_epoch_over(state))

    def on_phase_end(self, state: TrainingState) -> None:
        self._looked_at(lambda callback: callback.on_phase_end(state))


def _run_at_once(trainings: Sequence[Training], callback: Callback) -> None:
    relays = [_Relay(training) for training in trainings]
    try:
        for relay in relays:
            relay.start()
        for looks in _rounds(relays):
            for relay, look in looks:
                relay.answer(look(callback))
    finally:
        for relay in relays:  # no thread may go on when the fit is over
            relay.end()
    for relay in relays:
        if relay.error is not None:
            raise relay.error


def _rounds(relays: list[_Relay]) -> Iterator[list[tuple[_Relay, Look]]]:
    # Nobody is answered until all have asked: none trains while the callback looks.
    while relays:
        asked = [(relay, relay.next_look()) for relay in relays]
        going = [(relay, look) for relay, look in asked if look is not None]
        yield going
        relays = [relay for relay, _ in going]
