"""The one loop that all phases of training are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from ..runtime.isolation import isolated
from .callbacks import Callback, Record
from .state import TrainingState

Batch = TypeVar("Batch")
Yielded = TypeVar("Yielded", covariant=True)
Step = Callable[[Batch], Mapping[str, Tensor]]


class Batches(Protocol[Yielded]):
    """Passes over the data, each of as many batches."""

    def __len__(self) -> int:
        """Count the steps of one epoch."""

    def __iter__(self) -> Iterator[Yielded]:
        """Yield the batches of one epoch."""


class Phase(Generic[Batch]):
    """A phase of training, one epoch at a time.

    ``batches`` yields one epoch's batches at each pass. ``build_step`` is called before the
    first epoch and returns the function that learns from one batch and returns its losses by
    name, as tensors of shape (), detached.
    """

    def __init__(
        self,
        state: TrainingState,
        batches: Batches[Batch],
        n_epochs: int,
        build_step: Callable[[], Step[Batch]],
    ) -> None:
        self.state = state
        self.batches = batches
        self.n_epochs = n_epochs
        self._build_step = build_step
        self._step: Step[Batch] | None = None

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, or a callback ended the phase."""
        return self.state.over or self.state.epoch >= self.n_epochs

    def train_epoch(self) -> Record:
        """Train for one epoch and return its record: the losses, averaged over the steps."""
        if self._step is None:
            self._step = self._build_step()
        totals: dict[str, Tensor] = {}
        for batch in self.batches:
            for name, value in self._step(batch).items():
                totals[name] = totals[name] + value if name in totals else value
        means = torch.stack(list(totals.values())) / len(self.batches)
        state = self.state
        state.processes.average_([means], state.weight)
        record = {"phase": state.phase, **state.where, "epoch": state.epoch}
        return record | {
            "n_epochs": self.n_epochs,
            **dict(zip(totals, means.tolist(), strict=True)),
        }


def run_phases(phases: Sequence[Phase[Any]], callback: Callback, n_threads: int = 1) -> None:
    """Train independent phases to their ends, ``n_threads`` of them at once.

    The callback is called in this thread alone, in the order of the phases, while none of them
    trains: neither its calls nor any result depends on which phase is faster. Networks are left
    in evaluation mode.

    Raises
    ------
    TrainingDivergedError
        If a callback finds that a loss is not finite.

    Examples
    --------
    >>> from skdm2c.training.callbacks import History
    >>> weight = torch.nn.Linear(1, 1, bias=False)
    >>> state = TrainingState("pretraining", weight, {}, {}, torch.Generator())
    >>> history = History()
    >>> step = lambda x: {"square": torch.tensor(x**2)}
    >>> run_phases([Phase(state, [1.0, 3.0], 2, lambda: step)], history)
    >>> [record["square"] for record in history.records], state.epoch
    ([5.0, 5.0], 2)
    """
    for first in range(0, len(phases), n_threads):
        _take_turns(phases[first : first + n_threads], callback)


def _take_turns(phases: Sequence[Phase[Any]], callback: Callback) -> None:
    for phase in phases:
        callback.on_phase_begin(phase.state)
    running = phases
    with ThreadPoolExecutor(len(phases)) as pool:
        run: Any = pool.map if len(phases) > 1 else map
        while running:
            for phase in running:
                if phase.is_over:
                    phase.state.network.eval().requires_grad_(True)
                    callback.on_phase_end(phase.state)
            running = [phase for phase in running if not phase.is_over]
            records = list(run(isolated(Phase.train_epoch), running))
            for phase, record in zip(running, records, strict=True):
                _end_epoch(phase.state, record, callback)


def _end_epoch(state: TrainingState, record: Record, callback: Callback) -> None:
    state.epoch += 1
    state.records.append(record)
    state.over = any(state.processes.gather(callback.on_epoch_end(state, record)))
    callback.on_epoch_over(state)


def descend(state: TrainingState, name: str, loss: Tensor) -> None:
    """Take one step of the named optimizer, and of its schedule if it has one."""
    optimizer = state.optimizers[name]
    optimizer.zero_grad()
    loss.backward()
    learning = (p for group in optimizer.param_groups for p in group["params"])
    state.processes.average_((p.grad for p in learning if p.grad is not None), state.weight)
    optimizer.step()
    if name in state.schedules:
        state.schedules[name].step()
