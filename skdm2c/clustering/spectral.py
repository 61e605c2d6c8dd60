"""Spectral clustering by the normalised cut of a neighbour graph, for clusters of any size."""

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
MAX_DENSE = 400  # rows up to which computing all eigenvectors is faster than the leading ones
BACKGROUND_WEIGHT = 1e-3  # total weight of the edges that connect each row with all others


def normalized_cut(points: Matrix, n_clusters: int, seed: int) -> NDArray[np.int32]:
    """Cluster points of shape (n, c) by spectral clustering, and return labels of shape (n,).

    It runs k-means on the normalised rows of the leading eigenvectors: Ng, Jordan, Weiss, "On
    spectral clustering: analysis and an algorithm", NeurIPS 2001.

    Examples
    --------
    Two concentric rings:

    >>> angle = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    >>> ring = np.c_[np.cos(angle), np.sin(angle)]
    >>> labels = normalized_cut(np.r_[ring, 9 * ring], 2, seed=0)
    >>> np.unique(labels[:100]).size, np.unique(labels[100:]).size, np.unique(labels).size
    (1, 1, 2)
    """
    n = len(points)
    graph = neighbor_graph(points, few_neighbors(N_NEIGHBORS, n))
    vectors = _leading_eigenvectors(graph, min(n_clusters, n))
    kmeans = KMeans(min(n_clusters, n), n_init=10, random_state=seed)
    labels: NDArray[np.int32] = kmeans.fit_predict(normalize(vectors))
    return labels


def _leading_eigenvectors(graph: sp.csr_matrix, n_vectors: int) -> Matrix:
    # Of D^(-1/2) (W + B) D^(-1/2), where B connects all rows by weak edges, so that components
    # which W does not connect can be compared.
    n = graph.shape[0]
    background = BACKGROUND_WEIGHT / n
    inverse_root = 1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel() + background * n)

    def product(vector: Matrix) -> Matrix:
        scaled = inverse_root * vector.ravel()
        result: Matrix = inverse_root * (graph @ scaled + background * scaled.sum())
        return result

    if max(MAX_DENSE, n_vectors + 1) < n:
        operator = LinearOperator((n, n), matvec=product, dtype=np.float64)
        try:
            return eigsh(operator, k=n_vectors, which="LA", v0=np.ones(n), maxiter=300)[1]  # type: ignore[no-any-return]
        except ArpackNoConvergence:
            pass  # the dense solver below is slow but always succeeds
    dense = inverse_root[:, None] * (graph.toarray() + background) * inverse_root
    return eigh(dense, subset_by_index=[n - n_vectors, n - 1])[1]  # type: ignore[no-any-return]
