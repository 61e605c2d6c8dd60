"""k-means on the concatenation: the DM2C paper's own baseline."""

from __future__ import annotations

from sklearn.cluster import KMeans

from ._spaces import stacked
from .interface import Clustering, Matrix


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Cluster the principal components of both modalities as if they meant the same."""
    rows = stacked(X_a, X_b, seed)
    return Clustering(KMeans(k, n_init=10, random_state=seed).fit_predict(rows), rows)
