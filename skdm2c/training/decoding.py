"""Last phase: decoders learn what the final latents hold, so that ``translate`` loses little."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..networks.losses import reconstruction_loss
from .batches import FEW_ROWS_STEPS, StratifiedBatches
from .callbacks import Callback
from .loop import descend, run_phase
from .optimizers import ScheduleName, make_optimizer, make_schedule
from .state import TrainingState


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
    rng: torch.Generator,
    callback: Callback,
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
    rng : torch.Generator
        Draws the batches, on the device of the latents.
    callback : Callback
        Gets one record an epoch, phase ``"decoding"``.
    name : str
        What records call the modality.

    Raises
    ------
    TrainingDivergedError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> from skdm2c.training import History
    >>> g, history = torch.Generator().manual_seed(0), History()
    >>> z = torch.randn(50, 2, generator=g)
    >>> refit_decoder(nn.Linear(2, 2), z, -z, DecodingSettings(60, 10, "linear"),
    ...               learning_rate=3e-2, rng=g, callback=history, name="a")
    >>> history.records[-1]["reconstruction"] < 0.01
    True
    """
    batches = StratifiedBatches([len(x)], settings.batch_size, rng, FEW_ROWS_STEPS)
    optimizer = make_optimizer("adam", [(decoder, learning_rate)])
    schedule = make_schedule(settings.schedule, optimizer, settings.n_epochs * len(batches))
    state = TrainingState(
        "decoding", decoder, {"adam": optimizer}, {"adam": schedule}, rng, {"modality": name}
    )

    def step(batch: list[Tensor]) -> dict[str, Tensor]:
        (rows,) = batch
        loss = reconstruction_loss(x[rows], decoder(latents[rows]))
        descend(state, "adam", loss)
        return {"reconstruction": loss.detach()}

    decoder.train()
    run_phase(state, batches, step, settings.n_epochs, callback)
