"""First phase: every modality learns its latent space by itself (equation 1 and neighbours)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from ..networks import ModalityAutoEncoder
from ..networks.losses import neighborhood_loss, reconstruction_loss
from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import FEW_ROWS_STEPS, BatchedRows, Passes, StratifiedBatches
from .loop import Phase, Step, descend
from .neighbors import NeighborSampler, negative_pairs
from .optimizers import make_optimizer
from .state import TrainingState, new_state


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
) -> Phase[list[Tensor]]:
    """Prepare the training of one auto-encoder on the rows ``x`` of its modality, with Adam.

    ``build_graph`` makes the graph whose neighbours the latent space preserves; it is called
    only if an epoch is trained. None trains for reconstruction alone.

    Examples
    --------
    >>> from skdm2c.training import History, run_phases
    >>> g = torch.Generator().manual_seed(0)
    >>> net, history = ModalityAutoEncoder(3, 2, (8,), "none", g), History()
    >>> settings = Pretraining(lambda_neighbors=0.0, input_noise=0.0)
    >>> phase = pretraining_phase(net, torch.ones(20, 3), None, settings,
    ...                           Passes(30, 10, "constant"), learning_rate=1e-2, rng=g, name="a")
    >>> run_phases([phase], history)
    >>> losses = [record["reconstruction"] for record in history.records]
    >>> losses[-1] < losses[0]
    True
    """
    min_steps = 1 if build_graph is None else FEW_ROWS_STEPS
    batches = StratifiedBatches(
        [len(x)], passes.batch_size, rng, min_steps, passes.max_epoch_rows, processes
    )
    optimizer = make_optimizer("adam", [(autoencoder, learning_rate)], settings.weight_decay)
    where = {"modality": name}
    state = new_state("pretraining", autoencoder, {"adam": optimizer}, batches, passes, rng, where)

    def build_step() -> Step[list[Tensor]]:
        if build_graph is None:
            return partial(_reconstruct, state, x, settings)
        sampler = NeighborSampler(build_graph(), rng.device)
        return partial(_reconstruct_and_attract, state, x, sampler, settings)

    autoencoder.train()
    return Phase(state, batches, passes.n_epochs, build_step)


def _noisy(x: Tensor, noise: float, rng: torch.Generator) -> Tensor:
    if not noise:
        return x
    return x + noise * torch.randn(x.shape, generator=rng, dtype=x.dtype, device=x.device)


def _reconstruct(
    state: TrainingState, x: BatchedRows, settings: Pretraining, batch: list[Tensor]
) -> dict[str, Tensor]:
    (rows,) = batch
    clean = x[rows]
    noisy = _noisy(clean, settings.input_noise, state.rng)
    reconstruction = reconstruction_loss(clean, state.network(noisy))
    descend(state, "adam", reconstruction)
    return {"reconstruction": reconstruction.detach()}


def _reconstruct_and_attract(
    state: TrainingState,
    x: BatchedRows,
    sampler: NeighborSampler,
    settings: Pretraining,
    batch: list[Tensor],
) -> dict[str, Tensor]:
    autoencoder = cast(ModalityAutoEncoder, state.network)
    (rows,) = batch
    neighbors = sampler.draw(rows, state.rng)
    both = x[torch.cat([rows, neighbors])]
    latents = autoencoder.encoder(_noisy(both, settings.input_noise, state.rng))
    z, z_neighbor = latents.tensor_split(2)
    reconstruction = reconstruction_loss(both[: len(rows)], autoencoder.decoder(z))
    attraction = neighborhood_loss(
        z, z_neighbor, negative_pairs(rows, neighbors), settings.negative_weight
    )
    descend(state, "adam", reconstruction + settings.lambda_neighbors * attraction)
    return {"reconstruction": reconstruction.detach(), "neighbors": attraction.detach()}
