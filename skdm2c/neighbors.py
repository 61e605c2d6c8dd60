"""Principal components, and the graph of nearest neighbours in them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import kneighbors_graph
from sklearn.preprocessing import normalize

from .data.rows import Matrix, Rows, rows_per_chunk, rows_to_look_at
from .sampling import subsample

N_PRINCIPAL = 30
FEW_DIRECTIONS = 3  # components: cosines of one are 1 or -1
MAX_FULL = 1000  # rows or columns up to which an exact decomposition takes no time to speak of


def fit_pca(block: NDArray[np.floating], n_components: int, seed: int) -> PCA:
    """Fit at most so many principal components, with the solver that fits the size.

    Parameters
    ----------
    block : ndarray of shape (n, d)
    n_components : int
    seed : int
        For the randomised solver, which large blocks get.

    Returns
    -------
    PCA
        Fitted, with min(n_components, n, d) components.

    Examples
    --------
    >>> fit_pca(np.eye(4), 3, seed=0).components_.shape
    (3, 4)
    """
    solver = "full" if min(block.shape) <= MAX_FULL else "randomized"
    pca = PCA(min(n_components, *block.shape), svd_solver=solver, random_state=seed)
    with np.errstate(invalid="ignore"):  # rows that are all the same explain 0 / 0 of nothing
        return pca.fit(block.astype(np.float64))


def principal_components(block: Rows, seed: int) -> Matrix:
    """Leading principal components of a block, at most 30.

    Parameters
    ----------
    block : Rows of shape (n, d)
        Where it is not held in memory a sample tells the components.
    seed : int
        For the sample, and for the randomised solver, which large blocks get.

    Returns
    -------
    ndarray of shape (n, min(30, n, d))

    Examples
    --------
    >>> principal_components(np.eye(4), seed=0).shape
    (4, 4)
    """
    n, d = block.shape
    size = rows_per_chunk(d)
    kept = subsample(n, rows_to_look_at(block), np.random.RandomState(seed))
    pca = fit_pca(block[kept] if len(kept) < n else block[:], N_PRINCIPAL, seed)
    parts = [
        pca.transform(block[start : start + size].astype(np.float64)) for start in range(0, n, size)
    ]
    return np.concatenate(parts)


def neighbor_graph(points: Matrix, n_neighbors: int) -> sp.csr_matrix:
    """Symmetric graph of nearest neighbours, weights 1 (mutual) and 0.5.

    Parameters
    ----------
    points : ndarray of shape (n, c)
        For the neighbours by cosine give unit rows.
    n_neighbors : int
        At most n - 1 are taken.

    Returns
    -------
    sparse matrix of shape (n, n)

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
    """Graph of neighbours by cosine; by distance in few columns, whose directions say little.

    Parameters
    ----------
    points : ndarray of shape (n, c)
        Centred.
    n_neighbors : int
        Fewer are taken where there are few rows.

    Returns
    -------
    sparse matrix of shape (n, n)

    Examples
    --------
    >>> close_rows(np.array([[-1.0], [-0.9], [0.1], [0.3], [1.5]]), 2).nnz
    14
    """
    unit = normalize(points) if points.shape[1] > FEW_DIRECTIONS else points
    return neighbor_graph(unit, few_neighbors(n_neighbors, len(points)))


def few_neighbors(n_neighbors: int, n_rows: int) -> int:
    """Neighbours a graph of few rows can have without joining its clusters.

    Parameters
    ----------
    n_neighbors : int
        Asked for, where there are rows enough.
    n_rows : int

    Returns
    -------
    int
        At most an eighth of the rows, but 3.

    Examples
    --------
    >>> few_neighbors(15, 1000), few_neighbors(15, 40), few_neighbors(15, 6)
    (15, 5, 3)
    """
    return min(n_neighbors, max(3, n_rows // 8))
