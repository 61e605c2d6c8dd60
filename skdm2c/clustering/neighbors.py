"""Principal components, and the graph of nearest neighbours in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors, kneighbors_graph
from sklearn.preprocessing import normalize

from ..data.rows import FloatRows, Matrix, Rows, rows_per_chunk, sample_rows

N_PRINCIPAL = 30  # components, where there are no more clusters
LOCAL_NEIGHBOR = 10  # its distance says how dense the data are around a row
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


def enough_components(n_clusters: int) -> int:
    """Principal components that can hold so many clusters apart.

    Parameters
    ----------
    n_clusters : int

    Returns
    -------
    int
        30, or as many as there are clusters where they are more: each may lie in a
        direction of its own.

    Examples
    --------
    >>> enough_components(10), enough_components(50)
    (30, 50)
    """
    return max(N_PRINCIPAL, n_clusters)


def principal_components(block: FloatRows, n_components: int, seed: int) -> Matrix:
    """Leading principal components of a block.

    Parameters
    ----------
    block : ndarray of shape (n, d)
    n_components : int
        That are enough.
    seed : int
        For the randomised solver, which large blocks get.

    Returns
    -------
    ndarray of shape (n, min(n_components, n, d))

    Examples
    --------
    >>> principal_components(np.eye(4), 30, seed=0).shape
    (4, 4)
    """
    pca = fit_pca(block, n_components, seed)
    return np.concatenate([pca.transform(part) for _, part in _parts(block)])


def row_graph(x: Rows, n_neighbors: int, n_components: int, seed: int) -> sp.csr_matrix:
    """Graph of neighbours of the rows of a block, by cosine in its principal components.

    Parameters
    ----------
    x : Rows of shape (n, d)
    n_neighbors : int
        Fewer are taken where there are few rows.
    n_components : int
        Principal components that are enough.
    seed : int

    Returns
    -------
    sparse matrix of shape (n, n)
        :func:`close_rows` where there are at most 20,000 rows. Of more, the neighbours of
        each are found among as many that are drawn at random: with n rows, k neighbours
        then are as close as k * n / 20,000 of all are; time and memory grow with n, not n².

    Examples
    --------
    >>> x = np.random.RandomState(0).randn(30_000, 4).astype(np.float32)
    >>> graph = row_graph(x, 15, 30, seed=0)
    >>> graph.shape, graph.nnz // len(x), len(np.unique(graph.indices)) <= 20_000
    ((30000, 30000), 15, True)
    """
    n = len(x)
    seen, some = sample_rows(x, seed)
    if len(seen) == n:
        return close_rows(principal_components(some, n_components, seed), n_neighbors)
    pca = fit_pca(some, n_components, seed)
    search = NearestNeighbors(n_neighbors=min(n_neighbors, len(seen) - 1) + 1)
    search.fit(_directions(pca.transform(some.astype(np.float64))))
    columns = []
    for start, part in _parts(x):
        found = seen[search.kneighbors(_directions(pca.transform(part)), return_distance=False)]
        # Rows are no neighbours of themselves: where one was drawn, it goes last, and falls out.
        itself = found == np.arange(start, start + len(part))[:, None]
        order = np.argsort(itself, axis=1, kind="stable")[:, :-1]
        columns.append(np.take_along_axis(found, order, axis=1).astype(np.int32))
    indices = np.concatenate(columns)
    ends = np.arange(n + 1) * indices.shape[1]
    return sp.csr_matrix((np.ones(indices.size, np.float32), indices.ravel(), ends), shape=(n, n))


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
    return neighbor_graph(_directions(points), few_neighbors(n_neighbors, len(points)))


def locally_scaled(euclidean: Matrix) -> Matrix:
    """Distances over the geometric mean of both rows' distance to their 10th neighbour.

    Parameters
    ----------
    euclidean : ndarray of shape (n, n)

    Returns
    -------
    ndarray of shape (n, n)

    Examples
    --------
    >>> locally_scaled(np.array([[0.0, 2.0], [2.0, 0.0]]))
    array([[0., 1.],
           [1., 0.]])
    """
    nearest = min(LOCAL_NEIGHBOR, len(euclidean) - 1)
    scale = np.partition(euclidean, nearest, axis=1)[:, nearest]
    scale = np.maximum(scale, 0.1 * np.median(scale) + 1e-9)  # rows that many copies have
    scaled: Matrix = euclidean / np.sqrt(np.outer(scale, scale))
    return scaled


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


def _directions(points: Matrix) -> Matrix:
    unit: Matrix = normalize(points) if points.shape[1] > FEW_DIRECTIONS else points
    return unit


def _parts(x: Rows) -> Iterator[tuple[int, Matrix]]:
    # All rows in order, so many at a time, each with the number of its first.
    size = rows_per_chunk(x.shape[1], forms=4)
    for start in range(0, len(x), size):
        yield start, x[start : start + size].astype(np.float64)
