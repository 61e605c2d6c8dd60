"""Couplings that a matching of two sets of prototypes starts from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .assignment import Permutations, best_partners, normal_scores, two_opt
from .prototypes import Problem, Prototypes, shared_mass
from .transport import Couplings, anneal, sinkhorn, standard

N_STARTS = 12  # random permutations of prototypes
N_REFINED = 6  # of them, distinct, go on
N_CLUSTER_STARTS = 12  # permutations of whole clusters that go on
N_CLUSTER_SEARCHES = 30  # searches for them where there are too many to try all
MAX_ENUMERATED = 6  # clusters up to which all permutations are tried
N_ANNEALED = 96  # permutations of many clusters that are annealed, and searched from
ANNEALED_SHARE = 0.5  # of their mass; the rest is spread evenly
START_SHARE = 0.8  # of a start's mass; the rest is spread evenly


def searched_starts(problem: Problem, kinds: Sequence[str], rng: np.random.RandomState) -> Matrix:
    """Permutations of prototypes and of whole clusters, by local search for the best.

    The first lose a cluster of many prototypes in many places, the second never do.

    Parameters
    ----------
    problem : Problem
        Of p and q prototypes, and k clusters.
    kinds : sequence of str
        The distances to agree in.
    rng : RandomState

    Returns
    -------
    ndarray of shape (s, p, q)
    """
    left, right = problem.left, problem.right
    k = left.clusters.shape[1]
    from_prototypes = _prototype_starts(problem, kinds, rng)
    between = _between_clusters(problem, kinds)
    if k <= MAX_ENUMERATED:
        found = np.array(list(permutations(range(k))))
    else:
        starts = np.stack([rng.permutation(k) for _ in range(N_CLUSTER_SEARCHES)])
        found = _searched(*between, starts)
    from_clusters = whole_clusters(left, right, _best(*between, found))
    return np.concatenate([from_prototypes, from_clusters])


def annealed_starts(problem: Problem, kinds: Sequence[str], rng: np.random.RandomState) -> Matrix:
    """Permutations of many clusters: local search from random ones, and from annealed ones.

    The more clusters, the fewer searches from random permutations end at the right one. Of
    couplings that were halfway to the middle of all and then annealed more do.

    Parameters
    ----------
    problem : Problem
        Of p and q prototypes, hardly more than the k clusters that both have.
    kinds : sequence of str
        The distances to agree in.
    rng : RandomState

    Returns
    -------
    ndarray of shape (s, p, q)
    """
    left, right = problem.left, problem.right
    a, b = (standard_distances(p, kinds) for p in (left, right))
    affinity = problem.affinity.astype(np.float32)
    rows, columns = (p.masses.astype(np.float32) for p in (left, right))
    k = left.clusters.shape[1]
    random = np.stack([rng.permutation(k) for _ in range(N_ANNEALED)])
    # Half of the mass anywhere: what is nearly a permutation stays where it starts.
    t = whole_clusters(left, right, random, ANNEALED_SHARE).astype(np.float32)
    t = sinkhorn(t, rows, columns)
    t = anneal(a, b, affinity, rows, columns, t, (0.3, 0.15, 0.08), 5)
    annealed = np.stack([best_partners(mass) for mass in shared_mass(left, right, t)])
    between = _between_clusters(problem, kinds)
    found = _searched(*between, np.concatenate([random, annealed]))
    return whole_clusters(left, right, _best(*between, found))


def whole_clusters(
    left: Prototypes, right: Prototypes, partners: NDArray[np.integer], share: float = START_SHARE
) -> Matrix:
    """Couplings that send a share of whole clusters to whole clusters, and the rest anywhere.

    Parameters
    ----------
    left, right : Prototypes
        With p and q prototypes.
    partners : ndarray of int of shape (s, k)
        Right cluster of each left one.
    share : float, default=0.8

    Returns
    -------
    ndarray of shape (s, p, q)
    """
    of_left = left.clusters / np.maximum(left.clusters.sum(axis=0), 1e-9)
    starts = np.stack([of_left @ right.clusters[:, p].T for p in partners])
    starts /= np.maximum(starts.sum(axis=(1, 2), keepdims=True), 1e-12)
    return share * starts + (1 - share) * np.outer(left.masses, right.masses)


def standard_distances(prototypes: Prototypes, kinds: Sequence[str]) -> Couplings:
    """Distances of some kinds, each of mean 0 and variance 1; shape (g, p, p).

    Parameters
    ----------
    prototypes : Prototypes
    kinds : sequence of str

    Returns
    -------
    ndarray of shape (g, p, p)
    """
    return np.stack([standard(prototypes.distances[kind], prototypes.masses) for kind in kinds])


def _prototype_starts(problem: Problem, kinds: Sequence[str], rng: np.random.RandomState) -> Matrix:
    left, right = problem.left, problem.right
    # A permutation needs equally many: where duplicates left fewer, the lightest stay out.
    size = min(len(left.masses), len(right.masses))
    rows, columns = (np.sort(np.argsort(-p.masses, kind="stable")[:size]) for p in (left, right))
    ranked = [
        np.stack([normal_scores(p.distances[kind][np.ix_(keep, keep)]) for kind in kinds])
        for p, keep in ((left, rows), (right, columns))
    ]
    linear = len(kinds) * np.sqrt(max(size - 1, 1)) * _similarity(left, right)
    linear += len(kinds) * (size - 1) * problem.affinity
    found, values = two_opt(
        ranked[0],
        ranked[1],
        linear[np.ix_(rows, columns)],
        np.stack([rng.permutation(size) for _ in range(N_STARTS)]),
    )
    order = np.argsort(-values, kind="stable")
    best = list(dict.fromkeys(tuple(found[i]) for i in order))[:N_REFINED]
    starts = np.zeros((len(best), len(left.masses), len(right.masses)))
    for start, permutation in zip(starts, best, strict=True):
        start[rows, columns[list(permutation)]] = START_SHARE / size
    return starts + (1 - START_SHARE) * np.outer(left.masses, right.masses)


def _searched(x: Matrix, y: Matrix, known: Matrix, starts: Permutations) -> Permutations:
    # Permutations of clusters that no swap of two improves.
    linear = np.einsum("gi,gj->ij", np.einsum("gii->gi", x), np.einsum("gii->gi", y)) + known
    apart = 1 - np.eye(x.shape[1])
    return np.unique(two_opt(x * apart, y * apart, linear, starts)[0], axis=0)


def _best(x: Matrix, y: Matrix, known: Matrix, found: Permutations) -> Permutations:
    # Of permutations of clusters those under which the distances between them agree best.
    values = known[np.arange(known.shape[0]), found].sum(axis=1)
    for i, j in zip(x, y, strict=True):
        values = values + np.einsum("ij,sij->s", i, j[found[:, :, None], found[:, None, :]])
    return found[np.argsort(-values, kind="stable")[:N_CLUSTER_STARTS]]


def _between_clusters(problem: Problem, kinds: Sequence[str]) -> tuple[Matrix, Matrix, Matrix]:
    # Of both sides, mean distances between clusters, within them on the diagonal; and the
    # affinity of every two. That a cluster has more mass counts, but less than in proportion.
    sides = []
    for p in (problem.left, problem.right):
        share = p.clusters / np.maximum(p.clusters.sum(axis=0), 1e-9) ** 0.75
        distances = standard_distances(p, kinds).astype(np.float64)
        sides.append((share, np.stack([share.T @ d @ share for d in distances])))
    (of_left, x), (of_right, y) = sides
    # In proportion to what all distances of one cluster come to.
    weight = len(kinds) * np.sqrt(of_left.shape[1])
    return x, y, weight * (of_left.T @ problem.affinity @ of_right)


def _similarity(left: Prototypes, right: Prototypes) -> Matrix:
    # How alike two prototypes are in what needs no counterpart: size, spread, centrality.
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
