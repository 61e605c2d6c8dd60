"""Confidence in a matching: three kinds of evidence, combined into one probability.

The evidence is how well the distances within either modality agree, whether the shapes of
matched clusters agree, and whether their centres do. Shapes agree if rows are cheaper to couple
than after a random rotation of each right cluster. Centres agree if their distances correlate
better than those of randomly placed centres. The weights are the coefficients of a logistic
regression, fitted to 163 matchings whose outcome is known; 58 of them are of unrelated datasets.
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
from ..data.rows import Matrix, subsample
from ..runtime.parallel import in_threads, spawn
from .assignment import Permutations, two_opt
from .decision import Space, costs_of_split, split_rows
from .rows import Points

DISTANCES_WEIGHT, SHAPES_WEIGHT, CENTERS_WEIGHT, NUMBER_WEIGHT = 6.6, 14.0, 0.6, 2.6
OFFSET = -8.6
MAX_CLUSTERS = 10  # any more do not raise the confidence further
N_ROTATED = 4  # surrogates with rotated clusters
SHAPES_RANGE = -0.1, 0.15
MAX_COMPARED = 36  # clusters whose centres are compared; more are sampled
N_RANDOM_CENTERS = 20  # surrogates of the centres, per side
N_STARTS = 12  # of the search for the permutation under which distances correlate best
CENTERS_RANGE = -2.0, 3.0
DEVIATION_OFFSET = 0.02  # keeps small standard deviations of correlations from dominating
MIN_VARIANCE = 1e-3  # relative to the largest; directions with less are not rotated


class Trust(NamedTuple):
    """Confidence in a matching.

    ``probability`` estimates how likely the matching is right. ``p_value`` says how often randomly
    placed centres match at least as well as those of the clusters: it is at least 1 / 41, and
    rarely small for few clusters.
    """

    probability: float
    p_value: float


class CenterComparison(NamedTuple):
    """Correlations of the two modalities' distances between cluster centres."""

    observed: Matrix  # of shape (2,): Euclidean and cosine
    by_chance: Matrix  # of shape (2, n), with randomly placed centres

    def deviations(self) -> Matrix:
        """Return the observed correlations as standard deviations above the mean by chance."""
        excess = self.observed - self.by_chance.mean(axis=1)
        deviations: Matrix = excess / (self.by_chance.std(axis=1) + DEVIATION_OFFSET)
        return np.clip(deviations, *CENTERS_RANGE)


def estimate_trust(
    distances: float,
    partners: Permutations,
    spaces: Sequence[Space],
    left_labels: NDArray[np.integer],
    right_labels: NDArray[np.integer],
    rng: np.random.RandomState,
) -> Trust:
    """Estimate the probability that a matching is right, and its p-value against chance.

    ``distances`` in [0, 1] is the support from the distances under the least favourable scaling,
    ``partners`` of shape (k,) the right cluster of each left one. ``spaces`` holds one per scaling.
    """
    one_hot = np.eye(len(partners))
    left_resp, right_resp = one_hot[left_labels], one_hot[right_labels][:, partners]
    nonempty = np.flatnonzero(left_resp.any(axis=0) & right_resp.any(axis=0))
    responsibilities = left_resp[:, nonempty], right_resp[:, nonempty]
    cases = zip(spaces, spawn(rng, len(spaces)), strict=True)
    shapes = np.mean(
        in_threads(lambda case: shape_agreement(case[0], *responsibilities, case[1]), cases)
    )
    centers, p_value = 0.0, 1.0
    if len(nonempty) >= 3:  # the distances between fewer centres always agree
        compared = subsample(len(nonempty), MAX_COMPARED, rng)
        left_resp, right_resp = (resp[:, compared] for resp in responsibilities)
        cases = zip(spaces, spawn(rng, len(spaces)), strict=True)
        comparisons = in_threads(
            lambda case: compare_centers(case[0], left_resp, right_resp, case[1]), cases
        )
        centers = float(np.mean([comparison.deviations() for comparison in comparisons]))
        observed = np.mean([comparison.observed for comparison in comparisons])
        by_chance = np.mean([comparison.by_chance for comparison in comparisons], axis=(0, 1))
        p_value = float((1 + (by_chance >= observed).sum()) / (1 + len(by_chance)))
    log_odds = (
        OFFSET
        + DISTANCES_WEIGHT * distances
        + SHAPES_WEIGHT * np.clip(shapes, *SHAPES_RANGE)
        + CENTERS_WEIGHT * centers
        + NUMBER_WEIGHT * np.log(np.clip(len(nonempty), 1, MAX_CLUSTERS))
    )
    # Without support from the distances (a handful of rows has none) there is no basis for trust.
    return Trust(float(expit(log_odds)) if distances > 0 else 0.0, p_value)


