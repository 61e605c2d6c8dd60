"""How far to trust a matching: what three witnesses say, as one probability.

The distances of each modality bear a matching out, or do not. Rows within clusters bear it out when
they are coupled more cheaply than rows of clusters that were turned at random. Centres of
clusters bear it out when their distances agree better than those of centres placed at random.
What each of them is worth was fitted by logistic regression to 163 matchings whose outcome is
known, 58 of them of data that have nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform
from scipy.special import expit
from sklearn.preprocessing import normalize

from ..clustering.mixture import cluster_means
from ..data.rows import Matrix
from .assignment import Permutations, two_opt
from .decision import Space, costs_of_split, split_rows
from .rows import Points

DISTANCES_WEIGHT, SHAPES_WEIGHT, CENTERS_WEIGHT, NUMBER_WEIGHT = 6.6, 14.0, 0.6, 2.6
OFFSET = -8.6
MOST_CLUSTERS = 10  # more of them are no further reason to trust a matching
N_TURNED = 4  # surrogates whose rows are coupled
SHAPES_RANGE = -0.1, 0.15
N_PLACED = 20  # surrogates of the centres of either side
N_SEARCHES = 12  # for the permutation under which distances agree best
CENTERS_RANGE = -2.0, 3.0
SMALL_SPREAD = 0.02  # added to standard deviations of correlations
NEGLIGIBLE = 1e-3  # variance, as a part of the largest, of directions that rows hardly have


class Trust(NamedTuple):
    """What speaks for a matching.

    Attributes
    ----------
    probability : float
        That it is right.
    p_value : float
        How often centres placed at random would match as well as those of the clusters, or
        better: at least 1 / 41, and hardly small where clusters are few.
    """

    probability: float
    p_value: float


class CenterComparison(NamedTuple):
    """Correlations of distances between centres, Euclidean and by cosine.

    Attributes
    ----------
    observed : ndarray of shape (2,)
    by_chance : ndarray of shape (2, n)
        With centres placed at random.
    """

    observed: Matrix
    by_chance: Matrix

    def deviations(self) -> Matrix:
        """Observed ones, in standard deviations above the mean of those by chance."""
        above = self.observed - self.by_chance.mean(axis=1)
        deviations: Matrix = above / (self.by_chance.std(axis=1) + SMALL_SPREAD)
        return np.clip(deviations, *CENTERS_RANGE)


def weigh(
    distances: float,
    partners: Permutations,
    spaces: Sequence[Space],
    left_labels: NDArray[np.integer],
    right_labels: NDArray[np.integer],
    rng: np.random.RandomState,
) -> Trust:
    """Probability that a matching is right, and how often chance would match as well.

    Parameters
    ----------
    distances : float
        In [0, 1]: how far the distances bear it out, under the scaling in which they do least.
    partners : ndarray of int of shape (k,)
        Right cluster of each left one.
    spaces : sequence of Space
        One a scaling.
    left_labels, right_labels : ndarray of int of shape (n,) and (m,)
    rng : RandomState

    Returns
    -------
    Trust
    """
    one_hot = np.eye(len(partners))
    left_shares, right_shares = one_hot[left_labels], one_hot[right_labels][:, partners]
    filled = np.flatnonzero(left_shares.any(axis=0) & right_shares.any(axis=0))
    matched = left_shares[:, filled], right_shares[:, filled]
    shapes = np.mean([shape_agreement(space, *matched, rng) for space in spaces])
    centers, p_value = 0.0, 1.0
    if len(filled) >= 3:  # of fewer, distances always agree
        compared = [compare_centers(space, *matched, rng) for space in spaces]
        centers = float(np.mean([one.deviations() for one in compared]))
        observed = np.mean([one.observed for one in compared])
        by_chance = np.mean([one.by_chance for one in compared], axis=(0, 1))
        p_value = float((1 + (by_chance >= observed).sum()) / (1 + len(by_chance)))
    log_odds = (
        OFFSET
        + DISTANCES_WEIGHT * distances
        + SHAPES_WEIGHT * np.clip(shapes, *SHAPES_RANGE)
        + CENTERS_WEIGHT * centers
        + NUMBER_WEIGHT * np.log(np.clip(len(filled), 1, MOST_CLUSTERS))
    )
    # Where distances say nothing at all, as of a handful of rows, nothing is known.
    return Trust(float(expit(log_odds)) if distances > 0 else 0.0, p_value)


def shape_agreement(
    space: Space, left_shares: Matrix, right_shares: Matrix, rng: np.random.RandomState
) -> float:
    """By how much dearer rows are to couple when each right cluster is turned by itself.

    Parameters
    ----------
    space : Space
    left_shares, right_shares : ndarray of shape (n, k) and (m, k)
        Clusters of the rows; the same columns stand for matched clusters.
    rng : RandomState

    Returns
    -------
    float
        Mean logarithm of the ratio of costs, for rows that the maps were fitted to and others:
        about zero where what clusters look like within is not shared.
    """
    left, right = space
    fixed = left_shares, right_shares, split_rows(len(left), rng), split_rows(len(right), rng)
    turned = [
        costs_of_split(Space(left, turn_clusters(right, right_shares, rng)), *fixed)
        for _ in range(N_TURNED)
    ]
    # Rows may be all the same.
    dearer, costs = (np.maximum(x, 1e-12) for x in (turned, costs_of_split(space, *fixed)))
    return float(np.mean(np.log(dearer / costs)))


def turn_clusters(points: Points, responsibilities: Matrix, rng: np.random.RandomState) -> Points:
    """Turn each cluster about its centre by a random rotation of its own.

    Rotations are of whitened rows: the covariance that clusters have in common stays.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    responsibilities : ndarray of shape (n, k)
        One where a row belongs to a cluster.
    rng : RandomState

    Returns
    -------
    ndarray of shape (n, c)
    """
    within = points - responsibilities @ cluster_means(points, responsibilities)
    variances, directions = np.linalg.eigh(within.T @ within / len(within))
    kept = variances > NEGLIGIBLE * variances.max()
    scales, directions = np.sqrt(variances[kept]), directions[:, kept]
    white = within @ directions / scales
    turned = white.copy()
    for rows in responsibilities.T > 0:
        rotation, _ = np.linalg.qr(rng.standard_normal((kept.sum(), kept.sum())))
        turned[rows] = white[rows] @ rotation
    moved: Points = points + ((turned - white) * scales @ directions.T).astype(np.float32)
    return moved


def compare_centers(
    space: Space, left_shares: Matrix, right_shares: Matrix, rng: np.random.RandomState
) -> CenterComparison:
    """Correlate distances between centres, and distances from centres placed at random.

    Random centres have the covariance of those given, and are matched as well as they can be.

    Parameters
    ----------
    space : Space
    left_shares, right_shares : ndarray of shape (n, k) and (m, k)
        Clusters of the rows; the same columns stand for matched clusters; at least three.
    rng : RandomState

    Returns
    -------
    CenterComparison
    """
    centers = [
        cluster_means(points.astype(np.float64), responsibilities)
        for points, responsibilities in zip(space, (left_shares, right_shares), strict=True)
    ]
    centers = [x - x.mean(axis=0) for x in centers]
    observed, by_chance = [], []
    for of in (np.asarray, normalize):
        left, right = (_standard_distances(of(x)) for x in centers)
        observed.append((left * right).sum())
        by_chance.append(
            [
                _best_correlation(other, _standard_distances(of(_placed_at_random(x, rng))), rng)
                for x, other in zip(centers, (right, left), strict=True)
                for _ in range(N_PLACED)
            ]
        )
    return CenterComparison(np.array(observed), np.array(by_chance))


def _placed_at_random(centers: Matrix, rng: np.random.RandomState) -> Matrix:
    # As many centres in as many directions, with the same variances.
    k = len(centers)
    spread = np.linalg.svd(centers, compute_uv=False)[: k - 1]
    even = np.column_stack([np.ones(k), rng.standard_normal((k, len(spread)))])
    placed: Matrix = np.linalg.qr(even)[0][:, 1:] * spread
    return placed


def _standard_distances(centers: Matrix) -> Matrix:
    # Distances of mean zero, such that those of two sides multiply to their correlation.
    distances = pdist(centers)
    distances -= distances.mean()
    distances /= max(np.sqrt(2 * np.square(distances).sum()), 1e-12)
    square: Matrix = squareform(distances)
    return square


def _best_correlation(left: Matrix, right: Matrix, rng: np.random.RandomState) -> float:
    k = len(left)
    starts = np.stack([rng.permutation(k) for _ in range(N_SEARCHES)])
    return float(two_opt(left[None], right[None], np.zeros((k, k)), starts)[1].max())
