"""Last phase: decoders learn what the final latents hold, so that ``translate`` loses little."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..losses import reconstruction_loss
from .batches import StratifiedBatches
from .history import TrainingHistory
from .optimizers import ScheduleName, make_optimizer, make_schedule

MIN_STEPS = 4  # an epoch: few rows are seen several times


@dataclass(frozen=True)
class DecodingSettings:
    """How decoders are fitted to latents that stay; see :class:`skdm2c.MixedModalClustering`."""

    n_epochs: int
    batch_size: int
    schedule: ScheduleName


def refit_decoder(
    decoder: nn.Module,
    latents: Tensor,
    x: Tensor,
    settings: DecodingSettings,
    *,
    learning_rate: float,
    generator: torch.Generator,
    history: TrainingHistory,
    name: str,
) -> None:
    """Train one decoder in place on equation (1), its latents fixed.

    Parameters
    ----------
    decoder : Module
    latents : Tensor of shape (n, n_components)
    x : Tensor of shape (n, d)
        The rows whose latents they are.
    settings : DecodingSettings
    learning_rate : float
    generator : torch.Generator
        Draws the batches, on the device of the latents.
    history : TrainingHistory
        Gets one record an epoch, phase ``"decoding"``.
    name : str
        What the history calls the modality.

    Raises
    ------
    TrainingDivergedError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> g, history = torch.Generator().manual_seed(0), TrainingHistory()
    >>> z = torch.randn(50, 2, generator=g)
    >>> refit_decoder(nn.Linear(2, 2), z, -z, DecodingSettings(60, 10, "linear"),
    ...               learning_rate=3e-2, generator=g, history=history, name="a")
    >>> history.records[-1]["reconstruction"] < 0.01
    True
    """
    batches = StratifiedBatches([len(x)], settings.batch_size, generator, MIN_STEPS)
    optimizer = make_optimizer("adam", [(decoder, learning_rate)])
    schedule = make_schedule(settings.schedule, optimizer, settings.n_epochs * len(batches))
    decoder.train()
    for epoch in range(settings.n_epochs):
        total = x.new_zeros(())
        for (rows,) in batches:
            loss = reconstruction_loss(x[rows], decoder(latents[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach()
        mean = total.item() / len(batches)
        losses = {"reconstruction": mean}
        if history.record("decoding", epoch, settings.n_epochs, losses, modality=name):
            break
