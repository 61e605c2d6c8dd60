"""Distances between the rows of one modality, of kinds that modalities can share."""

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

N_NEIGHBORS = 20  # in the neighbour graph of the geodesic distances


def distances(points: Matrix, n_neighbors: int | None = None) -> Distances:
    """Compute five (n, n) matrices of dissimilarities, each of mean one, by kind.

    ``points`` are centred principal components, of shape (n, c). Memory is O(n²) and time is
    O(n² log n), so large data must be subsampled first. ``n_neighbors`` is that of the graph of the
    geodesic distances; None takes :func:`geodesic_neighbors`.
    """
    # No single kind is shared by all pairs of modalities: a matching that is good in several
    # kinds is correct more often than the best matching in any one of them.
    directions = normalize(points)
    cosine = np.maximum(1 - directions @ directions.T, 0).astype(np.float32)
    np.fill_diagonal(cosine, 0)
    euclidean = pairwise_distances(points).astype(np.float32)
    graph = neighbor_graph(directions, n_neighbors or geodesic_neighbors(len(points)))
    by_kind = {
        "geodesic": geodesic_distances(graph),  # in the graph of nearest neighbours by cosine
        "cosine": cosine,
        "euclidean": euclidean,
        "local": locally_scaled(euclidean),  # relative to the distances to the 10th neighbours
        "rank": _mean_ranks(cosine),  # among each other's neighbours by cosine
    }
    return {kind: _unit_mean(d) for kind, d in by_kind.items()}


def geodesic_neighbors(n_rows: int) -> int:
    """Return the number of neighbours for geodesic distances, reduced for small modalities.

    Too many neighbours would connect different clusters.

    Examples
    --------
    >>> geodesic_neighbors(1000), geodesic_neighbors(200), geodesic_neighbors(50)
    (20, 10, 3)
    """
    return min(N_NEIGHBORS, n_rows // 20) if n_rows >= 60 else 3


def geodesic_distances(graph: sp.csr_matrix) -> NDArray[np.float32]:
    """Count the edges on the shortest paths of an (n, n) graph; returns shape (n, n).

    Rows that no path connects get 1.5 times the largest distance between connected rows.
    """
    n = graph.shape[0]
    edges = (graph + graph.T + sp.identity(n)).tocsr()
    # Breadth-first search from all rows at once: the bits of a row mark the rows it has reached.
    bits = np.packbits(np.eye(n, dtype=bool), axis=1)
    reached = np.ascontiguousarray(np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))).view(np.uint64)
    hops, n_hops = np.zeros((n, n), dtype=np.float32), 0
    while True:
        next_reached = np.bitwise_or.reduceat(reached[edges.indices], edges.indptr[:-1], axis=0)
        new = next_reached ^ reached
        if not new.any():
            break
        n_hops += 1
        hops += np.float32(n_hops) * np.unpackbits(new.view(np.uint8), axis=1, count=n)
        reached = next_reached
    unreached = np.unpackbits(reached.view(np.uint8), axis=1, count=n) == 0
    hops[unreached] = 1.5 * n_hops
    return hops


def _mean_ranks(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    n = len(distances)
    order = np.argsort(distances, axis=1)
    order += n * np.arange(n)[:, None]
    ranks = np.empty((n, n), dtype=np.float32)
    ranks.ravel()[order.ravel()] = np.tile(np.arange(n, dtype=np.float32), n)
    mean: NDArray[np.float32] = (ranks + ranks.T) / np.float32(2)
    return mean


def _unit_mean(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = max(distances.mean(dtype=np.float64), np.finfo(np.float32).tiny)
    scaled: NDArray[np.float32] = distances / np.float32(mean)
    return scaled
