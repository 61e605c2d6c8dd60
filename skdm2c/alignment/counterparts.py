"""Rows of one modality and their likeliest counterparts in another, in the unified space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import softmax
from sklearn.neighbors import NearestNeighbors

from ..data.rows import FloatRows, Matrix

N_NEIGHBORS = 10  # nearest rows of the other modality that measure the density around a row
MAX_CHUNK_ROWS = 2000  # rows whose distances are in memory at once


@dataclass(frozen=True, eq=False)
class RowMatches:
    """Likeliest counterparts of rows of one modality among the rows of another.

    Parameters
    ----------
    rows : ndarray of int of shape (n, n_matches)
        Indices of the counterparts among the candidates, the likeliest first.
    weights : ndarray of shape (n, n_matches)
        Relative likelihood of each counterpart; each row sums to one.
    trust : ndarray of shape (n,)
        Estimated probability, in [0, 1], that a counterpart belongs to the same cluster as the
        row and that the matching of this cluster is correct.

    Examples
    --------
    >>> RowMatches(np.array([[3, 1]]), np.array([[0.9, 0.1]]), np.array([0.8]))
    Counterparts of 1 row, 2 each; mean trust 0.80
    """

    rows: NDArray[np.intp]
    weights: Matrix
    trust: Matrix

    def __repr__(self) -> str:
        n, n_matches = self.rows.shape
        mean = f"; mean trust {self.trust.mean():.2f}" if n else ""
        return f"Counterparts of {n} row{'s' * (n != 1)}, {n_matches} each{mean}"


def nearest_counterparts(
    rows: FloatRows, candidates: FloatRows, neighborhood: FloatRows, n_matches: int
) -> tuple[NDArray[np.intp], Matrix]:
    """Find the nearest candidates of each row by cross-domain similarity local scaling.

    ``neighborhood`` holds rows of the same modality as ``rows``, which lie around the
    candidates. Returns the indices and weights of the candidates, both (n, n_matches).

    Examples
    --------
    >>> rows = np.array([[0.0], [1.0], [2.0]])
    >>> nearest_counterparts(rows, np.array([[0.1], [2.1]]), rows, 1)[0].ravel()
    array([0, 0, 1])
    """
    # Distances are corrected for the density around the row and around the candidate, as
    # otherwise a few candidates would be nearest to many rows. See section 2.3 of Conneau,
    # Lample, Ranzato, Denoyer, Jégou, "Word translation without parallel data", ICLR 2018.
    of_candidates = _mean_distance(candidates, neighborhood)
    of_rows = _mean_distance(rows, candidates)
    scale = max(float(of_rows.mean()), 1e-12) if len(rows) else 1.0
    indices, weights = [], []
    for chunk in np.array_split(np.arange(len(rows)), -(-max(len(rows), 1) // MAX_CHUNK_ROWS)):
        scaled = 2 * cdist(rows[chunk], candidates) - of_rows[chunk, None] - of_candidates
        nearest = np.argpartition(scaled, n_matches - 1, axis=1)[:, :n_matches]
        distances = np.take_along_axis(scaled, nearest, axis=1)
        order = np.argsort(distances, axis=1, kind="stable")
        indices.append(np.take_along_axis(nearest, order, axis=1))
        weights.append(softmax(-np.take_along_axis(distances, order, axis=1) / scale, axis=1))
    return np.concatenate(indices), np.concatenate(weights)


def trust_of_rows(
    indices: NDArray[np.intp], weights: Matrix, shares: Matrix, candidate_shares: Matrix
) -> Matrix:
    """Return the probability that each row and its counterparts share a cluster; shape (n,).

    ``shares`` are the responsibilities of the rows times the confidence of each cluster, of
    shape (n, k); ``candidate_shares`` are the responsibilities of the candidates, (m, k).

    Examples
    --------
    >>> trust_of_rows(np.array([[1]]), np.array([[1.0]]), np.array([[0.5, 0.0]]), np.eye(2)[::-1])
    array([0.5])
    """
    of_matches = np.einsum("ij,ijk->ik", weights, candidate_shares[indices])
    trust: Matrix = (shares * of_matches).sum(axis=1)
    return trust


def _mean_distance(rows: FloatRows, others: FloatRows) -> Matrix:
    # Mean distance of each row to its nearest neighbours among the others.
    neighbors = NearestNeighbors(n_neighbors=min(N_NEIGHBORS, len(others))).fit(others)
    if len(rows) == 0:
        return np.empty(0)
    mean: Matrix = neighbors.kneighbors(rows)[0].mean(axis=1)
    return mean
