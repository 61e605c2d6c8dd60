"""Unbalanced Gromov-Wasserstein between all rows, barycentric projection, k-means.

The coupling of SCOTv2 (Demetci et al., Journal of Computational Biology 2022), which is
the unbalanced Gromov-Wasserstein of Séjourné et al. (NeurIPS 2021): rows may lose or gain
mass, at the price of a Kullback-Leibler divergence, so that clusters need not have equal
shares in both modalities. Solved by POT, without a linear term, as no features are shared.

The marginals' weight is SCOTv2's when nothing is given, 1. Distances and the entropy's
weight are those of ``entropic_gw`` (SCOTv2 takes 0.01 for 0.001), so that the two methods
differ in the marginals; at most 100 outer steps, as there, where SCOTv2 allows 3000.
"""

from __future__ import annotations

import ot

from ._spaces import cluster_through
from .entropic_gw import EPSILON, MAX_STEPS, hops
from .interface import Clustering, Matrix

WEIGHT_MARGINALS = 1.0


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Couple the rows, then cluster A's rows and B's projections onto them."""
    coupling, _ = ot.gromov.fused_unbalanced_gromov_wasserstein(
        hops(X_a),
        hops(X_b),
        reg_marginals=WEIGHT_MARGINALS,
        epsilon=EPSILON,
        divergence="kl",
        unbalanced_solver="sinkhorn",
        max_iter=MAX_STEPS,
    )
    return cluster_through(coupling, X_a, k, seed)
