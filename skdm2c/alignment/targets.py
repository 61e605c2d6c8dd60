"""Targets of generators: where rows belong in another latent space once clusters are matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clustering.mixture import cluster_moments
from ..data.rows import Matrix, Rows
from .rows import Points, RowCoupling

CHUNK_SIZE = 2000  # rows whose weights are held in memory at once
UNTRUSTED, TRUSTED = 0.3, 0.5  # confidences between which the weight of row targets rises to one


def taught_targets(
    latents: NDArray[np.floating],
    responsibilities: Matrix,
    other_latents: NDArray[np.floating],
    other_shares: Matrix,
) -> Matrix:
    """Compute where rows belong in another latent space, given the matching of clusters.

    The means of clusters are mapped to the means of their partners. A row's deviation from its
    cluster's mean is mapped by the linear transform that turns the common covariance within
    clusters of one space into that of the other.

    Parameters
    ----------
    latents : ndarray of shape (n, c)
        Latents of the rows to map.
    responsibilities : ndarray of shape (n, k)
        Responsibilities of these rows; each row sums to one.
    other_latents : ndarray of shape (m, c)
        Latents of rows in the target space.
    other_shares : ndarray of shape (m, k)
        Responsibilities of the rows in the target space; equal columns stand for matched clusters.

    Returns
    -------
    ndarray of shape (n, c)
        Target of each row in the other latent space.

    Examples
    --------
    In the other space two clusters are twice as wide, mirrored and shifted:

    >>> z, resp = np.array([[0.0], [2.0], [10.0], [12.0]]), np.repeat(np.eye(2), 2, axis=0)
    >>> taught_targets(z, resp, 50 - 2 * z, resp).round(2).ravel()
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
    """Some rows of two modalities, coupled under one or several scalings."""

    couplings: Sequence[RowCoupling]  # one per scaling
    left: Sequence[Points]  # all n left rows under each scaling, coupled or not
    right: Sequence[Points]  # all m right rows under each scaling
    of_left: NDArray[np.intp]  # indices of the coupled left rows
    of_right: NDArray[np.intp]  # indices of the coupled right rows
    pairs: NDArray[np.intp]  # of shape (p, 2): rows known to be counterparts

    def turned(self) -> CoupledRows:
        """Return the same couplings with left and right exchanged."""
        couplings = [coupling.turned() for coupling in self.couplings]
        pairs = self.pairs[:, ::-1]
        return CoupledRows(couplings, self.right, self.left, self.of_right, self.of_left, pairs)

    def targets(self, values: Rows, left_rows: NDArray[np.intp] | None = None) -> Matrix:
        """Average the values of each left row's counterparts, over all scalings.

        ``values`` of shape (m, d) belong to the right rows; ``left_rows`` holds p sorted indices,
        by default all. The result has shape (p, d); a known counterpart replaces the average.
        """
        if left_rows is None:
            left_rows = np.arange(len(self.left[0]))
        coupled = values[self.of_right]
        chunks = np.array_split(left_rows, -(-len(left_rows) // CHUNK_SIZE))
        targets: Matrix = np.concatenate(
            [
                np.mean(
                    [
                        coupling.weights(points[chunk])
                        for coupling, points in zip(self.couplings, self.left, strict=True)
                    ],
                    axis=0,
                )
                @ coupled
                for chunk in chunks
            ]
        )
        paired_left, paired_right = self.pairs[np.isin(self.pairs[:, 0], left_rows)].T
        targets[np.searchsorted(left_rows, paired_left)] = values[paired_right]
        return targets


def row_weight(confidence: float) -> float:
    """Return the weight in [0, 1] of row targets relative to cluster targets.

    Refining a wrong matching by rows would do harm: the weight rises with its confidence.
    """
    return float(np.clip((confidence - UNTRUSTED) / (TRUSTED - UNTRUSTED), 0, 1))


def _moments(latents: NDArray[np.floating], responsibilities: Matrix) -> tuple[Matrix, Matrix]:
    # The means of the clusters, and a Cholesky factor of the covariance within clusters.
    means, covariance = cluster_moments(latents.astype(np.float64), responsibilities)
    # The covariance is singular if latents do not fill their space.
    floor = 1e-6 * np.trace(covariance) / len(covariance) + 1e-12
    return means, np.linalg.cholesky(covariance + floor * np.eye(len(covariance)))
