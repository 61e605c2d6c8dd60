"""Between pretraining and the game: generators learn what the matching of clusters says.

The cycle and adversarial losses are as small when clusters are swapped as when
they are right; where training starts decides which of the two it ends in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks import CrossModalSystem
from ..networks.losses import reconstruction_loss
from .batches import FEW_ROWS_STEPS, StratifiedBatches
from .callbacks import Callback
from .loop import descend, run_phase
from .optimizers import ScheduleName, make_optimizer, make_schedule
from .state import TrainingState

Edge = tuple[int, int]


@dataclass(frozen=True)
class TeachingSettings:
    """How generators are taught; see :class:`skdm2c.MixedModalClustering`."""

    n_epochs: int
    batch_size: int
    learning_rate: float
    schedule: ScheduleName


def teach_generators(
    system: CrossModalSystem,
    examples: Mapping[Edge, tuple[Tensor, Tensor]],
    settings: TeachingSettings,
    *,
    rng: torch.Generator,
    callback: Callback,
) -> None:
    """Fit the generators in place to (latent, target) examples by least squares.

    Parameters
    ----------
    system : CrossModalSystem
    examples : mapping of (int, int) to (Tensor, Tensor)
        For each edge (source, target) of the system: latents of the source and
        where they belong in the target's latent space, both of shape
        (n, n_components).
    settings : TeachingSettings
    rng : torch.Generator
        Draws the batches, on the device of the latents.
    callback : Callback
        Gets one record an epoch, phase ``"alignment"``.

    Raises
    ------
    TrainingDivergedError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> from skdm2c.networks import Architecture
    >>> from skdm2c.training import History
    >>> g, history = torch.Generator().manual_seed(0), History()
    >>> arch = Architecture((3, 3), 0, 2, (8,), (8, 8), (8,), "none", False)
    >>> system, z = CrossModalSystem(arch, g), torch.randn(50, 2, generator=g)
    >>> teach_generators(system, {(0, 1): (z, -z), (1, 0): (-z, z)},
    ...                  TeachingSettings(40, 10, 1e-2, "linear"), rng=g, callback=history)
    >>> history.records[-1]["transport"] < 0.1 * history.records[0]["transport"]
    True
    """
    batches = _EdgeBatches(
        {
            edge: StratifiedBatches([len(z)], settings.batch_size, rng, FEW_ROWS_STEPS)
            for edge, (z, _) in examples.items()
        }
    )
    optimizer = make_optimizer(
        "adam", [(system.generator_of(*edge), settings.learning_rate) for edge in examples]
    )
    schedule = make_schedule(settings.schedule, optimizer, settings.n_epochs * len(batches))
    state = TrainingState(
        "alignment", system.generators, {"adam": optimizer}, {"adam": schedule}, rng
    )

    def step(batch: tuple[Edge, Tensor]) -> dict[str, Tensor]:
        edge, rows = batch
        latents, targets = examples[edge]
        loss = reconstruction_loss(targets[rows], system.generator_of(*edge)(latents[rows]))
        descend(state, "adam", loss)
        return {"transport": loss.detach()}

    system.train()
    run_phase(state, batches, step, settings.n_epochs, callback)


class _EdgeBatches:
    # An epoch over all generators, one after the other.
    def __init__(self, of_edge: Mapping[Edge, StratifiedBatches]) -> None:
        self.of_edge = of_edge

    def __len__(self) -> int:
        return sum(len(batches) for batches in self.of_edge.values())

    def __iter__(self) -> Iterator[tuple[Edge, Tensor]]:
        for edge, batches in self.of_edge.items():
            for (rows,) in batches:
                yield edge, rows
