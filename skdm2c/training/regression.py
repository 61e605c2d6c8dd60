"""Second and fourth phase: generators and decoders are trained by least squares on examples.

The second phase, before adversarial training, teaches the generators the matching of clusters:
the cycle and adversarial losses are as small for swapped clusters as for correct ones, so the
starting point decides which of the two training ends in. The fourth phase fits the decoders to
the final latents, by equation (1). They also learn the counterparts of translated rows;
otherwise they would decode an uncertain translation as sharply as a row of their own modality.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple

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

    Each step takes a batch of each of the examples; the first ones set the length of an epoch.
    ``name`` is the modality or generator in the records.
    """
    batches = [_batches_of(examples[0], MIN_STEPS, passes, rng, processes)]
    n_steps = len(batches[0])
    batches += [_batches_of(others, n_steps, passes, rng, processes) for others in examples[1:]]
    optimizer = make_optimizer("adam", [(network, learning_rate)])
    where = {"modality": name}
    state = new_state(phase, network, {"adam": optimizer}, batches[0], passes, rng, where)
    network.train()
    step = partial(_regress, state, examples)
    return Phase(state, _ParallelBatches(batches), passes.n_epochs, lambda: step)


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
    for (name, inputs, targets, weight), indices in zip(examples, batch, strict=True):
        loss = reconstruction_loss(targets[indices], state.network(inputs[indices]))
        objective = objective + weight * loss
        terms[name] = terms.get(name, 0.0) + loss.detach()
    descend(state, "adam", objective)
    return terms


class _ParallelBatches:
    # Batches of several sets of rows at once, as many as the first set has.
    def __init__(self, batches: Sequence[StratifiedBatches]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches[0])

    def __iter__(self) -> Iterator[list[Tensor]]:
        for batches in zip(*self._batches, strict=False):
            yield [rows for (rows,) in batches]
