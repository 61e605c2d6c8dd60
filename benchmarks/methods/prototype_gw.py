"""Gromov-Wasserstein between k-means prototypes, spread over their rows, k-means.

The plain recipe that the estimator's alignment grew from: one set of prototypes a
modality, Euclidean distances, one solution from the uniform start. Solved by POT.
"""

from __future__ import annotations

import numpy as np
import ot
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances

from ._spaces import cluster_through
from .interface import Clustering, Matrix

MAX_PROTOTYPES = 36
ROWS_PER_PROTOTYPE = 8


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Couple the prototypes; a row is coupled as its prototype is."""
    (members_a, centers_a), (members_b, centers_b) = (_prototypes(X, seed) for X in (X_a, X_b))
    coupling = ot.gromov.gromov_wasserstein(
        _distances(centers_a),
        _distances(centers_b),
        members_a.mean(0),
        members_b.mean(0),
        loss_fun="square_loss",
    )
    rows = (members_a / members_a.sum(0)) @ coupling @ (members_b / members_b.sum(0)).T
    return cluster_through(rows, X_a, k, seed)


def _prototypes(X: Matrix, seed: int) -> tuple[Matrix, Matrix]:
    # one-hot memberships (n, p) and centres (p, d)
    n_prototypes = min(MAX_PROTOTYPES, len(X) // ROWS_PER_PROTOTYPE)
    kmeans = KMeans(n_prototypes, n_init=1, random_state=seed).fit(X)
    return np.eye(n_prototypes)[kmeans.labels_], kmeans.cluster_centers_


def _distances(centers: Matrix) -> Matrix:
    distances = pairwise_distances(centers)
    return distances / distances.mean()
