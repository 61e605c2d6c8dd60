"""First phase: every modality learns its latent space by itself (equation 1 and neighbours)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from ..networks import ModalityAutoEncoder
from ..networks.losses import neighborhood_loss, reconstruction_loss
from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import FEW_ROWS_STEPS, BatchedRows, Passes, StratifiedBatches
from .callbacks import Callback
from .loop import descend, run_phase
from .neighbors import NeighborSampler, negative_pairs
from .optimizers import make_optimizer, make_schedule
from .state import TrainingState


@dataclass(repr=False)
class Pretraining(BaseEstimator):  # type: ignore[misc]
    """Settings of the first phase, in which each modality's auto-encoder is trained by itself.

    Parameters
    ----------
    learning_rate : float or sequence of float, default=1e-3
        Learning rate of Adam, one for all modalities or one for each. The decoders are fitted
        with it in the end, and the generators taught with three times the greatest.
    weight_decay : float, default=0.0
        Weight of the squared norm of the auto-encoders' weights.
    lambda_neighbors : float, default=1.0
        Weight of the neighbourhood loss beside reconstruction, equation (1): rows that are
        neighbours in a modality stay neighbours in its latent space. Neighbours are found by
        cosine in 30 principal components (or as many as there are clusters, if more), in data
        of three columns or fewer by distance. 0 is the paper.
    negative_weight : float, default=5.0
        How strongly rows that are not neighbours repel each other.
    input_noise : float, default=0.5
        Standard deviation of the noise that is added to the rows, in units of their spread.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering, Pretraining
    >>> model = MixedModalClustering(3, pretraining=Pretraining(input_noise=0.1))
    """

    learning_rate: float | Sequence[float] = 1e-3
    weight_decay: float = 0.0
    lambda_neighbors: float = 1.0
    negative_weight: float = 5.0
    input_noise: float = 0.5


def pretrain_autoencoder(
    autoencoder: ModalityAutoEncoder,
    x: BatchedRows,
    graph: sp.csr_matrix | None,
    settings: Pretraining,
    passes: Passes,
    *,
    learning_rate: float,
    rng: torch.Generator,
    callback: Callback,
    name: str,
    processes: Processes = SINGLE_PROCESS,
) -> None:
    """Train one auto-encoder in place, with Adam.

    Parameters
    ----------
    autoencoder : ModalityAutoEncoder
    x : BatchedRows of shape (n, d)
        All rows of the modality, given on the device of the auto-encoder.
    graph : sparse matrix of shape (n, n) or None
        Whose neighbours the latent space is to keep; None for reconstruction alone.
    settings : Pretraining
    passes : Passes
    learning_rate : float
        That of this modality.
    rng : torch.Generator
        Draws the batches, on the same device.
    callback : Callback
        Gets one record an epoch, phase ``"pretraining"``.
    name : str
        What records call the modality.
    processes : Processes, default=SINGLE_PROCESS
        Of several processes each gives its rows.

    Raises
    ------
    TrainingDivergedError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> g = torch.Generator().manual_seed(0)
    >>> from skdm2c.training import History
    >>> net, history = ModalityAutoEncoder(3, 2, (8,), "none", g), History()
    >>> settings = Pretraining(lambda_neighbors=0.0, input_noise=0.0)
    >>> pretrain_autoencoder(net, torch.ones(20, 3), None, settings, Passes(30, 10, "constant"),
    ...                      learning_rate=1e-2, rng=g, callback=history, name="a")
    >>> losses = [record["reconstruction"] for record in history.records]
    >>> losses[-1] < losses[0]
    True
    """
    optimizer = make_optimizer("adam", [(autoencoder, learning_rate)], settings.weight_decay)
    sampler = None if graph is None else NeighborSampler(graph, rng.device)
    batches = StratifiedBatches(
        [len(x)],
        passes.batch_size,
        rng,
        min_steps=1 if graph is None else FEW_ROWS_STEPS,
        max_rows=passes.max_epoch_rows,
        processes=processes,
    )
    schedule = make_schedule(passes.schedule, optimizer, passes.n_epochs * len(batches))
    state = TrainingState(
        "pretraining",
        autoencoder,
        {"adam": optimizer},
        {"adam": schedule},
        rng,
        {"modality": name},
        processes=processes,
        weight=batches.weight,
    )

    def step(batch: list[Tensor]) -> dict[str, Tensor]:
        (rows,) = batch
        if sampler is None:
            terms = _reconstruction_terms(autoencoder, x, rows, settings, rng)
            descend(state, "adam", terms["reconstruction"])
        else:
            terms = _neighbor_terms(autoencoder, x, rows, sampler, settings, rng)
            weighted = settings.lambda_neighbors * terms["neighbors"]
            descend(state, "adam", terms["reconstruction"] + weighted)
        return {term: value.detach() for term, value in terms.items()}

    autoencoder.train()
    run_phase(state, batches, step, passes.n_epochs, callback)


def _noisy(x: Tensor, noise: float, rng: torch.Generator) -> Tensor:
    if not noise:
        return x
    return x + noise * torch.randn(x.shape, generator=rng, dtype=x.dtype, device=x.device)


def _reconstruction_terms(
    autoencoder: ModalityAutoEncoder,
    x: BatchedRows,
    rows: Tensor,
    settings: Pretraining,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    clean = x[rows]
    noisy = _noisy(clean, settings.input_noise, rng)
    return {"reconstruction": reconstruction_loss(clean, autoencoder(noisy))}


def _neighbor_terms(
    autoencoder: ModalityAutoEncoder,
    x: BatchedRows,
    rows: Tensor,
    sampler: NeighborSampler,
    settings: Pretraining,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    neighbors = sampler.draw(rows, rng)
    both = x[torch.cat([rows, neighbors])]
    latents = autoencoder.encoder(_noisy(both, settings.input_noise, rng))
    z, z_neighbor = latents.tensor_split(2)
    return {
        "reconstruction": reconstruction_loss(both[: len(rows)], autoencoder.decoder(z)),
        "neighbors": neighborhood_loss(
            z, z_neighbor, negative_pairs(rows, neighbors), settings.negative_weight
        ),
    }
