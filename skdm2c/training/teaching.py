"""Between pretraining and the game: generators learn what the matching of clusters says.

The cycle and adversarial losses are as small when clusters are swapped as when
they are right; where training starts decides which of the two it ends in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..losses import reconstruction_loss
from ..system import CrossModalSystem
from .batches import StratifiedBatches
from .history import TrainingHistory
from .optimizers import ScheduleName, make_optimizer, make_schedule

MIN_STEPS = 4  # an epoch: few rows are seen several times


@dataclass(frozen=True)
class TeachingSettings:
    """How generators are taught; see :class:`skdm2c.MixedModalClustering`."""

    n_epochs: int
    batch_size: int
    learning_rate: float
    schedule: ScheduleName


def teach_generators(
    system: CrossModalSystem,
    examples: Mapping[tuple[int, int], tuple[Tensor, Tensor]],
    settings: TeachingSettings,
    *,
    generator: torch.Generator,
    history: TrainingHistory,
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
    generator : torch.Generator
        Draws the batches, on the device of the latents.
    history : TrainingHistory
        Gets one record an epoch, phase ``"alignment"``.

    Raises
    ------
    TrainingDivergedError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> from skdm2c.system import Architecture
    >>> g, history = torch.Generator().manual_seed(0), TrainingHistory()
    >>> arch = Architecture((3, 3), 0, 2, (8,), (8, 8), (8,), "none", False)
    >>> system, z = CrossModalSystem(arch, g), torch.randn(50, 2, generator=g)
    >>> teach_generators(system, {(0, 1): (z, -z), (1, 0): (-z, z)},
    ...                  TeachingSettings(40, 10, 1e-2, "linear"), generator=g, history=history)
    >>> history.records[-1]["transport"] < 0.1 * history.records[0]["transport"]
    True
    """
    batches = {
        edge: StratifiedBatches([len(z)], settings.batch_size, generator, MIN_STEPS)
        for edge, (z, _) in examples.items()
    }
    optimizer = make_optimizer(
        "adam", [(system.generator_of(*edge), settings.learning_rate) for edge in examples]
    )
    n_steps = settings.n_epochs * sum(len(b) for b in batches.values())
    schedule = make_schedule(settings.schedule, optimizer, n_steps)
    system.train()
    for epoch in range(settings.n_epochs):
        means = []
        for edge, (latents, targets) in examples.items():
            total = latents.new_zeros(())
            for (rows,) in batches[edge]:
                mapped = system.generator_of(*edge)(latents[rows])
                loss = reconstruction_loss(targets[rows], mapped)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.detach()
            means.append(total / len(batches[edge]))
        transport = torch.stack(means).sum().item()
        if history.record("alignment", epoch, settings.n_epochs, {"transport": transport}):
            break
