"""Distances within a modality, of the kinds that other modalities share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import shortest_path
from sklearn.manifold import spectral_embedding
from sklearn.metrics import pairwise_distances
from sklearn.preprocessing import normalize

from ..neighbors import Matrix, neighbor_graph, principal_components

N_NEIGHBORS = 20


@dataclass(frozen=True)
class Geometry:
    """One modality as the matching sees it.

    Attributes
    ----------
    points : tuple of ndarray, each of shape (n, c)
        Spaces to draw prototypes in: centred directions, and these joined with a
        spectral embedding of the neighbour graph.
    distances : dict of str to ndarray of shape (n, n)
        "geodesic", "cosine" and "euclidean", each of mean one.
    """

    points: tuple[Matrix, Matrix]
    distances: dict[str, Matrix]


def describe(block: NDArray[np.floating], n_clusters: int, seed: int) -> Geometry:
    """Work out the geometry of one modality's rows.

    Parameters
    ----------
    block : ndarray of shape (n, d)
        Standardised rows.
    n_clusters : int
        Dimensions of the spectral embedding.
    seed : int

    Returns
    -------
    Geometry

    Notes
    -----
    O(n²) in memory and O(n² log n) in time: give it a sample of large data.

    Examples
    --------
    >>> g = describe(np.random.RandomState(0).randn(40, 3), 2, seed=0)
    >>> sorted(g.distances), g.distances["cosine"].shape
    (['cosine', 'euclidean', 'geodesic'], (40, 40))
    """
    principal = principal_components(block, seed)
    directions = normalize(principal)
    graph = neighbor_graph(directions, geodesic_neighbors(len(directions)))
    spectral = _spectral_points(graph, n_clusters, seed)
    return Geometry(
        points=(directions, np.hstack([_unit_scale(directions), _unit_scale(spectral)])),
        distances={
            "geodesic": geodesic_distances(graph),
            "cosine": _unit_mean(1 - directions @ directions.T),
            "euclidean": _unit_mean(pairwise_distances(principal)),
        },
    )


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
    """Fewest edges between any two rows, scaled to mean one.

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
    >>> geodesic_distances(chain + chain.T) * 8 / 9
    array([[0., 1., 2.],
           [1., 0., 1.],
           [2., 1., 0.]])
    """
    hops = shortest_path(graph, unweighted=True, directed=False)
    reached = np.isfinite(hops)
    hops[~reached] = 1.5 * hops[reached].max()
    return _unit_mean(hops)


def _spectral_points(graph: sp.csr_matrix, n_components: int, seed: int) -> Matrix:
    n = graph.shape[0]
    # A faint complete graph keeps pieces without a path comparable, and the solver quiet.
    dense = graph.toarray() + 1e-3 / n
    np.fill_diagonal(dense, 0)
    points: Matrix = spectral_embedding(
        dense, n_components=min(n_components, n - 2) if n > 3 else 1, random_state=seed
    )
    return points


def _unit_scale(points: Matrix) -> Matrix:
    scale = np.maximum(np.sqrt(np.square(points).mean(axis=0)), 1e-12)
    scaled: Matrix = points / scale / np.sqrt(points.shape[1])
    return scaled


def _unit_mean(distances: Matrix) -> Matrix:
    scaled: Matrix = distances / max(distances.mean(), np.finfo(float).tiny)
    return scaled
