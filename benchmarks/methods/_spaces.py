"""Two modalities as rows of one matrix, the simple ways."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from .interface import Clustering, Matrix

MAX_WIDTH = 128


def at_one_width(X_a: Matrix, X_b: Matrix, seed: int) -> tuple[Matrix, Matrix]:
    """Principal components of each modality, as many of the one as of the other.

    As the paper's inputs and its concatenating baselines are made.
    """
    width = min(MAX_WIDTH, *X_a.shape, *X_b.shape)
    return PCA(width, random_state=seed).fit_transform(X_a), PCA(
        width, random_state=seed
    ).fit_transform(X_b)


def stacked(X_a: Matrix, X_b: Matrix, seed: int) -> Matrix:
    """Components of both below each other, each modality with unit mean square.

    Else the modality of the larger numbers would decide alone.
    """
    return np.vstack([Z / np.sqrt(np.mean(Z**2)) for Z in at_one_width(X_a, X_b, seed)])


def barycentric(coupling: Matrix, X_a: Matrix) -> Matrix:
    """B's rows as means of the A rows that they are coupled to.

    Parameters
    ----------
    coupling : ndarray of shape (n_a, n_b)
        Nonnegative.
    X_a : ndarray of shape (n_a, d_a)

    Returns
    -------
    ndarray of shape (n_b, d_a)
    """
    mass = coupling.sum(0)
    return (coupling / np.where(mass > 0, mass, 1)).T @ X_a


def cluster_through(coupling: Matrix, X_a: Matrix, k: int, seed: int) -> Clustering:
    """k-means on A's rows and on what the coupling makes of B's."""
    rows = np.vstack([X_a, barycentric(coupling, X_a)])
    return Clustering(KMeans(k, n_init=10, random_state=seed).fit_predict(rows), rows)
