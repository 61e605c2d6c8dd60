"""The training loop that all phases share."""

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
    """The batches of one epoch, which can be iterated over once per epoch."""

    def __len__(self) -> int:
        """Return the number of steps per epoch."""

    def __iter__(self) -> Iterator[Yielded]:
        """Yield the batches of one epoch."""


class Phase(Generic[Batch]):
    """A phase of training, which is run epoch by epoch.

    ``build_step``, called before the first epoch, returns a function which trains on one batch
    and returns its losses by name, as detached tensors of shape ().
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
        """Whether all epochs are done or a callback has ended the phase."""
        return self.state.over or self.state.epoch >= self.n_epochs

    def train_epoch(self) -> Record:
        """Train for one epoch and return its record, with the losses averaged over the steps."""
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
    """Run independent phases to their ends, ``n_threads`` of them in parallel.

    Networks are left in evaluation mode. The callback is called in this thread only.
    """
    for first in range(0, len(phases), n_threads):
        _run_in_parallel(phases[first : first + n_threads], callback)


def _run_in_parallel(phases: Sequence[Phase[Any]], callback: Callback) -> None:
    # The callback is called in the order of the phases while none of them trains, so that neither
    # its calls nor any result depend on which phase is faster.
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
    """Take one step of the named optimiser, and of its learning rate schedule if it has one."""
    optimizer = state.optimizers[name]
    optimizer.zero_grad()
    loss.backward()
    parameters = (p for group in optimizer.param_groups for p in group["params"])
    state.processes.average_((p.grad for p in parameters if p.grad is not None), state.weight)
    optimizer.step()
    if name in state.schedules:
        state.schedules[name].step()
