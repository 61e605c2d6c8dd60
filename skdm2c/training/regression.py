"""Networks that learn from examples: generators what the matching says, decoders their latents.

Generators, before the game: the cycle and adversarial losses are as small when clusters are
swapped as when they are right; where training starts decides which of the two it ends in.
Decoders, after it: latents are settled then, and equation (1) is theirs alone. They also learn
what the counterparts of translated rows look like, or they would draw an uncertain translation
as sharply as a row of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ..networks.losses import reconstruction_loss
from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import FEW_ROWS_STEPS, BatchedRows, Passes, StratifiedBatches
from .callbacks import Callback
from .loop import descend, run_phase
from .optimizers import make_optimizer, make_schedule
from .state import TrainingState


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


def fit_to_examples(
    network: nn.Module,
    examples: Sequence[Examples],
    passes: Passes,
    *,
    phase: Literal["alignment", "decoding"],
    learning_rate: float,
    rng: torch.Generator,
    callback: Callback,
    name: str,
    processes: Processes = SINGLE_PROCESS,
) -> None:
    """Train a network in place by least squares, with Adam.

    Parameters
    ----------
    network : Module
    examples : sequence of Examples
        A step takes a batch of each. The first are those that an epoch goes through.
    passes : Passes
    phase : {"alignment", "decoding"}
        Name of the phase in the history.
    learning_rate : float
    rng : torch.Generator
        Draws the batches, on the same device.
    callback : Callback
        Gets one record an epoch.
    name : str
        What records call the modality, or the two that a generator maps between.
    processes : Processes, default=SINGLE_PROCESS
        Of several processes each gives its rows.

    Raises
    ------
    TrainingDivergedError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> from skdm2c.training import History
    >>> g, history = torch.Generator().manual_seed(0), History()
    >>> z = torch.randn(50, 2, generator=g)
    >>> fit_to_examples(nn.Linear(2, 2), [Examples("reconstruction", z, -z)],
    ...                 Passes(60, 10, "linear"), phase="decoding", learning_rate=3e-2, rng=g,
    ...                 callback=history, name="a")
    >>> history.records[-1]["reconstruction"] < 0.01
    True
    """
    batches = _Batches(examples, passes, rng, processes)
    optimizer = make_optimizer("adam", [(network, learning_rate)])
    schedule = make_schedule(passes.schedule, optimizer, passes.n_epochs * len(batches))
    state = TrainingState(
        phase,
        network,
        {"adam": optimizer},
        {"adam": schedule},
        rng,
        {"modality": name},
        processes=processes,
        weight=batches.weight,
    )

    def step(batch: list[Tensor]) -> dict[str, Tensor]:
        objective = torch.zeros((), device=rng.device)
        terms: dict[str, Tensor] = {}
        for some, rows in zip(examples, batch, strict=True):
            loss = reconstruction_loss(some.targets[rows], network(some.inputs[rows]))
            objective = objective + some.weight * loss
            terms[some.loss] = terms.get(some.loss, 0.0) + loss.detach()
        descend(state, "adam", objective)
        return terms

    network.train()
    run_phase(state, batches, step, passes.n_epochs, callback)
    network.eval()


class _Batches:
    # As many steps an epoch as the first examples need; of the others a batch goes along.
    def __init__(
        self,
        examples: Sequence[Examples],
        passes: Passes,
        rng: torch.Generator,
        processes: Processes,
    ) -> None:
        n_steps = FEW_ROWS_STEPS
        self._all = []
        for some in examples:
            drawn = StratifiedBatches(
                [len(some.inputs)],
                passes.batch_size,
                rng,
                n_steps,
                passes.max_epoch_rows,
                processes,
            )
            self._all.append(drawn)
            n_steps = len(self._all[0])
        self.weight = self._all[0].weight

    def __len__(self) -> int:
        return len(self._all[0])

    def __iter__(self) -> Iterator[list[Tensor]]:
        for batches in zip(*self._all, strict=False):
            yield [rows for (rows,) in batches]
