"""Second phase: generators are trained by least squares on where rows belong.

The cycle and adversarial losses are as small for swapped clusters as for correct ones, so the
starting point of adversarial training decides which of the two it ends in.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..networks.losses import reconstruction_loss
from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import MIN_STEPS, BatchedRows, Passes, StratifiedBatches
from .loop import Phase, descend
from .optimizers import make_optimizer
from .state import TrainingState, new_state


class Examples(NamedTuple):
    """Inputs and targets of a network, with the name and the weight of their loss."""

    loss: str  # name of the mean squared error in the history
    inputs: BatchedRows  # of shape (n, c)
    targets: BatchedRows  # of shape (n, d)
    weight: float = 1.0


def regression_phase(
    network: nn.Module,
    examples: Examples,
    passes: Passes,
    *,
    learning_rate: float,
    rng: torch.Generator,
    name: str,
    processes: Processes = SINGLE_PROCESS,
) -> Phase[list[Tensor]]:
    """Prepare the training of a network by least squares on ``examples``, with Adam.

    ``name`` is the generator in the records.
    """
    batches = StratifiedBatches(
        [len(examples.inputs)], passes.batch_size, rng, MIN_STEPS, passes.max_epoch_rows, processes
    )
    optimizer = make_optimizer("adam", [(network, learning_rate)])
    where = {"modality": name}
    state = new_state("alignment", network, {"adam": optimizer}, batches, passes, rng, where)
    network.train()
    return Phase(state, batches, passes.n_epochs, lambda: partial(_regress, state, examples))


def _regress(state: TrainingState, examples: Examples, batch: list[Tensor]) -> dict[str, Tensor]:
    (indices,) = batch
    outputs = state.network(examples.inputs[indices])
    loss = reconstruction_loss(examples.targets[indices], outputs)
    descend(state, "adam", loss)
    return {examples.loss: loss.detach()}
