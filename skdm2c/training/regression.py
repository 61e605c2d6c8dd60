"""Networks that learn from examples: generators what the matching says, decoders their latents.

Generators, before the game: the cycle and adversarial losses are as small when clusters are
swapped as when they are right; where training starts decides which of the two it ends in.
Decoders, after it: latents are settled then, and equation (1) is theirs alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from .._peers import ALONE, Peers
from ..networks.losses import reconstruction_loss
from .batches import FEW_ROWS_STEPS, StratifiedBatches
from .callbacks import Callback
from .loop import descend, run_phase
from .optimizers import ScheduleName, make_optimizer, make_schedule
from .rows import BatchedRows
from .state import TrainingState


@dataclass(frozen=True)
class RegressionSettings:
    """How networks learn from examples; see :class:`skdm2c.MixedModalClustering`."""

    phase: Literal["alignment", "decoding"]
    loss: str
    n_epochs: int
    batch_size: int
    schedule: ScheduleName
    max_epoch_rows: int | None = None


def fit_to_examples(
    network: nn.Module,
    inputs: BatchedRows,
    targets: BatchedRows,
    settings: RegressionSettings,
    *,
    learning_rate: float,
    rng: torch.Generator,
    callback: Callback,
    name: str,
    peers: Peers = ALONE,
) -> None:
    """Train a network in place by least squares, with Adam.

    Parameters
    ----------
    network : Module
    inputs, targets : BatchedRows of shape (n, c) and (n, d)
        Given on the device of the network.
    settings : RegressionSettings
    learning_rate : float
    rng : torch.Generator
        Draws the batches, on the same device.
    callback : Callback
        Gets one record an epoch.
    name : str
        What records call the modality, or the two that a generator maps between.
    peers : Peers, default=ALONE
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
    >>> settings = RegressionSettings("decoding", "reconstruction", 60, 10, "linear")
    >>> fit_to_examples(nn.Linear(2, 2), z, -z, settings, learning_rate=3e-2, rng=g,
    ...                 callback=history, name="a")
    >>> history.records[-1]["reconstruction"] < 0.01
    True
    """
    batches = StratifiedBatches(
        [len(inputs)], settings.batch_size, rng, FEW_ROWS_STEPS, settings.max_epoch_rows, peers
    )
    optimizer = make_optimizer("adam", [(network, learning_rate)])
    schedule = make_schedule(settings.schedule, optimizer, settings.n_epochs * len(batches))
    state = TrainingState(
        settings.phase,
        network,
        {"adam": optimizer},
        {"adam": schedule},
        rng,
        {"modality": name},
        peers=peers,
        weight=batches.weight,
    )

    def step(batch: list[Tensor]) -> dict[str, Tensor]:
        (rows,) = batch
        loss = reconstruction_loss(targets[rows], network(inputs[rows]))
        descend(state, "adam", loss)
        return {settings.loss: loss.detach()}

    network.train()
    run_phase(state, batches, step, settings.n_epochs, callback)
    network.eval()
