"""CPMN (Wang et al., NeurIPS 2025): contrastive prototype matching, written from the paper.

First phase: a modality's auto-encoder each, with contrasts between rows that are mutual
nearest neighbours by cosine, within a modality and across (equations 1 to 5). Then
k-means prototypes in each modality, matched by the Hungarian method on their cosines
(6, 7), and a second phase: DEC's clustering loss and contrasts of each row with its
prototype and that prototype's partner (8 to 13).

Published settings: 200 and 100 epochs, batches of 256, Adam at 1e-4, weights 0.01,
temperature 1, 32 latent dimensions, ten neighbours. The LAST epoch counts; the authors'
program keeps the epoch with the best true accuracy.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from torch import Tensor, nn

from ._torch import mixed_batches, perceptron, tensors
from .interface import Clustering, Labels, Matrix

CONTRAST_EPOCHS, PROTOTYPE_EPOCHS, BATCH_SIZE, LEARNING_RATE = 200, 100, 256, 1e-4
WEIGHT_CONTRAST = WEIGHT_PROTOTYPES = 0.01
N_LATENT, N_NEIGHBORS, TEMPERATURE = 32, 10, 1.0
TARGET_EVERY = 2  # epochs between two matchings and targets


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Both phases, then each row's nearest prototype, B's under the names of their partners."""
    torch.manual_seed(seed)
    rng = np.random.RandomState(seed)
    blocks = tensors(X_a, X_b)
    nets = nn.ModuleList(Autoencoder(X.shape[1]) for X in blocks)
    learn_neighbors(nets, blocks, rng)
    prototypes = nn.ParameterList(_centers(z, k, seed) for z in _latents(nets, blocks))
    learn_prototypes(nets, prototypes, blocks, rng)
    latents = _latents(nets, blocks)
    a, b = (
        student_t(z, c).argmax(1).numpy()
        for z, c in zip(latents, (p.detach() for p in prototypes), strict=True)
    )
    partner_of_b = np.argsort(match(*prototypes))
    return Clustering(np.concatenate([a, partner_of_b[b]]), torch.cat(latents).numpy())


class Autoencoder(nn.Module):
    """Hidden layers of half the input's width, twice, and 1000 units."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = max(1, width // 2)
        self.encode = nn.Sequential(perceptron(width, half, half, 1000), nn.Linear(1000, N_LATENT))
        self.decode = nn.Sequential(perceptron(N_LATENT, 1000, half, half), nn.Linear(half, width))


def learn_neighbors(nets: nn.ModuleList, blocks: list[Tensor], rng: np.random.RandomState) -> None:
    """First phase, equation 5."""
    optimizer = torch.optim.Adam(nets.parameters(), lr=LEARNING_RATE)
    for _ in range(CONTRAST_EPOCHS):
        for rows in mixed_batches((len(blocks[0]), len(blocks[1])), BATCH_SIZE, rng):
            batch = [X[r] for X, r in zip(blocks, rows, strict=True)]
            latents = [net.encode(x) for net, x in zip(nets, batch, strict=True)]
            reconstruction = sum(
                F.mse_loss(net.decode(z), x) for net, z, x in zip(nets, latents, batch, strict=True)
            )
            z_a, z_b = (F.normalize(z, dim=1) for z in latents)
            contrast = (
                neighbor_contrast(z_a, z_a)
                + neighbor_contrast(z_b, z_b)
                + neighbor_contrast(z_a, z_b)
                + neighbor_contrast(z_b, z_a)
            )
            _step(optimizer, reconstruction + WEIGHT_CONTRAST * contrast)


def neighbor_contrast(z: Tensor, others: Tensor) -> Tensor:
    """Equations 3 and 4: rows against those of the others that are mutual neighbours.

    ``z`` and ``others``, (n, c) and (m, c), have rows of norm one; both may be the same.
    """
    cosines = z @ others.T
    if z is others:
        cosines = cosines - 1e9 * torch.eye(len(z))  # no row is its own neighbour
    near = _nearest(cosines) & _nearest(cosines.T).T
    log_probability = F.log_softmax(cosines / TEMPERATURE, dim=1)
    chosen = torch.where(near, log_probability, 0.0).sum(1)
    return -(chosen / near.sum(1).clamp(min=1)).mean()


def learn_prototypes(
    nets: nn.ModuleList,
    prototypes: nn.ParameterList,
    blocks: list[Tensor],
    rng: np.random.RandomState,
) -> None:
    """Second phase, equation 13; the prototypes learn from the clustering loss alone."""
    optimizer = torch.optim.Adam([*nets.parameters(), *prototypes], lr=LEARNING_RATE)
    for epoch in range(PROTOTYPE_EPOCHS):
        if epoch % TARGET_EVERY == 0:
            to_b = torch.as_tensor(match(*prototypes))
            partners = (to_b, torch.argsort(to_b))
            targets = [
                sharpened(student_t(z, c.detach()))
                for z, c in zip(_latents(nets, blocks), prototypes, strict=True)
            ]
        for rows in mixed_batches((len(blocks[0]), len(blocks[1])), BATCH_SIZE, rng):
            loss = torch.zeros(())
            for m, other in ((0, 1), (1, 0)):
                z = nets[m].encode(blocks[m][rows[m]])
                q = student_t(z, prototypes[m])
                own, mine = q.argmax(1), prototypes[m].detach()
                theirs = prototypes[other].detach()[partners[m]]
                loss = loss + F.kl_div(q.log(), targets[m][rows[m]], reduction="batchmean")
                loss = loss + WEIGHT_PROTOTYPES * (
                    prototype_contrast(z, mine, own) + prototype_contrast(z, theirs, own)
                )
            _step(optimizer, loss)


def prototype_contrast(z: Tensor, prototypes: Tensor, own: Tensor) -> Tensor:
    """Equations 8 and 9: rows (n, c) against prototypes (k, c), of which ``own`` is theirs."""
    cosines = F.normalize(z, dim=1) @ F.normalize(prototypes, dim=1).T
    return F.cross_entropy(cosines / TEMPERATURE, own)


def match(a: Tensor, b: Tensor) -> Labels:
    """Partners in B of A's prototypes (k, c), equations 6 and 7."""
    cosines = F.normalize(a.detach(), dim=1) @ F.normalize(b.detach(), dim=1).T
    return linear_sum_assignment((1 / cosines.exp()).numpy())[1]


def student_t(z: Tensor, prototypes: Tensor) -> Tensor:
    """Soft assignments (n, k), equation 10."""
    kernel = 1 / (1 + torch.cdist(z, prototypes).square())
    return kernel / kernel.sum(1, keepdim=True)


def sharpened(q: Tensor) -> Tensor:
    """DEC's target, equation 11."""
    weight = q**2 / q.sum(0)
    return weight / weight.sum(1, keepdim=True)


def _nearest(cosines: Tensor) -> Tensor:
    n_neighbors = min(N_NEIGHBORS, cosines.shape[1])
    near = torch.zeros_like(cosines, dtype=torch.bool)
    return near.scatter_(1, cosines.topk(n_neighbors, dim=1).indices, True)


def _centers(z: Tensor, k: int, seed: int) -> Tensor:
    return torch.as_tensor(KMeans(k, n_init=20, random_state=seed).fit(z.numpy()).cluster_centers_)


@torch.no_grad()
def _latents(nets: nn.ModuleList, blocks: list[Tensor]) -> list[Tensor]:
    return [net.encode(X) for net, X in zip(nets, blocks, strict=True)]


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
