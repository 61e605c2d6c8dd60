"""Matchings of clusters that make the rows of two modalities cheap to couple, by local search.

Rows are stood for by k-means centres, and many matchings are tried at once: what is found here
proposes, :mod:`.decision` decides on rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from ..data.rows import Matrix
from .assignment import Permutations, best_partners
from .rows import Points, weighted_means

Matching = tuple[int, ...]  # right cluster of each left one

N_CENTERS = 120
N_STEPS, N_ROUNDS = 14, 6
FIRST_TEMPERATURE, LAST_TEMPERATURE = 0.5, 0.03
PULL_DECAY = 0.75
FIRST_RIDGE, RIDGE = 0.1, 0.02
BATCH = 24  # matchings that are tried at once
N_PARENTS, N_CHILDREN = 24, 36
MAX_GENERATIONS, PATIENCE = 8, 3
LEAST = np.float32(1e-20)


class RowCenters(NamedTuple):
    """Centres that stand for the rows of a modality.

    Attributes
    ----------
    points : ndarray of shape (m, c)
    masses : ndarray of shape (m,)
        Shares of the rows.
    responsibilities : ndarray of shape (m, k)
        Share of each cluster in the rows of a centre.
    """

    points: Points
    masses: Points
    responsibilities: Points


def row_centers(
    points: Points, labels: NDArray[np.integer], n_clusters: int, seed: int
) -> RowCenters:
    """Group rows into at most 120 centres.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    labels : ndarray of int of shape (n,)
        Cluster of each row.
    n_clusters, seed : int

    Returns
    -------
    RowCenters
    """
    n_centers = max(min(N_CENTERS, len(points) // 3), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # duplicate rows: fewer centres
        kmeans = KMeans(n_centers, n_init=1, max_iter=30, random_state=seed).fit(points)
    counts = np.zeros((n_centers, n_clusters), dtype=np.float32)
    np.add.at(counts, (kmeans.labels_, labels), 1)
    sizes = counts.sum(axis=1)
    filled = sizes > 0  # fewer where rows are alike
    return RowCenters(
        kmeans.cluster_centers_[filled].astype(np.float32),
        sizes[filled] / np.float32(len(points)),
        counts[filled] / sizes[filled, None],
    )


def search_matchings(
    left: RowCenters,
    right: RowCenters,
    starts: Iterable[Matching | Permutations],
    rng: np.random.RandomState,
) -> dict[Matching, float]:
    """Breed matchings from the cheapest ones until no more are found.

    Parameters
    ----------
    left, right : RowCenters
        With the same number k of clusters.
    starts : iterable of k integers each
        Right cluster of each left one.
    rng : RandomState

    Returns
    -------
    dict of tuple of int to float
        Cost of every matching that was reached.
    """
    reached: dict[Matching, float] = {}
    tried: set[Matching] = set()

    def attempt(matchings: Iterable[Matching | Permutations]) -> None:
        new = [p for p in dict.fromkeys(tuple(map(int, p)) for p in matchings) if p not in tried]
        tried.update(new)
        for start in range(0, len(new), BATCH):
            costs, masses = _couple_centers(left, right, np.array(new[start : start + BATCH]))
            for cost, mass in zip(costs, masses, strict=True):
                partners = tuple(map(int, best_partners(mass)))
                reached[partners] = min(reached.get(partners, np.inf), float(cost))

    attempt(starts)
    k, idle, cheapest = left.responsibilities.shape[1], 0, min(reached.values())
    for _ in range(MAX_GENERATIONS):
        if idle >= PATIENCE or k < 3:
            break
        parents = [np.array(p) for p in sorted(reached, key=lambda p: reached[p])[:N_PARENTS]]
        attempt([_child(*_two_of(parents, rng), rng) for _ in range(N_CHILDREN)])
        idle = 0 if min(reached.values()) < cheapest - 1e-5 else idle + 1
        cheapest = min(reached.values())
    attempt(_swaps(np.array(min(reached, key=lambda p: reached[p]))))
    return reached


def _swaps(matching: Permutations) -> list[Permutations]:
    i, j = np.triu_indices(len(matching), 1)
    swapped = np.tile(matching, (len(i), 1))
    every = np.arange(len(i))
    swapped[every, i], swapped[every, j] = matching[j], matching[i]
    return list(swapped)


def _two_of(
    parents: Sequence[Permutations], rng: np.random.RandomState
) -> tuple[Permutations, Permutations]:
    # The cheaper, the likelier.
    chosen = np.minimum(rng.exponential(N_PARENTS / 4, 2).astype(int), len(parents) - 1)
    return parents[chosen[0]], parents[chosen[1]]


def _child(p: Permutations, q: Permutations, rng: np.random.RandomState) -> Permutations:
    # What parents agree on stays, the rest is of either as long as it is free; at times a swap.
    child = np.where(p == q, p, -1)
    for i in rng.permutation(np.flatnonzero(child < 0)):
        of_parents = (p[i], q[i]) if rng.rand() < 0.5 else (q[i], p[i])
        child[i] = next((c for c in of_parents if c not in child), -1)
    child[child < 0] = rng.permutation(np.setdiff1d(np.arange(len(p)), child))
    if rng.rand() < 0.5:
        i, j = rng.choice(len(p), 2, replace=False)
        child[[i, j]] = child[[j, i]]
    return child


def _couple_centers(
    left: RowCenters, right: RowCenters, matchings: Permutations
) -> tuple[Matrix, Matrix]:
    # As couple_rows, of centres with masses, from s matchings at once: costs (s,) and the mass
    # that clusters share (s, k, k).
    (a, of_a, shares_a), (b, of_b, shares_b) = left, right
    matched = shares_b[:, matchings].transpose(1, 0, 2)
    disagreement = 1 - np.matmul(shares_a, matched.transpose(0, 2, 1))
    means_a = weighted_means(a, shares_a * of_a[:, None])
    means_b = weighted_means(b, shares_b * of_b[:, None])[matchings]
    forward = _ridges(a, of_a[None], np.matmul(shares_a, means_b), FIRST_RIDGE)
    backward = _ridges(b, of_b[None], np.matmul(matched, means_a), FIRST_RIDGE)
    squares_a, squares_b = np.square(a).sum(axis=1), np.square(b).sum(axis=1)
    decay = (LAST_TEMPERATURE / FIRST_TEMPERATURE) ** (1 / (N_STEPS - 4))
    v = np.tile(of_b, (len(matchings), 1))
    for i in range(N_STEPS):
        temperature = max(FIRST_TEMPERATURE * decay**i, LAST_TEMPERATURE)
        to_right, to_left = np.matmul(a, forward), np.matmul(b, backward)
        costs = np.matmul(to_right, -2 * b.T) + np.square(to_right).sum(axis=2)[:, :, None]
        costs = (costs + squares_b) / np.float32(2 * b.shape[1])
        back = np.matmul(-2 * a, to_left.transpose(0, 2, 1)) + squares_a[:, None]
        costs += (back + np.square(to_left).sum(axis=2)[:, None]) / np.float32(2 * a.shape[1])
        pulled = costs + np.float32(PULL_DECAY**i) * disagreement
        nearest = sum(pulled.min(axis=axis, keepdims=True) for axis in (1, 2)) / np.float32(2)
        kernel = np.exp((nearest - pulled) / np.float32(2 * temperature)) + LEAST
        power = np.float32(1 / (1 + 2 * temperature))
        for _ in range(N_ROUNDS):
            u = (of_a / np.matmul(kernel, v[:, :, None])[:, :, 0]) ** power
            v = (of_b / np.matmul(u[:, None], kernel)[:, 0]) ** power
        kernel *= u[:, :, None]
        kernel *= v[:, None]
        of_left, of_right = kernel.sum(axis=2), kernel.sum(axis=1)
        to_right = np.matmul(kernel, b) / of_left[:, :, None]
        to_left = np.matmul(kernel.transpose(0, 2, 1), a) / of_right[:, :, None]
        forward = _ridges(a, np.minimum(of_left, of_a), to_right, RIDGE)
        backward = _ridges(b, np.minimum(of_right, of_b), to_left, RIDGE)
    total = kernel.sum(axis=(1, 2))
    mass = np.matmul(np.matmul(shares_a.T, kernel), shares_b)
    return (kernel * costs).sum(axis=(1, 2)) / total, mass / total[:, None, None]


def _ridges(x: Points, weights: Points, targets: Points, penalty: float) -> Points:
    weighted = (x * weights[:, :, None]).transpose(0, 2, 1)
    total = weights.sum(axis=1)[:, None, None]
    gram = np.matmul(weighted, x) + np.float32(penalty) * total * np.eye(
        x.shape[1], dtype=np.float32
    )
    solution: Points = np.linalg.solve(gram, np.matmul(weighted, targets))
    return solution
