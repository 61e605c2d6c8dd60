"""Principal components, and graphs of nearest neighbours in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors, kneighbors_graph
from sklearn.preprocessing import normalize

from ..data.rows import FloatRows, Matrix, Rows, rows_per_chunk, sample_rows

Distances = TypeVar("Distances", NDArray[np.float32], NDArray[np.float64])

MIN_COMPONENTS = 30
LOCAL_NEIGHBOR = 10  # the distance to this neighbour measures the density around a row
MAX_EUCLIDEAN_COMPONENTS = 3  # in so few dimensions, cosines say little: in one they are 1 or -1
MAX_FULL = 1000  # columns up to which their covariance is decomposed
N_POWER_ITERATIONS = 3  # of the randomised solver
MIN_RANDOMIZED_RATIO = 4  # rows and columns per component from which the randomised solver is fast


def fit_pca(block: NDArray[np.floating], n_components: int, seed: int) -> PCA:
    """Fit a PCA of min(n_components, n, d) components to a block of shape (n, d).

    Wide and large blocks are decomposed by the randomised solver, which ``seed`` seeds.
    """
    n, d = block.shape
    if d <= min(n, MAX_FULL):
        solver = "covariance_eigh"
    else:
        solver = "full" if min(n, d) < MIN_RANDOMIZED_RATIO * n_components else "randomized"
    pca = PCA(
        min(n_components, *block.shape),
        svd_solver=solver,
        iterated_power=N_POWER_ITERATIONS,
        random_state=seed,
    )
    with np.errstate(invalid="ignore"):  # identical rows have an explained ratio of 0 / 0
        return pca.fit(block.astype(np.float64))


def enough_components(n_clusters: int) -> int:
    """Return how many principal components suffice to separate so many clusters."""
    # At least as many as there are clusters, as each may lie in a direction of its own.
    return max(MIN_COMPONENTS, n_clusters)


def principal_components(block: FloatRows, n_components: int, seed: int) -> Matrix:
    """Return the min(n_components, n, d) leading principal components of a block, as columns."""
    pca = fit_pca(block, n_components, seed)
    return np.concatenate([pca.transform(chunk) for _, chunk in _chunks(block)])


def row_graph(x: Rows, n_neighbors: int, n_components: int, seed: int) -> sp.csr_matrix:
    """Build the neighbour graph of rows, of shape (n, n), by cosine in principal components.

    Up to 10,000 rows it is that of :func:`close_rows`. The neighbours of more rows are found
    in a random sample of 10,000, so that time and memory grow with n instead of n².
    """
    n = len(x)
    sampled, sample = sample_rows(x, seed)
    if len(sampled) == n:
        return close_rows(principal_components(sample, n_components, seed), n_neighbors)
    pca = fit_pca(sample, n_components, seed)
    search = NearestNeighbors(n_neighbors=min(n_neighbors, len(sampled) - 1) + 1)
    search.fit(_directions(pca.transform(sample.astype(np.float64))))
    chunk_indices = []
    for start, chunk in _chunks(x):
        neighbors = sampled[
            search.kneighbors(_directions(pca.transform(chunk)), return_distance=False)
        ]
        # A sampled row finds itself, which is moved to the end; the end is then dropped.
        is_self = neighbors == np.arange(start, start + len(chunk))[:, None]
        order = np.argsort(is_self, axis=1, kind="stable")[:, :-1]
        chunk_indices.append(np.take_along_axis(neighbors, order, axis=1).astype(np.int32))
    indices = np.concatenate(chunk_indices)
    indptr = np.arange(n + 1) * indices.shape[1]
    return sp.csr_matrix((np.ones(indices.size, np.float32), indices.ravel(), indptr), shape=(n, n))


def neighbor_graph(points: Matrix, n_neighbors: int) -> sp.csr_matrix:
    """Build the symmetric graph of nearest neighbours of n points, of shape (n, n).

    Mutual neighbours have weight 1, others 0.5. At most n - 1 neighbours are taken.

    Examples
    --------
    >>> neighbor_graph(np.array([[0.0], [1.0], [3.0]]), 1).toarray()
    array([[0. , 1. , 0. ],
           [1. , 0. , 0.5],
           [0. , 0.5, 0. ]])
    """
    graph = kneighbors_graph(points, max(1, min(n_neighbors, len(points) - 1)))
    return ((graph + graph.T) / 2).tocsr()


def close_rows(points: Matrix, n_neighbors: int) -> sp.csr_matrix:
    """Build the neighbour graph of n centred points by cosine, of shape (n, n).

    Points of at most three columns are compared by distance instead, and few points get fewer
    neighbours (see :func:`few_neighbors`).
    """
    return neighbor_graph(_directions(points), few_neighbors(n_neighbors, len(points)))


def locally_scaled(euclidean: Distances) -> Distances:
    """Divide distances, of shape (n, n), by the local scale of both rows.

    That is the geometric mean of the rows' distances to their 10th neighbours.

    Examples
    --------
    >>> locally_scaled(np.array([[0.0, 2.0], [2.0, 0.0]]))
    array([[0., 1.],
           [1., 0.]])
    """
    nearest = min(LOCAL_NEIGHBOR, len(euclidean) - 1)
    scale = np.partition(euclidean, nearest, axis=1)[:, nearest]
    scale = np.maximum(scale, 0.1 * np.median(scale) + 1e-9)  # zero for rows with many copies
    scale = np.sqrt(scale)
    scaled: Distances = euclidean / scale
    scaled /= scale[:, None]
    return scaled


def few_neighbors(n_neighbors: int, n_rows: int) -> int:
    """Reduce a number of neighbours to an eighth of the rows, but not below 3.

    More neighbours would connect the clusters of a small modality.

    Examples
    --------
    >>> few_neighbors(15, 1000), few_neighbors(15, 40), few_neighbors(15, 6)
    (15, 5, 3)
    """
    return min(n_neighbors, max(3, n_rows // 8))


def _directions(points: Matrix) -> Matrix:
    unit: Matrix = normalize(points) if points.shape[1] > MAX_EUCLIDEAN_COMPONENTS else points
    return unit


def _chunks(x: Rows) -> Iterator[tuple[int, Matrix]]:
    # All rows in order, as pairs of the first row's index and an array.
    size = rows_per_chunk(x.shape[1], forms=4)
    for start in range(0, len(x), size):
        yield start, x[start : start + size].astype(np.float64)
