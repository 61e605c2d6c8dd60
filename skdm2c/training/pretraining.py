"""First phase: the auto-encoder of each modality is trained by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from ..networks import ModalityAutoEncoder
from ..networks.losses import neighborhood_loss, reconstruction_loss
from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import MIN_STEPS, BatchedRows, Passes, StratifiedBatches
from .loop import Phase, Step, descend
from .neighbors import NeighborSampler, negative_pairs
from .optimizers import make_optimizer
from .state import TrainingState, new_state


@dataclass(repr=False)
class Pretraining(BaseEstimator):  # type: ignore[misc]
    """Settings of the first phase, in which each modality's auto-encoder is trained by itself.

    Parameters
    ----------
    learning_rate : float or sequence of float, default=3e-3
        Learning rate of Adam, one for all modalities or one for each. The second phase trains
        the generators with twice the largest.
    weight_decay : float, default=0.0
        Weight of the L2 penalty on the auto-encoders' weights.
    lambda_neighbors : float, default=1.0
        Weight of the neighbourhood loss relative to reconstruction, equation (1). It keeps rows
        that are neighbours in a modality close in its latent space. Neighbours are searched by
        cosine similarity in the first 30 principal components (or as many as there are clusters,
        if more), and by Euclidean distance in data of at most three columns. 0 reproduces the
        paper.
    negative_weight : float, default=5.0
        Weight of the repulsion between rows that are not neighbours.
    input_noise : float, default=0.5
        Standard deviation of the Gaussian noise added to the rows, in units of their spread.
    n_components : int or None, default=200
        Number of leading principal components of the rows in which this phase is trained if
        the data have at least three times as many columns; it takes less time. Narrower data, and
        all data if None, are trained in their columns. The trained networks take all columns in
        any case.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering, Pretraining
    >>> model = MixedModalClustering(3, pretraining=Pretraining(input_noise=0.1))
    """

    learning_rate: float | Sequence[float] = 3e-3
    weight_decay: float = 0.0
    lambda_neighbors: float = 1.0
    negative_weight: float = 5.0
    input_noise: float = 0.5
    n_components: int | None = 200


def pretraining_phase(
    autoencoder: ModalityAutoEncoder,
    x: BatchedRows,
    build_graph: Callable[[], sp.csr_matrix] | None,
    settings: Pretraining,
    passes: Passes,
    *,
    learning_rate: float,
    rng: torch.Generator,
    name: str,
    processes: Processes = SINGLE_PROCESS,
    n_features: int | None = None,
) -> Phase[list[Tensor]]:
    """Prepare the training of one auto-encoder on ``x``, the rows of its modality, with Adam.

    ``build_graph`` returns the neighbour graph of shape (n, n); it is called only if an epoch is
    trained. None trains for reconstruction only. ``name`` is that of the modality, ``n_features``
    its number of columns if ``x`` holds components of them: errors are averaged over those.
    """
    min_steps = 1 if build_graph is None else MIN_STEPS
    batches = StratifiedBatches(
        [len(x)], passes.batch_size, rng, min_steps, passes.max_epoch_rows, processes
    )
    optimizer = make_optimizer("adam", [(autoencoder, learning_rate)], settings.weight_decay)
    where = {"modality": name}
    state = new_state("pretraining", autoencoder, {"adam": optimizer}, batches, passes, rng, where)

    width = cast(nn.Linear, autoencoder.encoder[0]).in_features
    share = width / (n_features or width)

    def build_step() -> Step[list[Tensor]]:
        if build_graph is None:
            return partial(_reconstruct, state, x, share, settings)
        sampler = NeighborSampler(build_graph(), rng.device)
        return partial(_reconstruct_and_attract, state, x, share, sampler, settings)

    autoencoder.train()
    return Phase(state, batches, passes.n_epochs, build_step)


def _noisy(x: Tensor, noise: float, rng: torch.Generator) -> Tensor:
    if not noise:
        return x
    return x + noise * torch.randn(x.shape, generator=rng, dtype=x.dtype, device=x.device)


def _reconstruct(
    state: TrainingState,
    x: BatchedRows,
    share: float,
    settings: Pretraining,
    batch: list[Tensor],
) -> dict[str, Tensor]:
    (indices,) = batch
    clean = x[indices]
    noisy = _noisy(clean, settings.input_noise, state.rng)
    reconstruction = share * reconstruction_loss(clean, state.network(noisy))
    descend(state, "adam", reconstruction)
    return {"reconstruction": reconstruction.detach()}


def _reconstruct_and_attract(
    state: TrainingState,
    x: BatchedRows,
    share: float,
    sampler: NeighborSampler,
    settings: Pretraining,
    batch: list[Tensor],
) -> dict[str, Tensor]:
    autoencoder = cast(ModalityAutoEncoder, state.network)
    (indices,) = batch
    neighbors = sampler.draw(indices, state.rng)
    rows = x[torch.cat([indices, neighbors])]
    latents = autoencoder.encoder(_noisy(rows, settings.input_noise, state.rng))
    z, z_neighbor = latents.tensor_split(2)
    reconstruction = share * reconstruction_loss(rows[: len(indices)], autoencoder.decoder(z))
    attraction = neighborhood_loss(
        z, z_neighbor, negative_pairs(indices, neighbors), settings.negative_weight
    )
    descend(state, "adam", reconstruction + settings.lambda_neighbors * attraction)
    return {"reconstruction": reconstruction.detach(), "neighbors": attraction.detach()}
