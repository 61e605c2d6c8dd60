"""mini-vec2vec (Dar, arXiv 2510.02348, 2025): an orthogonal map between spaces, then k-means.

First a rough matching: k-means centres of both modalities are matched by the quadratic
assignment of their centred Gram matrices, again and again; rows are described by their
cosines with all matched centres, and each A row is given the mean of the B rows that are
described alike. Procrustes turns that into a map of A's space onto B's. Then two
refinements, each averaged with the map before it: means of the nearest B rows of mapped
A rows, and k-means of B started from A's mapped centres.

Written from the paper and its published settings: 30 matchings of 20 centres, the best of
30 starts of 2-opt each; 50 nearest; 100 first refinements of 1000 rows, one second
refinement of 500 clusters. Those are for spaces of one width and very many rows. Here
both modalities become principal components of one width, centred and of unit norm; 50 and
500 become a tenth of the rows where that is less, 20 a third; matchings are of all rows,
not of 10,000.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import quadratic_assignment
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize

from ._spaces import at_one_width
from .interface import Clustering, Labels, Matrix

N_MATCHINGS, N_CENTERS, N_STARTS = 30, 20, 30
N_NEIGHBORS = 50
N_REFINEMENTS, N_SAMPLED, N_REFINED_CENTERS, STEP = 100, 1000, 500, 0.5


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Learn the map, then cluster A's mapped rows and B's."""
    rng = np.random.RandomState(seed)
    Z_a, Z_b = (normalize(Z) for Z in at_one_width(X_a, X_b, seed))
    mapping = orthogonal_procrustes(Z_a, roughly_matched(Z_a, Z_b, rng))[0]
    for _ in range(N_REFINEMENTS):
        rows = Z_a[rng.permutation(len(Z_a))[:N_SAMPLED]]
        similar = normalize(rows @ mapping) @ Z_b.T
        mapping = _towards(mapping, rows, mean_of_nearest(similar, Z_b))
    mapping = _towards(mapping, *centers_of_mapped(Z_a, Z_b, mapping, rng))
    rows = np.vstack([normalize(Z_a @ mapping), Z_b])
    return Clustering(KMeans(k, n_init=10, random_state=seed).fit_predict(rows), rows)


def roughly_matched(Z_a: Matrix, Z_b: Matrix, rng: np.random.RandomState) -> Matrix:
    """For each A row, the mean of the B rows that lie alike to matched centres."""
    pairs = [matched_centers(Z_a, Z_b, rng) for _ in range(N_MATCHINGS)]
    described_a, described_b = (
        normalize(Z @ normalize(np.vstack(centers)).T)
        for Z, centers in zip((Z_a, Z_b), zip(*pairs, strict=True), strict=True)
    )
    return mean_of_nearest(described_a @ described_b.T, Z_b)


def matched_centers(Z_a: Matrix, Z_b: Matrix, rng: np.random.RandomState) -> tuple[Matrix, Matrix]:
    """k-means centres of both, in the order of their best quadratic assignment."""
    n_centers = min(N_CENTERS, len(Z_a) // 3, len(Z_b) // 3)
    centers_a, centers_b = (_centers(Z, n_centers, rng) for Z in (Z_a, Z_b))
    grams = [_centered_gram(c) for c in (centers_a, centers_b)]
    tries = [
        quadratic_assignment(
            *grams,
            method="2opt",
            options={"maximize": True, "rng": np.random.default_rng(rng.randint(2**31))},
        )
        for _ in range(N_STARTS)
    ]
    return centers_a, centers_b[max(tries, key=lambda found: found.fun).col_ind]


def mean_of_nearest(similar: Matrix, Z_b: Matrix) -> Matrix:
    """Means (n, d) of the B rows that are most similar by the rows of ``similar``, (n, n_b)."""
    n_neighbors = min(N_NEIGHBORS, len(Z_b) // 10)
    nearest: Labels = np.argpartition(-similar, n_neighbors - 1, axis=1)[:, :n_neighbors]
    means: Matrix = Z_b[nearest].mean(1)
    return means


def centers_of_mapped(
    Z_a: Matrix, Z_b: Matrix, mapping: Matrix, rng: np.random.RandomState
) -> tuple[Matrix, Matrix]:
    """A's k-means centres, and B's when k-means starts from where those are mapped to."""
    centers = _centers(Z_a, min(N_REFINED_CENTERS, len(Z_a) // 10, len(Z_b) // 10), rng)
    return centers, KMeans(len(centers), init=centers @ mapping, n_init=1).fit(Z_b).cluster_centers_


def _towards(mapping: Matrix, rows: Matrix, targets: Matrix) -> Matrix:
    return (1 - STEP) * mapping + STEP * orthogonal_procrustes(rows, targets)[0]


def _centers(Z: Matrix, n_centers: int, rng: np.random.RandomState) -> Matrix:
    centers: Matrix = KMeans(n_centers, n_init=1, random_state=rng).fit(Z).cluster_centers_
    return centers


def _centered_gram(centers: Matrix) -> Matrix:
    centered = centers - centers.mean(0)
    return centered @ centered.T
