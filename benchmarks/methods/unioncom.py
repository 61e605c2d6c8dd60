"""UnionCom (Cao et al., Bioinformatics 2020): geodesic distances matched, joint t-SNE, k-means.

A matrix F >= 0 is sought that turns B's distances into A's, ||s K_a - F K_b F'||, the
scale s being learned along; A's rows of F sum to one, B's columns to one at most. The
constraints enter by multipliers and a damping term, F follows Adam's directions. The best
one-to-one assignment by F gives pairs of rows. A network a modality, with a common end,
then maps the rows to where each modality keeps its neighbours, as t-SNE does, and pairs
lie together.

Written from the paper with the settings of the authors' package, which does not run with
NumPy 2. Distances: along the graph of 5 nearest neighbours, or as many up to 40 as make
it connected; islands are twice the longest distance away. Matching: steps of 0.01,
damping 10. Map: 50 principal components where there are more columns, 100 epochs, batches
of 100, RMSprop at 1e-3, perplexity 30, 32 dimensions, pairs weighted 1. Other than there,
the matching takes 1000 steps, not 2000, for time; the perplexity is a third of the rows
where that is less.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components, shortest_path
from scipy.special import entr
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.neighbors import kneighbors_graph
from torch import Tensor, nn

from ._torch import tensors
from .interface import Clustering, Labels, Matrix

MIN_NEIGHBORS, MAX_NEIGHBORS, MORE_NEIGHBORS = 5, 40, 2
STEPS, STEP_SIZE, DAMPING = 1000, 0.01, 10.0
DECAY_MEAN, DECAY_SQUARE, TINY = 0.9, 0.999, 1e-7
N_COMPONENTS, N_LATENT, PERPLEXITY, WEIGHT_PAIRS = 50, 32, 30.0, 1.0
EPOCHS, BATCH_SIZE, LEARNING_RATE = 100, 100, 1e-3
BISECTIONS = 50


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Match the rows, map them into one space, cluster them there."""
    X_a, X_b = (_scaled(X) for X in (X_a, X_b))
    distances = [geodesics(X) for X in (X_a, X_b)]
    matching = prime_dual(*distances, scale=np.sqrt(X_b.shape[1] / X_a.shape[1]))
    pairs = linear_sum_assignment(matching, maximize=True)
    rows = joint_tsne([_reduced(X, seed) for X in (X_a, X_b)], distances, pairs, seed)
    return Clustering(KMeans(k, n_init=10, random_state=seed).fit_predict(rows), rows)


def _scaled(X: Matrix) -> Matrix:
    return (X - X.min()) / (X.max() - X.min())


def _reduced(X: Matrix, seed: int) -> Matrix:
    if X.shape[1] <= N_COMPONENTS:
        return X
    return PCA(min(N_COMPONENTS, len(X)), random_state=seed).fit_transform(X)


def geodesics(X: Matrix) -> Matrix:
    """Distances along the sparsest connected graph of neighbours."""
    largest = min(MAX_NEIGHBORS, len(X) - 1)
    for n_neighbors in range(MIN_NEIGHBORS, largest + 1, MORE_NEIGHBORS):
        graph = kneighbors_graph(X, n_neighbors, mode="distance")
        if connected_components(graph, directed=False)[0] == 1:
            break
    distances: Matrix = shortest_path(graph, directed=False)
    island = np.isinf(distances)
    distances[island] = 2 * distances[~island].max()
    return distances


def prime_dual(distances_a: Matrix, distances_b: Matrix, scale: float) -> Matrix:
    """Solve for the matching F, (n_a, n_b), from zero.

    Parameters
    ----------
    distances_a : ndarray of shape (n_a, n_a)
    distances_b : ndarray of shape (n_b, n_b)
    scale : float
        Of A's distances, to begin with.
    """
    larger = max(len(distances_a), len(distances_b))
    K_a, K_b = tensors(distances_a / larger, distances_b / larger)
    matching = torch.zeros(len(K_a), len(K_b))
    slack, price_a, price_b = torch.zeros(len(K_b)), torch.zeros(len(K_a)), torch.zeros(len(K_b))
    mean, square = torch.zeros_like(matching), torch.zeros_like(matching)
    carried = matching @ K_b
    turned = carried @ matching.T
    for step in range(1, STEPS + 1):
        excess_a, excess_b = matching.sum(1) - 1, matching.sum(0) - 1 + slack
        multipliers = (price_a + DAMPING * excess_a)[:, None] + price_b + DAMPING * excess_b
        gradient = 4 * (turned - scale * K_a) @ carried + multipliers
        mean.lerp_(gradient, 1 - DECAY_MEAN)
        square.lerp_(gradient**2, 1 - DECAY_SQUARE)
        matching = _stepped(matching, _adam_direction(mean, square, step))
        slack = _stepped(slack, price_b + DAMPING * (matching.sum(0) - 1 + slack))
        price_a = price_a + STEP_SIZE * (matching.sum(1) - 1)
        price_b = price_b + STEP_SIZE * (matching.sum(0) - 1 + slack)
        carried = matching @ K_b
        turned = carried @ matching.T
        scale = float((K_a * turned).sum() / (K_a**2).sum())
    return matching.numpy().astype(float)


