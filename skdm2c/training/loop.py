"""The one loop that all phases of training are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from .callbacks import Callback
from .state import TrainingState

Batch = TypeVar("Batch")
Yielded = TypeVar("Yielded", covariant=True)


class Batches(Protocol[Yielded]):
    """Passes over the data, each of as many batches."""

    def __len__(self) -> int:
        """Count the steps of one epoch."""

    def __iter__(self) -> Iterator[Yielded]:
        """Yield the batches of one epoch."""


def run_phase(
    state: TrainingState,
    batches: Batches[Batch],
    step: Callable[[Batch], Mapping[str, Tensor]],
    n_epochs: int,
    callback: Callback,
) -> None:
    """Train until so many epochs are over, or a callback has seen enough.

    Parameters
    ----------
    state : TrainingState
        Its ``epoch`` says where to begin; it is counted up.
    batches : Batches
        Each pass over it is one epoch.
    step : callable
        Learns from one batch and returns its losses by name, as tensors of shape (),
        without gradients.
    n_epochs : int
    callback : Callback
        Gets the means of the losses over the steps of each epoch.

    Raises
    ------
    TrainingDivergedError
        If a callback finds that the losses are no numbers.

    Examples
    --------
    >>> from skdm2c.training.callbacks import History
    >>> weight = torch.nn.Linear(1, 1, bias=False)
    >>> state = TrainingState("pretraining", weight, {}, {}, torch.Generator())
    >>> history = History()
    >>> run_phase(state, [1.0, 3.0], lambda x: {"square": torch.tensor(x**2)}, 2, history)
    >>> [record["square"] for record in history.records], state.epoch
    ([5.0, 5.0], 2)
    """
    callback.on_phase_begin(state)
    while not state.over and state.epoch < n_epochs:
        totals: dict[str, Tensor] = {}
        for batch in batches:
            for name, value in step(batch).items():
                totals[name] = totals[name] + value if name in totals else value
        means = torch.stack(list(totals.values())) / len(batches)
        state.processes.average_([means], state.weight)
        record = {"phase": state.phase, **state.where, "epoch": state.epoch}
        record |= {"n_epochs": n_epochs, **dict(zip(totals, means.tolist(), strict=True))}
        state.epoch += 1
        state.records.append(record)
        state.over = any(state.processes.gather(callback.on_epoch_end(state, record)))
        callback.on_epoch_over(state)
    callback.on_phase_end(state)


def descend(state: TrainingState, name: str, loss: Tensor) -> None:
    """Make one step of an optimiser, and of its schedule if it has one.

    Parameters
    ----------
    state : TrainingState
    name : str
        Of the optimiser.
    loss : Tensor of shape ()
    """
    optimizer = state.optimizers[name]
    optimizer.zero_grad()
    loss.backward()
    learning = (p for group in optimizer.param_groups for p in group["params"])
    state.processes.average_((p.grad for p in learning if p.grad is not None), state.weight)
    optimizer.step()
    if name in state.schedules:
        state.schedules[name].step()
