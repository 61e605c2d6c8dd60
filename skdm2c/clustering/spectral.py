"""Normalised cut of a neighbour graph: clusters of any size, told by thin places between them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize

from ..data.rows import Matrix
from .neighbors import few_neighbors, neighbor_graph

N_NEIGHBORS = 30
MAX_DENSE = 400  # rows up to which all eigenvectors are the quicker way to the leading ones
FAINT = 1e-3


def normalized_cut(points: Matrix, n_clusters: int, seed: int) -> NDArray[np.int32]:
    """Cut the neighbour graph of points where few edges are lost for the size of the parts.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    n_clusters : int
    seed : int

    Returns
    -------
    ndarray of shape (n,)

    Notes
    -----
    k-means on the unit rows of the leading eigenvectors: Ng, Jordan, Weiss, "On spectral
    clustering: analysis and an algorithm", NeurIPS 2001.

    Examples
    --------
    Two rings, one in the other:

    >>> angle = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    >>> ring = np.c_[np.cos(angle), np.sin(angle)]
    >>> labels = normalized_cut(np.r_[ring, 9 * ring], 2, seed=0)
    >>> np.unique(labels[:100]).size, np.unique(labels[100:]).size, np.unique(labels).size
    (1, 1, 2)
    """
    n = len(points)
    graph = neighbor_graph(points, few_neighbors(N_NEIGHBORS, n))
    vectors = _leading_vectors(graph, min(n_clusters, n))
    kmeans = KMeans(min(n_clusters, n), n_init=10, random_state=seed)
    labels: NDArray[np.int32] = kmeans.fit_predict(normalize(vectors))
    return labels


def _leading_vectors(graph: sp.csr_matrix, n_vectors: int) -> Matrix:
    # Of D^(-1/2) (W + a faint complete graph) D^(-1/2); the latter keeps pieces without a
    # path between them comparable.
    n = graph.shape[0]
    faint = FAINT / n
    root = 1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel() + faint * n)

    def product(vector: Matrix) -> Matrix:
        scaled = root * vector.ravel()
        result: Matrix = root * (graph @ scaled + faint * scaled.sum())
        return result

    if max(MAX_DENSE, n_vectors + 1) < n:
        operator = LinearOperator((n, n), matvec=product, dtype=np.float64)
        try:
            return eigsh(operator, k=n_vectors, which="LA", v0=np.ones(n), maxiter=300)[1]  # type: ignore[no-any-return]
        except ArpackNoConvergence:
            pass  # the exact way below is slow, and sure
    dense = root[:, None] * (graph.toarray() + faint) * root
    return eigh(dense, subset_by_index=[n - n_vectors, n - 1])[1]  # type: ignore[no-any-return]
