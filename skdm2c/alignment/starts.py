"""Initial couplings for matching two sets of prototypes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from ..data.rows import Matrix
from .assignment import Permutations, best_partners, most_shared, normal_scores, two_opt
from .prototypes import Problem, Prototypes, shared_mass
from .transport import Couplings, anneal, correlation, sinkhorn, standard

N_STARTS = 12  # random permutations of prototypes
N_REFINED = 6  # the best distinct ones after local search, which become couplings
N_CLUSTER_STARTS = 12  # permutations of whole clusters that become couplings
N_CLUSTER_SEARCHES = 30  # local searches for them where there are too many to try all
MAX_ENUMERATED = 6  # clusters up to which all permutations are tried
N_PROFILED = 6  # permutations of many clusters by profiles, which are annealed
MAX_PROFILE_NOISE = 0.5  # of the last of them, in standard deviations of the similarities
N_SEARCHED = 2  # the best annealed ones, which are searched
PROFILE_QUANTILES = np.linspace(0, 1, 24)
ANNEALED_SHARE = 0.5  # of the mass on their partners; the rest is spread evenly
START_SHARE = 0.8  # of the mass of a start on its partners; the rest is spread evenly


def searched_starts(problem: Problem, kinds: Sequence[str], rng: np.random.RandomState) -> Matrix:
    """Search permutations of prototypes and of clusters whose distances of some kinds agree.

    Returns s couplings of p with q prototypes, of shape (s, p, q).
    """
    # Permutations of prototypes may scatter a cluster of many prototypes; those of whole
    # clusters cannot.
    left, right = problem.left, problem.right
    k = left.clusters.shape[1]
    from_prototypes = _prototype_starts(problem, kinds, rng)
    between = _between_clusters(problem, kinds)
    if k <= MAX_ENUMERATED:
        candidates = np.array(list(permutations(range(k))))
    else:
        starts = np.stack([rng.permutation(k) for _ in range(N_CLUSTER_SEARCHES)])
        candidates = _searched(*between, starts)
    from_clusters = whole_clusters(left, right, _best(*between, candidates))
    return np.concatenate([from_prototypes, from_clusters])


def profiled_starts(problem: Problem, kinds: Sequence[str], rng: np.random.RandomState) -> Matrix:
    """Search permutations of many clusters from the profiles of their distances.

    Returns s couplings of p with q prototypes, of shape (s, p, q).
    """
    # The more clusters, the fewer local searches from random permutations end at the correct one.
    # The sorted distances from a cluster to all others do not depend on the numbering, and so
    # propose a permutation, which is annealed and then searched.
    left, right = problem.left, problem.right
    a, b = (standard_distances(p, kinds) for p in (left, right))
    affinity = problem.affinity.astype(np.float32)
    rows, columns = (p.masses.astype(np.float32) for p in (left, right))
    between = _between_clusters(problem, kinds)
    similarity = _profile_similarity(*between)
    scales = np.std(similarity) * np.linspace(0, MAX_PROFILE_NOISE, N_PROFILED)
    noisy = (similarity + scale * rng.gumbel(size=similarity.shape) for scale in scales)
    proposed = np.stack([most_shared(of_start) for of_start in noisy])
    # Without the even half of the mass a coupling would hardly move away from its permutation.
    t = whole_clusters(left, right, proposed, ANNEALED_SHARE).astype(np.float32)
    t = sinkhorn(t, rows, columns)
    t = anneal(a, b, affinity, rows, columns, t, (0.3, 0.15, 0.08), 4)
    best = np.argsort(-correlation(a, b, affinity, t), kind="stable")[:N_SEARCHED]
    annealed = np.stack([best_partners(mass) for mass in shared_mass(left, right, t[best])])
    return whole_clusters(left, right, _best(*between, _searched(*between, annealed)))


def whole_clusters(
    left: Prototypes, right: Prototypes, partners: NDArray[np.integer], share: float = START_SHARE
) -> Matrix:
    """Turn permutations of clusters, of shape (s, k), into couplings of shape (s, p, q).

    A share of the mass couples each left cluster with its partner; the rest is spread evenly.
    """
    of_left = left.clusters / np.maximum(left.clusters.sum(axis=0), 1e-9)
    starts = np.stack([of_left @ right.clusters[:, p].T for p in partners])
    starts /= np.maximum(starts.sum(axis=(1, 2), keepdims=True), 1e-12)
    return share * starts + (1 - share) * np.outer(left.masses, right.masses)


def standard_distances(prototypes: Prototypes, kinds: Sequence[str]) -> Couplings:
    """Stack the distances of g kinds, each with mean 0 and variance 1; shape (g, p, p)."""
    return np.stack([standard(prototypes.distances[kind], prototypes.masses) for kind in kinds])


def _prototype_starts(problem: Problem, kinds: Sequence[str], rng: np.random.RandomState) -> Matrix:
    left, right = problem.left, problem.right
    # A permutation needs equal numbers: where duplicate rows left fewer prototypes on one side,
    # the lightest ones of the other are ignored.
    size = min(len(left.masses), len(right.masses))
    rows, columns = (np.sort(np.argsort(-p.masses, kind="stable")[:size]) for p in (left, right))
    ranked = [
        np.stack([normal_scores(p.distances[kind][np.ix_(keep, keep)]) for kind in kinds])
        for p, keep in ((left, rows), (right, columns))
    ]
    linear = len(kinds) * np.sqrt(max(size - 1, 1)) * _similarity(left, right)
    linear += len(kinds) * (size - 1) * problem.affinity
    permuted, values = two_opt(
        ranked[0],
        ranked[1],
        linear[np.ix_(rows, columns)],
        np.stack([rng.permutation(size) for _ in range(N_STARTS)]),
    )
    order = np.argsort(-values, kind="stable")
    best = list(dict.fromkeys(tuple(permuted[i]) for i in order))[:N_REFINED]
    starts = np.zeros((len(best), len(left.masses), len(right.masses)))
    for start, permutation in zip(starts, best, strict=True):
        start[rows, columns[list(permutation)]] = START_SHARE / size
    return starts + (1 - START_SHARE) * np.outer(left.masses, right.masses)


def _searched(x: Matrix, y: Matrix, affinity: Matrix, starts: Permutations) -> Permutations:
    # Permutations of clusters that no swap of two partners improves.
    linear = np.einsum("gi,gj->ij", np.einsum("gii->gi", x), np.einsum("gii->gi", y)) + affinity
    off_diagonal = 1 - np.eye(x.shape[1])
    return np.unique(two_opt(x * off_diagonal, y * off_diagonal, linear, starts)[0], axis=0)


def _best(x: Matrix, y: Matrix, affinity: Matrix, candidates: Permutations) -> Permutations:
    # The permutations of clusters under which the distances between clusters agree best.
    values = affinity[np.arange(affinity.shape[0]), candidates].sum(axis=1)
    for i, j in zip(x, y, strict=True):
        values = values + np.einsum(
            "ij,sij->s", i, j[candidates[:, :, None], candidates[:, None, :]]
        )
    return candidates[np.argsort(-values, kind="stable")[:N_CLUSTER_STARTS]]


def _between_clusters(problem: Problem, kinds: Sequence[str]) -> tuple[Matrix, Matrix, Matrix]:
    # The mean distances between clusters of either side (within clusters on the diagonal), and
    # the affinity of each left cluster to each right one. The exponent makes large clusters
    # count more than small ones, but less than in proportion to their mass.
    sides = []
    for p in (problem.left, problem.right):
        share = p.clusters / np.maximum(p.clusters.sum(axis=0), 1e-9) ** 0.75
        distances = standard_distances(p, kinds).astype(np.float64)
        sides.append((share, np.stack([share.T @ d @ share for d in distances])))
    (of_left, x), (of_right, y) = sides
    # Brings the affinity to the scale of the sum over all distances of one cluster.
    weight = len(kinds) * np.sqrt(of_left.shape[1])
    return x, y, weight * (of_left.T @ problem.affinity @ of_right)


def _profile_similarity(x: Matrix, y: Matrix, affinity: Matrix) -> Matrix:
    # Minus the mean squared differences between quantiles of the distances to all other clusters,
    # of shape (k, k).
    profiles = []
    for distances in (x, y):
        quantiles = np.quantile(distances, PROFILE_QUANTILES, axis=2)  # of shape (q, g, k)
        profile = quantiles.reshape(-1, distances.shape[1]).T
        profile -= profile.mean(axis=0)
        profiles.append(profile / np.maximum(profile.std(axis=0), 1e-9))
    similarity: Matrix = -cdist(*profiles, "sqeuclidean") / profiles[0].shape[1]
    return similarity + affinity


def _similarity(left: Prototypes, right: Prototypes) -> Matrix:
    # Similarity of prototypes in size, spread and centrality, which can be compared across
    # modalities without any correspondence.
    scores = []
    for p in (left, right):
        traits = np.stack(
            [
                np.log(p.masses),
                np.diag(p.distances["geodesic"]),
                np.diag(p.distances["cosine"]),
                p.distances["geodesic"] @ p.masses,
            ]
        )
        spread = np.maximum(traits.std(axis=1, keepdims=True), 1e-12)
        scores.append((traits - traits.mean(axis=1, keepdims=True)) / spread)
    similarity: Matrix = np.einsum("ti,tj->ij", *scores) / len(scores[0])
    return similarity
