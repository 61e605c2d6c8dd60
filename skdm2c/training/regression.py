"""Networks that learn from examples: generators what the matching says, decoders their latents.

Generators, before the game: the cycle and adversarial losses are as small when clusters are
swapped as when they are right; where training starts decides which of the two it ends in.
Decoders, after it: latents are settled then, and equation (1) is theirs alone. They also learn
what the counterparts of translated rows look like, or they would draw an uncertain translation
as sharply as a row of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ..networks.losses import reconstruction_loss
from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import FEW_ROWS_STEPS, BatchedRows, Passes, StratifiedBatches
from .loop import Phase, descend
from .optimizers import make_optimizer
from .state import TrainingState, new_state


class Examples(NamedTuple):
    """What a network is to make of some rows.

    Attributes
    ----------
    loss : str
        Name of their mean squared error in the history.
    inputs, targets : BatchedRows of shape (n, c) and (n, d)
        Given on the device of the network.
    weight : float
        Weight of their loss.
    """

    loss: str
    inputs: BatchedRows
    targets: BatchedRows
    weight: float = 1.0


def regression_phase(
    network: nn.Module,
    examples: Sequence[Examples],
    passes: Passes,
    *,
    phase: Literal["alignment", "decoding"],
    learning_rate: float,
    rng: torch.Generator,
    name: str,
    processes: Processes = SINGLE_PROCESS,
) -> Phase[list[Tensor]]:
    """Prepare the training of a network by least squares on ``examples``, with Adam.

    A step takes a batch of each of them; the first are those that an epoch goes through.

    Examples
    --------
    >>> from skdm2c.training import History, run_phases
    >>> g, history = torch.Generator().manual_seed(0), History()
    >>> z = torch.randn(50, 2, generator=g)
    >>> phase = regression_phase(nn.Linear(2, 2), [Examples("reconstruction", z, -z)],
    ...                          Passes(60, 10, "linear"), phase="decoding", learning_rate=3e-2,
    ...                          rng=g, name="a")
    >>> run_phases([phase], history)
    >>> history.records[-1]["reconstruction"] < 0.01
    True
    """
    batches = [_batches_of(examples[0], FEW_ROWS_STEPS, passes, rng, processes)]
    n_steps = len(batches[0])
    batches += [_batches_of(some, n_steps, passes, rng, processes) for some in examples[1:]]
    optimizer = make_optimizer("adam", [(network, learning_rate)])
    where = {"modality": name}
    state = new_state(phase, network, {"adam": optimizer}, batches[0], passes, rng, where)
    network.train()
    step = partial(_regress, state, examples)
    return Phase(state, _Parallel(batches), passes.n_epochs, lambda: step)


def _batches_of(
    examples: Examples,
    min_steps: int,
    passes: Passes,
    rng: torch.Generator,
    processes: Processes,
) -> StratifiedBatches:
    n_rows = [len(examples.inputs)]
    return StratifiedBatches(
        n_rows, passes.batch_size, rng, min_steps, passes.max_epoch_rows, processes
    )


def _regress(
    state: TrainingState, examples: Sequence[Examples], batch: list[Tensor]
) -> dict[str, Tensor]:
    objective = torch.zeros((), device=state.rng.device)
    terms: dict[str, Tensor] = {}
    for some, rows in zip(examples, batch, strict=True):
        loss = reconstruction_loss(some.targets[rows], state.network(some.inputs[rows]))
        objective = objective + some.weight * loss
        terms[some.loss] = terms.get(some.loss, 0.0) + loss.detach()
    descend(state, "adam", objective)
    return terms


class _Parallel:
    """Batches of several sets of rows side by side, as many as there are of the first."""

    def __init__(self, batches: Sequence[StratifiedBatches]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches[0])

    def __iter__(self) -> Iterator[list[Tensor]]:
        for batches in zip(*self._batches, strict=False):
            yield [rows for (rows,) in batches]
