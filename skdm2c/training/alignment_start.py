"""Between the phases: generators start from a coupling instead of from noise.

The cycle and adversarial losses are as small when clusters are swapped as when
they are right; where training starts decides which of the two it ends in.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..losses import reconstruction_loss
from ..system import CrossModalSystem
from .history import TrainingHistory
from .optimizers import make_optimizer


def regress_generators(
    system: CrossModalSystem,
    examples: Mapping[tuple[int, int], tuple[Tensor, Tensor]],
    *,
    n_epochs: int,
    batch_size: int,
    learning_rate: float,
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
    n_epochs, batch_size : int
    learning_rate : float
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
    >>> regress_generators(system, {(0, 1): (z, -z), (1, 0): (-z, z)}, n_epochs=40,
    ...                    batch_size=10, learning_rate=1e-2, generator=g, history=history)
    >>> history.records[-1]["transport"] < 0.1 * history.records[0]["transport"]
    True
    """
    edges = list(examples)
    networks = [(system.generator_of(*edge), learning_rate) for edge in edges]
    optimizer = make_optimizer("adam", networks)
    system.train()
    # As many batches as it takes, but none of a single row: that has no variance.
    n_steps = {
        edge: max(1, min(-(-len(z) // batch_size), len(z) // 2))
        for edge, (z, _) in examples.items()
    }
    for epoch in range(n_epochs):
        means = []
        for edge in edges:
            latents, targets = examples[edge]
            rows = torch.randperm(len(latents), generator=generator, device=latents.device)
            total = latents.new_zeros(())
            for index in rows.tensor_split(n_steps[edge]):
                loss = reconstruction_loss(
                    targets[index], system.generator_of(*edge)(latents[index])
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.detach()
            means.append(total / n_steps[edge])
        transport = torch.stack(means).sum().item()
        if history.record("alignment", epoch, n_epochs, {"transport": transport}):
            break
