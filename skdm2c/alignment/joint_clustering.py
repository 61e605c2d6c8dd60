"""Cluster several modalities jointly, using rows whose counterparts are known."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV

from ..clustering.mixture import EMPTY, cluster_means, cluster_moments, fit_kmeans_from
from ..data.rows import Matrix
from .base import KnownPairs, pairs_between

MIN_PAIRS_PER_CLUSTER = 2  # with fewer, the regression does more harm than good
MAX_ROUNDS = 5
MAX_GAP_INCREASE = 0.15  # as a fraction of the rows
MIN_EXAMPLES = 3  # needed to choose the penalty by leave-one-out
PENALTIES = np.logspace(-2, 3, 12)
COVARIANCE_FLOOR = 1e-2  # relative to the mean variance


def joint_responsibilities(
    latents: Sequence[NDArray[np.floating]],
    responsibilities: Sequence[Matrix],
    pairs: Mapping[tuple[int, int], KnownPairs],
) -> list[Matrix]:
    """Cluster the rows of several modalities jointly, in all their latent spaces side by side.

    ``latents`` hold arrays of shape (n_m, c_m), ``responsibilities`` of shape (n_m, k) with equal
    columns for matched clusters. Returns new responsibilities; clusters that a modality lacks
    stay empty. :func:`separates_modalities` tells when the result must not be used.
    """
    # A row's position in another latent space is predicted by ridge regression on the known pairs,
    # weighted by their trust. The means of matched clusters count as one more pair each, which
    # preserves the matching where pairs say nothing. k-means then starts from the current clusters.
    nonempty = [resp.sum(axis=0) > EMPTY for resp in responsibilities]
    refined = list(responsibilities)
    for _ in range(MAX_ROUNDS):
        previous, refined = refined, _refine(latents, refined, nonempty, pairs)
        if all(
            (old.argmax(1) == new.argmax(1)).all()
            for old, new in zip(previous, refined, strict=True)
        ):
            break
    return refined


def separates_modalities(initial: tuple[Matrix, Matrix], refined: tuple[Matrix, Matrix]) -> bool:
    """Return whether joint clustering separated the modalities instead of their clusters.

    Both arguments hold the responsibilities of two modalities. True if the difference between their
    proportions of clusters, disregarding one cluster, grew by more than 15 % of the rows.

    Examples
    --------
    >>> alike, half = np.full((4, 3), 1 / 3), np.array([0.5, 0.0, 0.5])
    >>> separates_modalities(
    ...     (alike, alike), (np.tile(half, (4, 1)), np.tile(half[[1, 0, 2]], (4, 1)))
    ... )
    True
    >>> separates_modalities((alike, alike), (np.tile(half, (4, 1)), alike))
    False
    """
    # With few or uninformative pairs, predictions can lie so far from the real rows that clusters
    # split by modality. One cluster alone proves nothing, as a modality may lack it.
    return _proportion_gap(*refined) > _proportion_gap(*initial) + MAX_GAP_INCREASE


def _proportion_gap(left_resp: Matrix, right_resp: Matrix) -> float:
    # Total variation distance between the proportions, without the cluster that differs most.
    proportions = np.stack([resp.mean(axis=0) for resp in (left_resp, right_resp)])
    gaps = []
    for c in range(proportions.shape[1] if proportions.shape[1] > 2 else 0):
        others = np.delete(proportions, c, axis=1)
        others /= np.maximum(others.sum(axis=1, keepdims=True), EMPTY)
        gaps.append(np.abs(others[0] - others[1]).sum() / 2)
    return float(min(gaps, default=np.abs(proportions[0] - proportions[1]).sum() / 2))


def _refine(
    latents: Sequence[NDArray[np.floating]],
    responsibilities: Sequence[Matrix],
    nonempty: Sequence[NDArray[np.bool_]],
    pairs: Mapping[tuple[int, int], KnownPairs],
) -> list[Matrix]:
    points = [_whiten(z, resp) for z, resp in zip(latents, responsibilities, strict=True)]
    means = [cluster_means(z, resp) for z, resp in zip(points, responsibilities, strict=True)]
    occupied = [resp.sum(axis=0) > EMPTY for resp in responsibilities]

    def position_of(source: int, target: int) -> Matrix:
        if source == target:
            return points[source]
        shared = occupied[source] & occupied[target]
        examples = [(means[source][shared], means[target][shared], 1.0)]
        if known_pairs := pairs_between(pairs, source, target):
            i, j = known_pairs.rows.T
            examples.append((points[source][i], points[target][j], known_pairs.trust))
        return _predict(points[source], examples)

    indices = range(len(points))
    positions = [
        np.hstack([position_of(source, target) for target in indices]) for source in indices
    ]
    with warnings.catch_warnings():
        # There may be fewer distinct rows than clusters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = fit_kmeans_from(np.vstack(positions), np.vstack(responsibilities))
    return [
        replace(clusters, log_weights=np.where(allowed, 0.0, -np.inf)).responsibilities(z)
        for z, allowed in zip(positions, nonempty, strict=True)
    ]


def _predict(points: Matrix, examples: list[tuple[Matrix, Matrix, float]]) -> Matrix:
    # Each example is (inputs, outputs, weight). Too few of them predict the centre, zero.
    inputs, outputs, weights = zip(*examples, strict=True)
    row_weights = np.repeat(weights, [len(x) for x in inputs])
    n_columns = outputs[0].shape[1]
    if len(row_weights) < MIN_EXAMPLES:
        return np.zeros((len(points), n_columns))
    ridge = RidgeCV(PENALTIES).fit(np.vstack(inputs), np.vstack(outputs), row_weights)
    predicted: Matrix = ridge.predict(points).reshape(len(points), n_columns)
    return predicted


def _whiten(latents: NDArray[np.floating], responsibilities: Matrix) -> Matrix:
    # k-means expects round clusters; all spaces get the same size so that none dominates.
    z = latents - latents.mean(axis=0, dtype=np.float64)
    _, covariance = cluster_moments(z, responsibilities)
    floor = max(COVARIANCE_FLOOR * float(np.trace(covariance)) / len(covariance), 1e-12)
    factor = np.linalg.cholesky(covariance + floor * np.eye(len(covariance)))
    whitened = np.linalg.solve(factor, z.T).T
    scaled: Matrix = whitened / max(float(np.sqrt(np.square(whitened).sum(axis=1).mean())), 1e-12)
    return scaled
