"""Distances within a modality, of the kinds that other modalities may share."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances
from sklearn.preprocessing import normalize

from ..clustering.neighbors import locally_scaled, neighbor_graph
from ..data.rows import Matrix

DISTANCES = ("geodesic", "cosine", "euclidean", "local", "rank")
Distances = dict[str, NDArray[np.float32]]

N_NEIGHBORS = 20  # of the graph whose paths are measured


def distances(points: Matrix) -> Distances:
    """Five dissimilarities between the rows of one modality, each of mean one.

    No one of them is shared by all pairs of modalities: what is matched well in several
    is right more often than what is matched best in one.

    Parameters
    ----------
    points : ndarray of shape (n, c)
        Centred principal components.

    Returns
    -------
    dict of str to ndarray of shape (n, n)
        "geodesic" (edges between two rows in the graph of nearest neighbours by cosine),
        "cosine", "euclidean", "local" (Euclidean, over the geometric mean of both rows'
        distance to their 10th neighbour) and "rank" (mean of each row's rank among the
        other's neighbours by cosine).

    Notes
    -----
    O(n²) in memory and O(n² log n) in time: give it a sample of large data.

    Examples
    --------
    >>> found = distances(np.random.RandomState(0).randn(40, 3))
    >>> sorted(found)
    ['cosine', 'euclidean', 'geodesic', 'local', 'rank']
    >>> found["rank"].shape, round(float(found["rank"].mean()), 3)
    ((40, 40), 1.0)
    """
    directions = normalize(points)
    cosine = np.maximum(1 - directions @ directions.T, 0)
    np.fill_diagonal(cosine, 0)
    euclidean = pairwise_distances(points)
    graph = neighbor_graph(directions, geodesic_neighbors(len(points)))
    found = {
        "geodesic": geodesic_distances(graph),
        "cosine": cosine,
        "euclidean": euclidean,
        "local": locally_scaled(euclidean),
        "rank": _mean_ranks(cosine),
    }
    return {kind: _unit_mean(d).astype(np.float32) for kind, d in found.items()}


def geodesic_neighbors(n_rows: int) -> int:
    """Neighbours of a row in the graph whose paths are measured: few, or clusters join.

    Parameters
    ----------
    n_rows : int

    Returns
    -------
    int

    Examples
    --------
    >>> geodesic_neighbors(1000), geodesic_neighbors(200), geodesic_neighbors(50)
    (20, 10, 3)
    """
    return min(N_NEIGHBORS, n_rows // 20) if n_rows >= 60 else 3


def geodesic_distances(graph: sp.csr_matrix) -> Matrix:
    """Fewest edges between any two rows.

    Rows with no path between them are half as far again as the farthest that have one.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)

    Returns
    -------
    ndarray of shape (n, n)

    Examples
    --------
    >>> chain = sp.csr_matrix(np.diag(np.ones(2), 1))
    >>> geodesic_distances(chain + chain.T)
    array([[0., 1., 2.],
           [1., 0., 1.],
           [2., 1., 0.]])
    """
    n = graph.shape[0]
    edges = (graph + graph.T + sp.identity(n)).tocsr()
    # Breadth-first search from all rows at once: bits of a row say which rows it has reached.
    bits = np.packbits(np.eye(n, dtype=bool), axis=1)
    reached = np.ascontiguousarray(np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))).view(np.uint64)
    hops, n_hops = np.zeros((n, n)), 0
    while True:
        further = np.bitwise_or.reduceat(reached[edges.indices], edges.indptr[:-1], axis=0)
        new = further ^ reached
        if not new.any():
            break
        n_hops += 1
        hops += n_hops * np.unpackbits(new.view(np.uint8), axis=1, count=n)
        reached = further
    unreached = np.unpackbits(reached.view(np.uint8), axis=1, count=n) == 0
    hops[unreached] = 1.5 * n_hops
    return hops


def _mean_ranks(distances: Matrix) -> Matrix:
    n = len(distances)
    order = np.argsort(distances, axis=1, kind="stable")
    ranks = np.empty_like(distances)
    ranks[np.arange(n)[:, None], order] = np.arange(n)
    mean: Matrix = (ranks + ranks.T) / 2
    return mean


def _unit_mean(distances: Matrix) -> Matrix:
    scaled: Matrix = distances / max(distances.mean(), np.finfo(float).tiny)
    return scaled
