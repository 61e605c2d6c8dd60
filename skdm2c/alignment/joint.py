"""Clusters of several modalities found at once, through rows that are known in two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV

from ..clustering import fit_kmeans_from
from ..data.rows import Matrix
from .base import KnownPairs

PAIRS_NEEDED = 2  # a cluster: a regression on fewer takes more away than it adds
MAX_ROUNDS = 5
PENALTIES = np.logspace(-2, 3, 12)
COVARIANCE_FLOOR = 1e-2  # of the mean variance


def joint_shares(
    latents: Sequence[NDArray[np.floating]],
    shares: Sequence[Matrix],
    pairs: Mapping[tuple[int, int], KnownPairs],
) -> list[Matrix]:
    """Cluster rows of several modalities together, each where it is and where it would be.

    A row's place in another modality's latent space is foretold by ridge regression on the
    known pairs. The mean of each cluster and that of its partner count as one pair more: of
    what pairs do not tell, what was matched stays. In all spaces side by side k-means finds
    the clusters, starting from those that were matched; and again from what it found, until
    nothing changes, five times at most.

    Parameters
    ----------
    latents : sequence of ndarray, the m-th of shape (n_m, c_m)
    shares : sequence of ndarray of shape (n_m, k)
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
    >>> of_a, of_b = joint_shares([a, b], [np.eye(2)[awry], np.eye(2)[y]], pairs)
    >>> float((of_a.argmax(axis=1) == y).mean().round(2))
    0.98
    """
    found = list(shares)
    for _ in range(MAX_ROUNDS):
        before, found = found, _found_again(latents, found, pairs)
        if all((x.argmax(1) == y.argmax(1)).all() for x, y in zip(before, found, strict=True)):
            break
    return found


def _found_again(
    latents: Sequence[NDArray[np.floating]],
    shares: Sequence[Matrix],
    pairs: Mapping[tuple[int, int], KnownPairs],
) -> list[Matrix]:
    points = [_whitened(z, share) for z, share in zip(latents, shares, strict=True)]
    means = [_means(z, share) for z, share in zip(points, shares, strict=True)]
    filled = [share.sum(axis=0) > 0 for share in shares]

    def place(source: int, target: int) -> Matrix:
        if source == target:
            return points[source]
        both = filled[source] & filled[target]
        known = pairs.get((min(source, target), max(source, target)))
        rows = np.empty((0, 2), dtype=np.intp) if known is None else known.rows
        i, j = rows.T if source < target else rows.T[::-1]
        trust = 1.0 if known is None else known.trust
        ridge = RidgeCV(PENALTIES).fit(
            np.vstack([means[source][both], points[source][i]]),
            np.vstack([means[target][both], points[target][j]]),
            np.append(np.ones(both.sum()), np.full(len(rows), trust)),
        )
        foretold: Matrix = ridge.predict(points[source]).reshape(len(points[source]), -1)
        return foretold

    every = range(len(points))
    places = [np.hstack([place(source, target) for target in every]) for source in every]
    clusters = fit_kmeans_from(np.vstack(places), np.vstack(shares))
    return [_only(clusters.share(z), has) for z, has in zip(places, filled, strict=True)]


def _whitened(latents: NDArray[np.floating], shares: Matrix) -> Matrix:
    # Clusters round, as k-means takes them to be; all spaces of one size.
    z = latents - latents.mean(axis=0, dtype=np.float64)
    within = z - shares @ _means(z, shares)
    covariance = within.T @ within / len(z)
    floor = max(COVARIANCE_FLOOR * float(np.trace(covariance)) / len(covariance), 1e-12)
    factor = np.linalg.cholesky(covariance + floor * np.eye(len(covariance)))
    white = np.linalg.solve(factor, z.T).T
    unit: Matrix = white / max(float(np.sqrt(np.square(white).sum(axis=1).mean())), 1e-12)
    return unit


def _means(points: Matrix, shares: Matrix) -> Matrix:
    means: Matrix = shares.T @ points / np.maximum(shares.sum(axis=0), 1e-12)[:, None]
    return means


def _only(shares: Matrix, has: NDArray[np.bool_]) -> Matrix:
    kept: Matrix = np.where(has, shares, 0.0)
    kept /= np.maximum(kept.sum(axis=1, keepdims=True), 1e-300)
    return kept
