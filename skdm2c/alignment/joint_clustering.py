"""Clusters of several modalities found at once, through rows that are known in two of them."""

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

PAIRS_NEEDED = 2  # a cluster: a regression on fewer takes more away than it adds
MAX_ROUNDS = 5
WIDER_GAP = 0.15  # of the rows
LEAST_EXAMPLES = 3  # of a regression whose penalty is chosen by leaving one out
PENALTIES = np.logspace(-2, 3, 12)
COVARIANCE_FLOOR = 1e-2  # of the mean variance


def joint_responsibilities(
    latents: Sequence[NDArray[np.floating]],
    responsibilities: Sequence[Matrix],
    pairs: Mapping[tuple[int, int], KnownPairs],
) -> list[Matrix]:
    """Cluster rows of several modalities together, each where it is and where it would be.

    A row's place in another modality's latent space is foretold by ridge regression on the
    known pairs. The mean of each cluster and that of its partner count as one pair more: of
    what pairs do not tell, what was matched stays. In all spaces side by side k-means finds
    the clusters, starting from those that were matched; and again from what it found, until
    nothing changes, five times at most. :func:`told_apart` says when that went wrong.

    Parameters
    ----------
    latents : sequence of ndarray, the m-th of shape (n_m, c_m)
    responsibilities : sequence of ndarray of shape (n_m, k)
        What each row belongs to; a column stands for the same cluster in all modalities. Where
        it is zero, the modality has nothing of the cluster, and gets nothing.
    pairs : mapping of (int, int) to KnownPairs
        By modalities, the lower first. A pair counts as much as it is trusted.

    Returns
    -------
    list of ndarray of shape (n_m, k)

    Examples
    --------
    Clusters of the one modality were cut awry; the other shows them plainly, and ten rows are
    known in both:

    >>> rng, y = np.random.RandomState(0), np.tile([0, 1], 100)
    >>> a = np.column_stack([4 * y, 0 * y]) + rng.randn(200, 2) * [1, 4]
    >>> b = 9 * y[:, None] + rng.randn(200, 1)
    >>> awry = (a @ [1, 0.6] > 2).astype(int)
    >>> float((awry == y).mean().round(2))
    0.82
    >>> pairs = {(0, 1): KnownPairs(np.column_stack([np.arange(10), np.arange(10)]))}
    >>> of_a, of_b = joint_responsibilities([a, b], [np.eye(2)[awry], np.eye(2)[y]], pairs)
    >>> float((of_a.argmax(axis=1) == y).mean().round(2))
    0.98
    """
    has = [share.sum(axis=0) > EMPTY for share in responsibilities]
    found = list(responsibilities)
    for _ in range(MAX_ROUNDS):
        before, found = found, _found_again(latents, found, has, pairs)
        if all((x.argmax(1) == y.argmax(1)).all() for x, y in zip(before, found, strict=True)):
            break
    return found


def told_apart(before: tuple[Matrix, Matrix], after: tuple[Matrix, Matrix]) -> bool:
    """Say whether two modalities were told apart instead of their clusters.

    Of few pairs, or of such as say nothing, what is foretold can be so far from what is seen
    that rows of one cluster part by modality: each modality then holds much of a cluster of
    which the other holds little. One such cluster proves nothing, as a modality may lack it.

    Parameters
    ----------
    before, after : tuple of two ndarray of shape (n_m, k)
        What rows of either modality belonged to, and belong to now.

    Returns
    -------
    bool
        Whether their clusters' shares of the rows, but for one cluster, differ by 15 % of the
        rows more than before.

    Examples
    --------
    >>> alike, half = np.full((4, 3), 1 / 3), np.array([0.5, 0.0, 0.5])
    >>> told_apart((alike, alike), (np.tile(half, (4, 1)), np.tile(half[[1, 0, 2]], (4, 1))))
    True
    >>> told_apart((alike, alike), (np.tile(half, (4, 1)), alike))
    False
    """
    return _gap(*after) > _gap(*before) + WIDER_GAP


def _gap(left: Matrix, right: Matrix) -> float:
    # Total variation between the shares of clusters, without the one that differs most.
    sizes = np.stack([share.mean(axis=0) for share in (left, right)])
    gaps = []
    for c in range(sizes.shape[1] if sizes.shape[1] > 2 else 0):
        others = np.delete(sizes, c, axis=1)
        others /= np.maximum(others.sum(axis=1, keepdims=True), EMPTY)
        gaps.append(np.abs(others[0] - others[1]).sum() / 2)
    return float(min(gaps, default=np.abs(sizes[0] - sizes[1]).sum() / 2))


def _found_again(
    latents: Sequence[NDArray[np.floating]],
    responsibilities: Sequence[Matrix],
    has: Sequence[NDArray[np.bool_]],
    pairs: Mapping[tuple[int, int], KnownPairs],
) -> list[Matrix]:
    points = [_whitened(z, share) for z, share in zip(latents, responsibilities, strict=True)]
    means = [cluster_means(z, share) for z, share in zip(points, responsibilities, strict=True)]
    filled = [share.sum(axis=0) > EMPTY for share in responsibilities]

    def place(source: int, target: int) -> Matrix:
        if source == target:
            return points[source]
        both = filled[source] & filled[target]
        examples = [(means[source][both], means[target][both], 1.0)]
        if known := pairs_between(pairs, source, target):
            i, j = known.rows.T
            examples.append((points[source][i], points[target][j], known.trust))
        return _foretold(points[source], examples)

    every = range(len(points))
    places = [np.hstack([place(source, target) for target in every]) for source in every]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters
        clusters = fit_kmeans_from(np.vstack(places), np.vstack(responsibilities))
    return [
        replace(clusters, log_weights=np.where(here, 0.0, -np.inf)).responsibilities(z)
        for z, here in zip(places, has, strict=True)
    ]


def _foretold(points: Matrix, examples: list[tuple[Matrix, Matrix, float]]) -> Matrix:
    # Ridge regression on examples of several weights; of too few, the middle of all.
    given, wanted, weights = zip(*examples, strict=True)
    each = np.repeat(weights, [len(x) for x in given])
    width = wanted[0].shape[1]
    if len(each) < LEAST_EXAMPLES:
        return np.zeros((len(points), width))
    ridge = RidgeCV(PENALTIES).fit(np.vstack(given), np.vstack(wanted), each)
    foretold: Matrix = ridge.predict(points).reshape(len(points), width)
    return foretold


def _whitened(latents: NDArray[np.floating], responsibilities: Matrix) -> Matrix:
    # Clusters round, as k-means takes them to be; all spaces of one size.
    z = latents - latents.mean(axis=0, dtype=np.float64)
    _, covariance = cluster_moments(z, responsibilities)
    floor = max(COVARIANCE_FLOOR * float(np.trace(covariance)) / len(covariance), 1e-12)
    factor = np.linalg.cholesky(covariance + floor * np.eye(len(covariance)))
    white = np.linalg.solve(factor, z.T).T
    unit: Matrix = white / max(float(np.sqrt(np.square(white).sum(axis=1).mean())), 1e-12)
    return unit
