"""Evidence of known pairs for the matching of clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .assignment import most_shared
from .prototypes import Prototypes
from .transport import sinkhorn

PROFILE_KINDS = ("geodesic", "cosine", "euclidean")
N_TABLES = 200  # samples from the posterior of the table of proportions
MIN_ANCHORS = 10  # the distances to fewer rows are too noisy to help


def pair_affinity(left: Prototypes, right: Prototypes, pairs: NDArray[np.intp]) -> Matrix:
    """Return the affinity of shape (p, q) of the sides' prototypes, judged by the known pairs.

    Prototypes are similar if they are near to the same instances and far from the same; more so if
    the rows of one instance are nearest to both. ``pairs`` of shape (m, 2) indexes the anchors.
    """
    i, j = pairs.T
    nearest = (p.anchors["cosine"].argmin(axis=0) for p in (left, right))
    counts = np.zeros((len(left.masses), len(right.masses)))
    np.add.at(counts, tuple(n[c] for n, c in zip(nearest, (i, j), strict=True)), 1.0)
    affinity: Matrix = counts / counts.max()
    if len(pairs) >= MIN_ANCHORS:
        profiles = [
            _anchor_profiles(left.anchors[kind][:, i])
            @ _anchor_profiles(right.anchors[kind][:, j]).T
            for kind in PROFILE_KINDS
        ]
        affinity += np.mean(profiles, axis=0)
    return affinity


def pair_counts(
    left: NDArray[np.integer], right: NDArray[np.integer], pairs: NDArray[np.intp], k: int
) -> Matrix:
    """Count the known pairs that every two clusters share; returns an array of shape (k, k).

    ``left`` and ``right`` hold the cluster of each row; ``pairs`` of shape (p, 2) indexes the rows.
    """
    counts = np.zeros((k, k))
    np.add.at(counts, (left[pairs[:, 0]], right[pairs[:, 1]]), 1.0)
    return counts


def rake(tables: Matrix, left_sizes: Matrix, right_sizes: Matrix) -> Matrix:
    """Scale nonnegative tables of shape (s, k, k) so that their margins are the clusters' sizes.

    This corrects for pairs that over-represent some clusters, as the sizes are known from all rows.

    Examples
    --------
    >>> table = np.array([[[4.0, 4.0], [2.0, 2.0]]])
    >>> rake(table, np.array([0.5, 0.5]), np.array([0.25, 0.75])).round(3)
    array([[[0.125, 0.375],
            [0.125, 0.375]]])
    """
    # Clusters may be empty.
    margins = (np.maximum(size, 1e-6) for size in (left_sizes, right_sizes))
    table, left, right = (x.astype(np.float32) for x in (tables + 1e-12, *margins))
    return sinkhorn(table, left, right).astype(np.float64)


def confidence_from_pairs(
    counts: Matrix,
    partners: NDArray[np.intp],
    left_sizes: Matrix,
    right_sizes: Matrix,
    rng: np.random.RandomState,
) -> Matrix:
    """Return how sure the known pairs alone make the partner of each cluster, of shape (k,).

    The confidence in [0, 1] is the posterior probability, corrected for chance, that the true table
    of proportions gives the same partner.

    Examples
    --------
    With no pair, one and ten pairs per cluster:

    >>> rng, identity, even = np.random.RandomState(0), np.arange(3), np.full(3, 1 / 3)
    >>> for n in (0, 1, 10):
    ...     confidence = confidence_from_pairs(n * np.eye(3), identity, even, even, rng)
    ...     print(confidence.mean().round(1))
    0.0
    0.7
    1.0
    """
    k = len(partners)
    # Normalised gamma variates are Dirichlet; 0.5 is Jeffreys' prior.
    tables = rng.standard_gamma(counts + 0.5, size=(N_TABLES, k, k))
    plausible = rake(tables, left_sizes, right_sizes)
    agreement = np.mean([most_shared(table) == partners for table in plausible], axis=0)
    confidence: Matrix = np.clip((agreement - 1 / k) / (1 - 1 / k), 0, 1) if k > 1 else np.ones(1)
    return confidence


def _anchor_profiles(distances: Matrix) -> Matrix:
    # Distances to each anchor relative to those of other prototypes, as unit vectors.
    scores = distances - distances.mean(axis=0)
    scores /= np.maximum(distances.std(axis=0), 1e-12)
    scores -= scores.mean(axis=1, keepdims=True)
    unit: Matrix = scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-12)
    return unit
