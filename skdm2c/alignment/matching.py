"""Match two sets of prototypes, clusters and all, by the distances within each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ..data.rows import Matrix
from .assignment import normal_scores, two_opt
from .prototypes import Prototypes
from .transport import LEFTOVER, Couplings, anneal, correlation, sinkhorn, standard

N_STARTS = 24  # random permutations of prototypes
N_REFINED = 12  # of them, distinct, go on
N_CLUSTER_STARTS = 24  # permutations of whole clusters that go on
N_CLUSTER_SEARCHES = 60  # searches for them where there are too many to try all
MAX_ENUMERATED = 6  # clusters up to which all permutations are tried
N_DISTINCT = 10  # distinct permutations of clusters refined to the end
START_SHARE = 0.8  # of a start's mass; the rest is spread evenly


def match(
    left: Prototypes, right: Prototypes, kinds: Sequence[str], rng: np.random.RandomState
) -> Matrix:
    """Couple two sets of prototypes whose distances agree best; say what clusters share.

    Starts are permutations of prototypes and permutations of whole clusters: the first
    lose a cluster of many prototypes in many places, the second never do.

    Parameters
    ----------
    left, right : Prototypes
        With p and q prototypes and the same number k of clusters.
    kinds : sequence of str
        The distances to agree in.
    rng : RandomState

    Returns
    -------
    ndarray of shape (k, k)
        Mass that the best coupling gives to every two clusters; sums to one.
    """
    a, b = (standard_distances(p, kinds) for p in (left, right))
    rows, columns = (p.masses.astype(np.float32) for p in (left, right))
    starts = np.concatenate(
        [
            _prototype_starts(left, right, kinds, rng),
            _cluster_starts(left, right, a, b, rng),
        ]
    ).astype(np.float32)
    t = sinkhorn(np.log(starts + LEFTOVER), rows, columns, 5)
    t = anneal(a, b, rows, columns, t, (0.3,), 4)
    t = anneal(a, b, rows, columns, t, (0.15,), 2)
    # Of the couplings that say the same about clusters only the best goes on.
    shared = shared_mass(left, right, t)
    first: dict[bytes, int] = {}
    for i in np.argsort(-correlation(a, b, t), kind="stable"):
        first.setdefault(best_partners(shared[i]).tobytes(), int(i))
    t = t[list(first.values())[:N_DISTINCT]]
    t = anneal(a, b, rows, columns, t, (0.15, 0.08), 6)
    t = sinkhorn(np.log(t + LEFTOVER), rows, columns, 10)
    mass: Matrix = shared_mass(left, right, t)[np.argmax(correlation(a, b, t))]
    return mass


def match_from_clusters(
    left: Prototypes, right: Prototypes, kinds: Sequence[str], partners: NDArray[np.integer]
) -> Matrix:
    """Mass that clusters share in the coupling next to a matching of clusters that is given.

    Parameters
    ----------
    left, right : Prototypes
    kinds : sequence of str
    partners : ndarray of int of shape (k,)
        Right cluster of each left one.

    Returns
    -------
    ndarray of shape (k, k)
    """
    a, b = (standard_distances(p, kinds) for p in (left, right))
    rows, columns = (p.masses.astype(np.float32) for p in (left, right))
    start = whole_clusters(left, right, partners[None]).astype(np.float32)
    t = sinkhorn(np.log(start + LEFTOVER), rows, columns, 5)
    t = anneal(a, b, rows, columns, t, (0.3, 0.15, 0.08), 5)
    mass: Matrix = shared_mass(left, right, t)[0]
    return mass


def best_partners(mass: Matrix) -> NDArray[np.intp]:
    """Match clusters one to one by the mass they share, as a part of the row's and the column's.

    Parameters
    ----------
    mass : ndarray of shape (k, k)

    Returns
    -------
    ndarray of int of shape (k,)
        Column of each row.

    Examples
    --------
    A small cluster's partner is not taken from it by a large one:

    >>> best_partners(np.array([[0.5, 0.3], [0.0, 0.2]]))
    array([0, 1])
    """
    rows = np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
    columns = np.maximum(mass.sum(axis=0, keepdims=True), 1e-12)
    partners: NDArray[np.intp] = linear_sum_assignment(-(mass / rows + mass / columns))[1]
    return partners


def shared_mass(left: Prototypes, right: Prototypes, couplings: Couplings) -> Matrix:
    """Mass that each coupling gives to every two clusters.

    Parameters
    ----------
    left, right : Prototypes
    couplings : ndarray of shape (s, p, q)

    Returns
    -------
    ndarray of shape (s, k, k)
    """
    of_left, of_right = (p.clusters / p.masses[:, None] for p in (left, right))
    mass: Matrix = of_left.T @ couplings.astype(np.float64) @ of_right
    return mass


def whole_clusters(left: Prototypes, right: Prototypes, partners: NDArray[np.integer]) -> Matrix:
    """Couplings that send whole clusters to whole clusters, and a fifth anywhere.

    Parameters
    ----------
    left, right : Prototypes
        With p and q prototypes.
    partners : ndarray of int of shape (s, k)
        Right cluster of each left one.

    Returns
    -------
    ndarray of shape (s, p, q)
    """
    of_left = left.clusters / np.maximum(left.clusters.sum(axis=0), 1e-9)
    starts = np.stack([of_left @ right.clusters[:, p].T for p in partners])
    starts /= np.maximum(starts.sum(axis=(1, 2), keepdims=True), 1e-12)
    return START_SHARE * starts + (1 - START_SHARE) * np.outer(left.masses, right.masses)


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


def _prototype_starts(
    left: Prototypes, right: Prototypes, kinds: Sequence[str], rng: np.random.RandomState
) -> Matrix:
    # A permutation needs equally many: where duplicates left fewer, the lightest stay out.
    size = min(len(left.masses), len(right.masses))
    rows, columns = (np.sort(np.argsort(-p.masses, kind="stable")[:size]) for p in (left, right))
    ranked = [
        np.stack([normal_scores(p.distances[kind][np.ix_(keep, keep)]) for kind in kinds])
        for p, keep in ((left, rows), (right, columns))
    ]
    linear = len(kinds) * np.sqrt(max(size - 1, 1)) * _similarity(left, right)
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


def _cluster_starts(
    left: Prototypes, right: Prototypes, a: Couplings, b: Couplings, rng: np.random.RandomState
) -> Matrix:
    # By the mean distances between clusters, within them on the diagonal; that a cluster has
    # more mass counts, but less than in proportion.
    x, y = (
        np.stack([share.T @ d.astype(np.float64) @ share for d in distances])
        for distances, share in (
            (d, p.clusters / np.maximum(p.clusters.sum(axis=0), 1e-9) ** 0.75)
            for p, d in ((left, a), (right, b))
        )
    )
    k = x.shape[1]
    if k <= MAX_ENUMERATED:
        found = np.array(list(permutations(range(k))))
    else:
        diagonal = np.einsum("gi,gj->ij", np.einsum("gii->gi", x), np.einsum("gii->gi", y))
        searches = np.stack([rng.permutation(k) for _ in range(N_CLUSTER_SEARCHES)])
        apart = 1 - np.eye(k)
        found = np.unique(two_opt(x * apart, y * apart, diagonal, searches)[0], axis=0)
    values = sum(
        np.einsum("ij,sij->s", i, j[found[:, :, None], found[:, None, :]])
        for i, j in zip(x, y, strict=True)
    )
    return whole_clusters(left, right, found[np.argsort(-values, kind="stable")[:N_CLUSTER_STARTS]])


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
