"""Spectral clustering in each modality, clusters matched at random."""

from __future__ import annotations

from sklearn.cluster import SpectralClustering

from .interface import Clustering, Matrix
from .kmeans_each import matched_at_random

N_NEIGHBORS = 10


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Cluster the neighbour graph of each modality."""
    a, b = (
        SpectralClustering(
            k, affinity="nearest_neighbors", n_neighbors=N_NEIGHBORS, random_state=seed
        ).fit_predict(X)
        for X in (X_a, X_b)
    )
    return Clustering(matched_at_random(a, b, k, seed))
