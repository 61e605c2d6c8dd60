"""Where the rows of one modality belong in another's latent space, once clusters are matched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..clustering import cluster_moments
from ..data.rows import Matrix


def taught_targets(
    latents: NDArray[np.floating],
    shares: Matrix,
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
    shares : ndarray of shape (n, k)
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

    >>> z, shares = np.array([[0.0], [2.0], [10.0], [12.0]]), np.repeat(np.eye(2), 2, axis=0)
    >>> taught_targets(z, shares, 50 - 2 * z, shares).round(2).ravel()
    array([46., 50., 26., 30.])
    """
    means, factor = _moments(latents, shares)
    other_means, other_factor = _moments(other_latents, other_shares)
    within = latents - shares @ means
    targets: Matrix = shares @ other_means + np.linalg.solve(factor, within.T).T @ other_factor.T
    return targets


def _moments(latents: NDArray[np.floating], shares: Matrix) -> tuple[Matrix, Matrix]:
    # Means of the clusters, and a Cholesky factor of the covariance within them.
    means, covariance = cluster_moments(latents.astype(np.float64), shares)
    # Latents need not fill their space.
    floor = 1e-6 * np.trace(covariance) / len(covariance) + 1e-12
    return means, np.linalg.cholesky(covariance + floor * np.eye(len(covariance)))
