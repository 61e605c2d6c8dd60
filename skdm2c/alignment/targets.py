"""Where the rows of one modality belong in another's latent space, once clusters are matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clustering.mixture import cluster_moments
from ..data.rows import Matrix, Rows
from .rows import Points, RowCoupling

MAX_PART = 2000  # rows whose weights are held at once
UNTRUSTED, TRUSTED = 0.3, 0.5  # confidences between which the weight of row targets rises to one


def taught_targets(
    latents: NDArray[np.floating],
    responsibilities: Matrix,
    other_latents: NDArray[np.floating],
    other_shares: Matrix,
) -> Matrix:
    """Send clusters to their partners, means to means and spread to spread.

    A row's place is the mean of its clusters' partners, each by its share, plus the row's
    distance from its own clusters' mean, turned from the one common covariance within
    clusters to the other.

    Parameters
    ----------
    latents : ndarray of shape (n, c)
    responsibilities : ndarray of shape (n, k)
        What each row belongs to; rows sum to one.
    other_latents : ndarray of shape (m, c)
    other_shares : ndarray of shape (m, k)
        Its columns stand for the same clusters.

    Returns
    -------
    ndarray of shape (n, c)

    Examples
    --------
    Two clusters, twice as wide and elsewhere in the other space:

    >>> z, of_cluster = np.array([[0.0], [2.0], [10.0], [12.0]]), np.repeat(np.eye(2), 2, axis=0)
    >>> taught_targets(z, of_cluster, 50 - 2 * z, of_cluster).round(2).ravel()
    array([46., 50., 26., 30.])
    """
    means, factor = _moments(latents, responsibilities)
    other_means, other_factor = _moments(other_latents, other_shares)
    within = latents - responsibilities @ means
    targets: Matrix = (
        responsibilities @ other_means + np.linalg.solve(factor, within.T).T @ other_factor.T
    )
    return targets


@dataclass(frozen=True)
class CoupledRows:
    """Some rows of two modalities, coupled under one scaling or several.

    Attributes
    ----------
    couplings : list of RowCoupling
        One a scaling.
    left, right : list of ndarray of shape (n, c) and (m, d)
        All rows, coupled or not, under each scaling.
    of_left, of_right : ndarray of int
        The rows that were coupled.
    pairs : ndarray of int of shape (p, 2)
        Rows that are known to be counterparts.
    """

    couplings: Sequence[RowCoupling]
    left: Sequence[Points]
    right: Sequence[Points]
    of_left: NDArray[np.intp]
    of_right: NDArray[np.intp]
    pairs: NDArray[np.intp]

    def turned(self) -> CoupledRows:
        """Turn the couplings round, the right side to the left."""
        couplings = [coupling.turned() for coupling in self.couplings]
        pairs = self.pairs[:, ::-1]
        return CoupledRows(couplings, self.right, self.left, self.of_right, self.of_left, pairs)

    def targets(self, values: Rows, left_rows: NDArray[np.intp] | None = None) -> Matrix:
        """Average what the counterparts of left rows have, over the scalings too.

        Rows with a known counterpart get what that has.

        Parameters
        ----------
        values : Rows of shape (m, d)
            Of all right rows: their latents, or the rows themselves.
        left_rows : ndarray of int of shape (p,), default=None
            In ascending order; None is for all n.

        Returns
        -------
        ndarray of shape (p, d)
        """
        if left_rows is None:
            left_rows = np.arange(len(self.left[0]))
        coupled = values[self.of_right]
        parts = np.array_split(left_rows, -(-len(left_rows) // MAX_PART))
        targets: Matrix = np.concatenate(
            [
                np.mean(
                    [
                        coupling.weights(points[part])
                        for coupling, points in zip(self.couplings, self.left, strict=True)
                    ],
                    axis=0,
                )
                @ coupled
                for part in parts
            ]
        )
        known, of_known = self.pairs[np.isin(self.pairs[:, 0], left_rows)].T
        targets[np.searchsorted(left_rows, known)] = values[of_known]
        return targets


def row_weight(confidence: float) -> float:
    """Weight of row targets beside cluster targets: refining a wrong matching would harm.

    Parameters
    ----------
    confidence : float
        Of the matching of clusters.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> [round(row_weight(confidence), 2) for confidence in (0.2, 0.4, 0.8)]
    [0.0, 0.5, 1.0]
    """
    return float(np.clip((confidence - UNTRUSTED) / (TRUSTED - UNTRUSTED), 0, 1))


def _moments(latents: NDArray[np.floating], responsibilities: Matrix) -> tuple[Matrix, Matrix]:
    # Means of the clusters, and a Cholesky factor of the covariance within them.
    means, covariance = cluster_moments(latents.astype(np.float64), responsibilities)
    # Latents need not fill their space.
    floor = 1e-6 * np.trace(covariance) / len(covariance) + 1e-12
    return means, np.linalg.cholesky(covariance + floor * np.eye(len(covariance)))