def _adam_direction(mean: Tensor, square: Tensor, step: int) -> Tensor:
    unbiased_square = square / (1 - DECAY_SQUARE**step)
    return mean / (1 - DECAY_MEAN**step) / (unbiased_square.sqrt() + TINY)


def _stepped(x: Tensor, direction: Tensor) -> Tensor:
    # towards where a whole step would be, cut off at zero
    return torch.lerp(x, (x - direction).clamp(min=0), STEP_SIZE)


def joint_tsne(
    blocks: list[Matrix], distances: list[Matrix], pairs: tuple[Labels, Labels], seed: int
) -> Matrix:
    """All rows in one space (n_a + n_b, N_LATENT), A's first."""
    torch.manual_seed(seed)
    X = tensors(*blocks)
    affinities = tensors(*(joint_probabilities(D) for D in distances))
    net = SharedEnd([x.shape[1] for x in X])
    optimizer = torch.optim.RMSprop(net.parameters(), lr=LEARNING_RATE)
    most = max(len(x) for x in X)
    batch_size = min(BATCH_SIZE, most)
    for _ in range(EPOCHS * (most // batch_size)):
        loss = WEIGHT_PAIRS * F.mse_loss(*(net(m, X[m][pairs[m]]) for m in range(2)))
        for m in range(2):
            rows = torch.randint(len(X[m]), (batch_size,))
            loss = loss + tsne_loss(affinities[m][rows][:, rows], net(m, X[m][rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():  # batch norm by all rows of a modality, as in the authors' package
        latents: Matrix = torch.cat([net(m, X[m]) for m in range(2)]).numpy()
    return latents


class SharedEnd(nn.Module):
    """Three hidden layers a modality, then a block for both; batch norm and leaky ReLUs."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.starts = nn.ModuleList(_leaky(d, 2 * d, 2 * d, d, N_LATENT) for d in widths)
        self.end = nn.Sequential(
            _leaky(N_LATENT, N_LATENT, N_LATENT), nn.Linear(N_LATENT, N_LATENT)
        )

    def forward(self, modality: int, x: Tensor) -> Tensor:
        """Rows of a modality to (n, N_LATENT)."""
        latent: Tensor = self.end(self.starts[modality](x))
        return latent


def _leaky(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers)


def tsne_loss(affinities: Tensor, latents: Tensor) -> Tensor:
    """Kullback-Leibler divergence of a batch's affinities from those of its latents."""
    closeness = 1 / (1 + squared_distances(latents))
    closeness = closeness - torch.diag(closeness.diag()) + 1e-15
    P, Q = affinities / affinities.sum(), closeness / closeness.sum()
    return (P * (P / Q).log()).sum()


def squared_distances(z: Tensor) -> Tensor:
    """Between all rows, (n, n)."""
    norms = (z**2).sum(1)
    return (norms[:, None] + norms - 2 * z @ z.T).clamp(min=0)


def joint_probabilities(distances: Matrix) -> Matrix:
    """t-SNE's affinities (n, n), each row's bandwidth set to ``PERPLEXITY`` by bisection."""
    n = len(distances)
    others = distances + np.diag(np.full(n, np.inf))
    others = others - others.min(1, keepdims=True)
    low, high = np.zeros(n), np.full(n, np.inf)
    sharpness = np.ones(n)
    for _ in range(BISECTIONS):
        conditional = np.exp(-others * sharpness[:, None])
        conditional /= conditional.sum(1, keepdims=True)
        flat = np.exp(entr(conditional).sum(1)) > min(PERPLEXITY, (n - 1) / 3)
        low, high = np.where(flat, sharpness, low), np.where(flat, high, sharpness)
        sharpness = np.where(np.isinf(high), 2 * sharpness, (low + high) / 2)
    joint: Matrix = np.maximum((conditional + conditional.T) / (2 * n), np.finfo(float).eps)
    return joint
