"""Fused Gromov-Wasserstein with distance profiles for features, projection, k-means.

Fused Gromov-Wasserstein (Vayer et al., ICML 2019) adds a cost between features to that
between distances. No features are shared here. What two rows of different spaces can be
compared by is how far all others are: the cost is the squared Wasserstein distance
between the distributions of their distances, the cost of Mémoli's third lower bound
(Foundations of Computational Mathematics 2011). This pairing of the two is ours, not a
published recipe. Both costs weigh the same (alpha 0.5, as in POT); distances are those of
``entropic_gw``. Solved by POT without entropy, from the uniform start, in at most 100
steps of conditional gradient; the profiles are compared at 100 quantiles.
"""

from __future__ import annotations

import numpy as np
import ot
from scipy.spatial.distance import cdist

from ._spaces import cluster_through
from .entropic_gw import MAX_STEPS, hops
from .interface import Clustering, Matrix

ALPHA = 0.5
N_QUANTILES = 100


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Couple the rows, then cluster A's rows and B's projections onto them."""
    distances_a, distances_b = hops(X_a), hops(X_b)
    coupling = ot.gromov.fused_gromov_wasserstein(
        profile_costs(distances_a, distances_b),
        distances_a,
        distances_b,
        loss_fun="square_loss",
        alpha=ALPHA,
        max_iter=MAX_STEPS,
    )
    return cluster_through(coupling, X_a, k, seed)


def profile_costs(distances_a: Matrix, distances_b: Matrix) -> Matrix:
    """Squared Wasserstein distances between rows' distributions of distances.

    Parameters
    ----------
    distances_a : ndarray of shape (n_a, n_a)
    distances_b : ndarray of shape (n_b, n_b)

    Returns
    -------
    ndarray of shape (n_a, n_b)
    """
    levels = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
    profiles = [np.quantile(D, levels, axis=1).T for D in (distances_a, distances_b)]
    costs: Matrix = cdist(*profiles, "sqeuclidean") / N_QUANTILES
    return costs