def shape_agreement(
    space: Space, left_resp: Matrix, right_resp: Matrix, rng: np.random.RandomState
) -> float:
    """Measure how much more it costs to couple rows once each right cluster is rotated.

    The responsibilities have shapes (n, k) and (m, k); equal columns stand for matched clusters.
    Returns the mean log ratio of the costs, about zero if clusters share no inner structure.
    """
    left, right = space
    fixed = left_resp, right_resp, split_rows(len(left), rng), split_rows(len(right), rng)
    rotated = [
        costs_of_split(Space(left, rotate_clusters(right, right_resp, rng)), *fixed)
        for _ in range(N_ROTATED)
    ]
    # Costs are zero if all rows are equal.
    rotated_costs, costs = (
        np.maximum(values, 1e-12) for values in (rotated, costs_of_split(space, *fixed))
    )
    return float(np.mean(np.log(rotated_costs / costs)))


def rotate_clusters(points: Points, responsibilities: Matrix, rng: np.random.RandomState) -> Points:
    """Rotate each cluster about its centre, by a random rotation of its own.

    ``responsibilities`` of shape (n, k) are one-hot. The rows are whitened before the rotation and
    coloured after it, which keeps the covariance common to the clusters.
    """
    residuals = points - responsibilities @ cluster_means(points, responsibilities)
    variances, directions = np.linalg.eigh(residuals.T @ residuals / len(residuals))
    varying = variances > MIN_VARIANCE * variances.max()
    scales, directions = np.sqrt(variances[varying]), directions[:, varying]
    whitened = residuals @ directions / scales
    rotated = whitened.copy()
    for rows in responsibilities.T > 0:
        rotation, _ = np.linalg.qr(rng.standard_normal((varying.sum(), varying.sum())))
        rotated[rows] = whitened[rows] @ rotation
    moved: Points = points + ((rotated - whitened) * scales @ directions.T).astype(np.float32)
    return moved


def compare_centers(
    space: Space, left_resp: Matrix, right_resp: Matrix, rng: np.random.RandomState
) -> CenterComparison:
    """Correlate the distances between centres, and those between randomly placed centres.

    The responsibilities have equal columns for matched clusters, at least three. Random centres
    keep the covariance of the real ones and are matched as well as possible.
    """
    centers = [
        cluster_means(points.astype(np.float64), responsibilities)
        for points, responsibilities in zip(space, (left_resp, right_resp), strict=True)
    ]
    centers = [x - x.mean(axis=0) for x in centers]
    observed, by_chance = [], []
    for transform in (np.asarray, normalize):
        left, right = (_standard_distances(transform(x)) for x in centers)
        observed.append((left * right).sum())
        by_chance.append(
            [
                _best_correlation(
                    fixed, _standard_distances(transform(_random_centers(x, rng))), rng
                )
                for x, fixed in zip(centers, (right, left), strict=True)
                for _ in range(N_RANDOM_CENTERS)
            ]
        )
    return CenterComparison(np.array(observed), np.array(by_chance))


def _random_centers(centers: Matrix, rng: np.random.RandomState) -> Matrix:
    # As many centres in as many directions, with the same variances. The column of ones makes the
    # others orthogonal to it, that is, centred.
    k = len(centers)
    spread = np.linalg.svd(centers, compute_uv=False)[: k - 1]
    columns = np.column_stack([np.ones(k), rng.standard_normal((k, len(spread)))])
    random_centers: Matrix = np.linalg.qr(columns)[0][:, 1:] * spread
    return random_centers


def _standard_distances(centers: Matrix) -> Matrix:
    # Centred and scaled such that the sum over the product of two sides is their correlation.
    distances = pdist(centers)
    distances -= distances.mean()
    distances /= max(np.sqrt(2 * np.square(distances).sum()), 1e-12)
    square: Matrix = squareform(distances)
    return square


def _best_correlation(left: Matrix, right: Matrix, rng: np.random.RandomState) -> float:
    k = len(left)
    starts = np.stack([rng.permutation(k) for _ in range(N_STARTS)])
    return float(two_opt(left[None], right[None], np.zeros((k, k)), starts)[1].max())
