"""Joint MDS (Chen et al., ICLR 2023): scaling of both modalities into one space, k-means.

Sought are points for all rows whose distances within a modality are those given, and which
lie together across modalities where a coupling joins them. In turn, the coupling and a
rotation of A's points are found by Wasserstein-Procrustes (entropic transport, then
Procrustes), and all points are moved by weighted SMACOF.

Written from the paper with the settings that the authors publish for domain adaptation
without labels: distances along the graph of 5 nearest neighbours over their mean; 16
dimensions; entropic Gromov-Wasserstein (weight 0.1, 20 steps) and 300 steps of SMACOF
from random points to begin with; then 50 turns of 10 Procrustes steps, entropy weight
0.1, and of 2 steps of SMACOF, which is what their tolerance comes to. The coupling's
weight begins at 1 and shrinks by a tenth a turn, to 0.01. Other than there, each transport
is solved anew by at most 50 Sinkhorn steps; the early end of the loops is left out.
"""

from __future__ import annotations

import numpy as np
import ot
from scipy.linalg import block_diag, cho_factor, cho_solve, orthogonal_procrustes
from scipy.sparse.csgraph import shortest_path
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.neighbors import kneighbors_graph

from .entropic_gw import couple
from .interface import Clustering, Matrix

N_NEIGHBORS, N_LATENT, EPSILON = 5, 16, 0.1
GW_STEPS, FIRST_STEPS = 20, 300
TURNS, PROCRUSTES_STEPS, SINKHORN_STEPS, STEPS = 50, 10, 50, 2
SHRINKAGE, LEAST_WEIGHT = 0.9, 0.01


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Scale both into one space, then cluster all points."""
    points = jointly_scaled(geodesics(X_a), geodesics(X_b), np.random.RandomState(seed))
    return Clustering(KMeans(k, n_init=10, random_state=seed).fit_predict(points), points)


def geodesics(X: Matrix) -> Matrix:
    """Distances along the neighbour graph over their mean; islands are the longest away."""
    graph = kneighbors_graph(X, N_NEIGHBORS, mode="distance")
    distances: Matrix = shortest_path(graph, directed=False)
    island = np.isinf(distances)
    distances[island] = distances[~island].max()
    return distances / distances.mean()


def jointly_scaled(distances_a: Matrix, distances_b: Matrix, rng: np.random.RandomState) -> Matrix:
    """Points of all rows (n_a + n_b, N_LATENT), A's first."""
    n_a = len(distances_a)
    distances = [distances_a, distances_b]
    coupling, _ = couple(distances_a, distances_b, EPSILON, GW_STEPS)
    points = rng.uniform(size=(sum(map(len, distances)), N_LATENT))
    points = PCA(N_LATENT).fit_transform(smacof(points, distances, coupling, FIRST_STEPS))
    weight = 1.0
    for _ in range(TURNS):
        coupling, rotation = wasserstein_procrustes(points[:n_a], points[n_a:])
        points = np.vstack([points[:n_a] @ rotation, points[n_a:]])
        points = smacof(points, distances, weight * coupling, STEPS)
        weight = max(SHRINKAGE * weight, LEAST_WEIGHT)
    return points


def wasserstein_procrustes(Z_a: Matrix, Z_b: Matrix) -> tuple[Matrix, Matrix]:
    """Coupling (n_a, n_b) of rotated points with B's, and the rotation of A's."""
    rotation = np.eye(Z_a.shape[1])
    for _ in range(PROCRUSTES_STEPS):
        costs = cdist(Z_a @ rotation, Z_b, "sqeuclidean")
        costs -= costs.min(1, keepdims=True)  # the same coupling, and nothing underflows
        coupling = ot.sinkhorn([], [], costs, EPSILON, numItermax=SINKHORN_STEPS, warn=False)
        rotation = orthogonal_procrustes(Z_a, coupling @ Z_b)[0]
    return coupling, rotation


def smacof(points: Matrix, distances: list[Matrix], coupling: Matrix, n_steps: int) -> Matrix:
    """Move points to less weighted stress, by Guttman transforms.

    A pair within a modality of n rows weighs 1 / n² and wants its distance; a pair across
    weighs what it is coupled and wants none.

    Parameters
    ----------
    points : ndarray of shape (n_a + n_b, c)
    distances : list of two ndarray of shape (n_a, n_a) and (n_b, n_b)
    coupling : ndarray of shape (n_a, n_b)
    n_steps : int
    """
    sizes = [len(D) for D in distances]
    weights = block_diag(*(np.full((n, n), 1 / n**2) for n in sizes))
    weights[: sizes[0], sizes[0] :] = coupling
    weights[sizes[0] :, : sizes[0]] = coupling.T
    laplacian = np.diag(weights.sum(1)) - weights
    solver = cho_factor(laplacian + 1 / len(points))  # adding a constant makes it regular
    for _ in range(n_steps):
        parts = np.split(points, sizes[:1])
        points = cho_solve(solver, np.vstack([*map(_pushed, parts, distances)]))
    return points


def _pushed(points: Matrix, distances: Matrix) -> Matrix:
    # the Guttman transform's right side within one modality
    now = cdist(points, points)
    ratio = np.divide(distances, now, out=np.zeros_like(now), where=now > 0) / len(points) ** 2
    return ratio.sum(1)[:, None] * points - ratio @ points
