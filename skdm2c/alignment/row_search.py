"""Search for matchings of clusters under which the rows of two modalities are cheap to couple.

K-means centres stand for the rows, so that many matchings can be tried at once. The search only
proposes matchings; :mod:`.decision` chooses among them by the rows themselves.
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
from .rows import Points, pair_costs, weighted_means

Matching = tuple[int, ...]  # right cluster of each left one

N_CENTERS = 80
N_STEPS, N_ROUNDS = 10, 6
FIRST_TEMPERATURE, LAST_TEMPERATURE = 0.5, 0.03
PULL_DECAY = 0.75
FIRST_RIDGE, RIDGE = 0.1, 0.02
BATCH = 24  # matchings tried at once
N_PARENTS, N_CHILDREN = 24, 36
MAX_GENERATIONS, PATIENCE = 8, 2
MIN_KERNEL = np.float32(1e-20)


class RowCenters(NamedTuple):
    """The m k-means centres that stand for the rows of a modality."""

    points: Points  # of shape (m, c)
    masses: Points  # of shape (m,): proportion of the rows
    responsibilities: Points  # of shape (m, k): proportions of the clusters in a centre's rows


def row_centers(
    points: Points, labels: NDArray[np.integer], n_clusters: int, seed: int
) -> RowCenters:
    """Group ``points`` of shape (n, c), with labels of shape (n,), into at most 120 centres."""
    n_centers = max(min(N_CENTERS, len(points) // 3), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # if rows are duplicates
        kmeans = KMeans(n_centers, n_init=1, max_iter=30, random_state=seed).fit(points)
    counts = np.zeros((n_centers, n_clusters), dtype=np.float32)
    np.add.at(counts, (kmeans.labels_, labels), 1)
    sizes = counts.sum(axis=1)
    nonempty = sizes > 0  # duplicate rows leave centres empty
    return RowCenters(
        kmeans.cluster_centers_[nonempty].astype(np.float32),
        sizes[nonempty] / np.float32(len(points)),
        counts[nonempty] / sizes[nonempty, None],
    )


def search_matchings(
    left: RowCenters,
    right: RowCenters,
    starts: Iterable[Matching | Permutations],
    rng: np.random.RandomState,
) -> dict[Matching, float]:
    """Search for cheap matchings, recombining the cheapest until they no longer improve.

    ``starts`` holds matchings: k integers, the right cluster of each left one. Returns the lowest
    cost of each matching that the search reached.
    """
    lowest_costs: dict[Matching, float] = {}
    tried: set[Matching] = set()

    def attempt(matchings: Iterable[Matching | Permutations]) -> None:
        new = [p for p in dict.fromkeys(tuple(map(int, p)) for p in matchings) if p not in tried]
        tried.update(new)
        for start in range(0, len(new), BATCH):
            costs, masses = _couple_centers(left, right, np.array(new[start : start + BATCH]))
            for cost, mass in zip(costs, masses, strict=True):
                partners = tuple(map(int, best_partners(mass)))
                lowest_costs[partners] = min(lowest_costs.get(partners, np.inf), float(cost))

    attempt(starts)
    k, n_idle, cheapest = left.responsibilities.shape[1], 0, min(lowest_costs.values())
    for _ in range(MAX_GENERATIONS):
        if n_idle >= PATIENCE or k < 3:
            break
        parents = [
            np.array(p) for p in sorted(lowest_costs, key=lambda p: lowest_costs[p])[:N_PARENTS]
        ]
        attempt([_cross(*_draw_parents(parents, rng), rng) for _ in range(N_CHILDREN)])
        n_idle = 0 if min(lowest_costs.values()) < cheapest - 1e-5 else n_idle + 1
        cheapest = min(lowest_costs.values())
    attempt(_swaps(np.array(min(lowest_costs, key=lambda p: lowest_costs[p]))))
    return lowest_costs


def _swaps(matching: Permutations) -> list[Permutations]:
    i, j = np.triu_indices(len(matching), 1)
    swapped = np.tile(matching, (len(i), 1))
    rows = np.arange(len(i))
    swapped[rows, i], swapped[rows, j] = matching[j], matching[i]
    return list(swapped)


def _draw_parents(
    parents: Sequence[Permutations], rng: np.random.RandomState
) -> tuple[Permutations, Permutations]:
    # Cheap matchings come first and are drawn more often.
    indices = np.minimum(rng.exponential(N_PARENTS / 4, 2).astype(int), len(parents) - 1)
    return parents[indices[0]], parents[indices[1]]


def _cross(p: Permutations, q: Permutations, rng: np.random.RandomState) -> Permutations:
    # The child keeps what both parents agree on, and takes the rest from either as long as it is
    # free. Half of the children get a random swap in addition.
    child = np.where(p == q, p, -1)
    for i in rng.permutation(np.flatnonzero(child < 0)):
        options = (p[i], q[i]) if rng.rand() < 0.5 else (q[i], p[i])
        child[i] = next((c for c in options if c not in child), -1)
    child[child < 0] = rng.permutation(np.setdiff1d(np.arange(len(p)), child))
    if rng.rand() < 0.5:
        i, j = rng.choice(len(p), 2, replace=False)
        child[[i, j]] = child[[j, i]]
    return child


def _couple_centers(
    left: RowCenters, right: RowCenters, matchings: Permutations
) -> tuple[Matrix, Matrix]:
    # Like couple_rows, but for weighted centres and s matchings at once. Returns the costs of shape
    # (s,), and the mass that clusters share of shape (s, k, k).
    (a, masses_a, resp_a), (b, masses_b, resp_b) = left, right
    matched_resp_b = resp_b[:, matchings].transpose(1, 0, 2)
    disagreement = 1 - np.matmul(resp_a, matched_resp_b.transpose(0, 2, 1))
    means_a = weighted_means(a, resp_a * masses_a[:, None])
    means_b = weighted_means(b, resp_b * masses_b[:, None])[matchings]
    forward = _ridges(a, masses_a[None], np.matmul(resp_a, means_b), FIRST_RIDGE)
    backward = _ridges(b, masses_b[None], np.matmul(matched_resp_b, means_a), FIRST_RIDGE)
    decay = (LAST_TEMPERATURE / FIRST_TEMPERATURE) ** (1 / (N_STEPS - 4))
    v = np.tile(masses_b, (len(matchings), 1))
    for i in range(N_STEPS):
        temperature = max(FIRST_TEMPERATURE * decay**i, LAST_TEMPERATURE)
        costs = pair_costs(a, b, forward, backward)
        kernel = costs + np.float32(PULL_DECAY**i) * disagreement
        kernel -= sum(kernel.min(axis=axis, keepdims=True) for axis in (1, 2)) / np.float32(2)
        kernel *= np.float32(-1 / (2 * temperature))
        np.exp(kernel, out=kernel)
        kernel += MIN_KERNEL
        power = np.float32(1 / (1 + 2 * temperature))
        for _ in range(N_ROUNDS):
            u = (masses_a / np.matmul(kernel, v[:, :, None])[:, :, 0]) ** power
            v = (masses_b / np.matmul(u[:, None], kernel)[:, 0]) ** power
        kernel *= u[:, :, None]
        kernel *= v[:, None]
        left_masses, right_masses = kernel.sum(axis=2), kernel.sum(axis=1)
        to_right = np.matmul(kernel, b) / left_masses[:, :, None]
        to_left = np.matmul(kernel.transpose(0, 2, 1), a) / right_masses[:, :, None]
        forward = _ridges(a, np.minimum(left_masses, masses_a), to_right, RIDGE)
        backward = _ridges(b, np.minimum(right_masses, masses_b), to_left, RIDGE)
    total = kernel.sum(axis=(1, 2))
    mass = np.matmul(np.matmul(resp_a.T, kernel), resp_b)
    return np.einsum("sij,sij->s", kernel, costs) / total, mass / total[:, None, None]


def _ridges(x: Points, weights: Points, targets: Points, penalty: float) -> Points:
    weighted = (x * weights[:, :, None]).transpose(0, 2, 1)
    total = weights.sum(axis=1)[:, None, None]
    gram = np.matmul(weighted, x) + np.float32(penalty) * total * np.eye(
        x.shape[1], dtype=np.float32
    )
    solution: Points = np.linalg.solve(gram, np.matmul(weighted, targets))
    return solution
