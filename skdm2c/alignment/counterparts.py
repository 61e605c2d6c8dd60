"""Rows of one modality and their likeliest counterparts in another, in the unified space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import softmax
from sklearn.neighbors import NearestNeighbors

from ..data.rows import FloatRows, Matrix

N_AROUND = 10  # nearest rows of the other modality that say how crowded it is around a row
MAX_PART = 2000  # rows whose distances are held at once


@dataclass(frozen=True, eq=False)
class RowMatches:
    """Likeliest counterparts of some rows among the rows of another modality.

    Parameters
    ----------
    rows : ndarray of int of shape (n, n_matches)
        Numbers of the candidates, the likeliest first.
    weights : ndarray of shape (n, n_matches)
        How likely each of them is beside the others; rows sum to one.
    trust : ndarray of shape (n,)
        In [0, 1]: estimated probability that a counterpart is of the row's cluster, and that
        the clusters are matched rightly.

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
    """Nearest candidates of each row, with distances corrected for hubs.

    A hub is a candidate that is near to many rows. Cross-domain similarity local scaling counts
    a distance relative to how crowded it is around the row and around the candidate.

    Parameters
    ----------
    rows : ndarray of shape (n, c)
    candidates : ndarray of shape (m, c)
    neighborhood : ndarray of shape (p, c)
        Rows of the same modality as ``rows``, around the candidates.
    n_matches : int
        At most m.

    Returns
    -------
    indices : ndarray of int of shape (n, n_matches)
    weights : ndarray of shape (n, n_matches)

    References
    ----------
    Conneau, Lample, Ranzato, Denoyer, Jégou, "Word translation without parallel data",
    ICLR 2018, section 2.3.

    Examples
    --------
    On a line:

    >>> rows = np.array([[0.0], [1.0], [2.0]])
    >>> nearest_counterparts(rows, np.array([[0.1], [2.1]]), rows, 1)[0].ravel()
    array([0, 0, 1])
    """
    of_candidates = _mean_distance(candidates, neighborhood)
    of_rows = _mean_distance(rows, candidates)
    scale = max(float(of_rows.mean()), 1e-12) if len(rows) else 1.0
    indices, weights = [], []
    for part in np.array_split(np.arange(len(rows)), -(-max(len(rows), 1) // MAX_PART)):
        scaled = 2 * cdist(rows[part], candidates) - of_rows[part, None] - of_candidates
        nearest = np.argpartition(scaled, n_matches - 1, axis=1)[:, :n_matches]
        distances = np.take_along_axis(scaled, nearest, axis=1)
        order = np.argsort(distances, axis=1, kind="stable")
        indices.append(np.take_along_axis(nearest, order, axis=1))
        weights.append(softmax(-np.take_along_axis(distances, order, axis=1) / scale, axis=1))
    return np.concatenate(indices), np.concatenate(weights)


def trust_of_rows(
    indices: NDArray[np.intp], weights: Matrix, shares: Matrix, candidate_shares: Matrix
) -> Matrix:
    """Probability that a row and its counterparts, by their weights, are of one cluster.

    Parameters
    ----------
    indices : ndarray of int of shape (n, n_matches)
    weights : ndarray of shape (n, n_matches)
    shares : ndarray of shape (n, k)
        Responsibilities of the rows, times the confidence of each cluster.
    candidate_shares : ndarray of shape (m, k)
        Responsibilities of the candidates.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> trust_of_rows(np.array([[1]]), np.array([[1.0]]), np.array([[0.5, 0.0]]), np.eye(2)[::-1])
    array([0.5])
    """
    of_matches = np.einsum("ij,ijk->ik", weights, candidate_shares[indices])
    trust: Matrix = (shares * of_matches).sum(axis=1)
    return trust


def _mean_distance(rows: FloatRows, others: FloatRows) -> Matrix:
    # To the nearest of the others.
    neighbors = NearestNeighbors(n_neighbors=min(N_AROUND, len(others))).fit(others)
    if len(rows) == 0:
        return np.empty(0)
    mean: Matrix = neighbors.kneighbors(rows)[0].mean(axis=1)
    return mean
