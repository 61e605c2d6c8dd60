"""First phase: every modality learns its latent space by itself (equation 1)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..losses import reconstruction_loss
from ..networks import ModalityAutoEncoder
from .batches import StratifiedBatches
from .history import TrainingHistory
from .optimizers import make_optimizer


def pretrain_autoencoder(
    autoencoder: ModalityAutoEncoder,
    x: Tensor,
    *,
    n_epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    generator: torch.Generator,
    history: TrainingHistory,
    name: str,
) -> None:
    """Train one auto-encoder in place on reconstruction alone, with Adam.

    Parameters
    ----------
    autoencoder : ModalityAutoEncoder
    x : Tensor of shape (n, d)
        All rows of the modality, on the device of the auto-encoder.
    n_epochs, batch_size : int
    learning_rate, weight_decay : float
    generator : torch.Generator
        Draws the batches, on the same device.
    history : TrainingHistory
        Gets one record an epoch, phase ``"pretraining"``.
    name : str
        What the history calls the modality.

    Raises
    ------
    TrainingDivergedError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> g = torch.Generator().manual_seed(0)
    >>> net, history = ModalityAutoEncoder(3, 2, (8,), "none", g), TrainingHistory()
    >>> pretrain_autoencoder(net, torch.ones(20, 3), n_epochs=30, batch_size=10,
    ...                      learning_rate=1e-2, weight_decay=0.0, generator=g,
    ...                      history=history, name="a")
    >>> losses = [record["reconstruction"] for record in history.records]
    >>> losses[-1] < losses[0]
    True
    """
    optimizer = make_optimizer("adam", [(autoencoder, learning_rate)], weight_decay)
    batches = StratifiedBatches([x], batch_size, generator)
    autoencoder.train()
    for epoch in range(n_epochs):
        total = x.new_zeros(())
        for (batch,) in batches:
            loss = reconstruction_loss(batch, autoencoder(batch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        mean = total.item() / len(batches)
        if history.record("pretraining", epoch, n_epochs, {"reconstruction": mean}, modality=name):
            break
