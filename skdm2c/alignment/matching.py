"""Match two sets of prototypes, clusters and all, by the distances within each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .assignment import best_partners
from .prototypes import MANY_CLUSTERS, Problem, Prototypes, shared_mass
from .starts import annealed_starts, searched_starts, standard_distances, whole_clusters
from .transport import anneal, correlation, sinkhorn

N_DISTINCT = 6  # distinct permutations of clusters refined to the end


class PrototypeMatch(NamedTuple):
    """What the best coupling of two sets of prototypes says of their clusters.

    Attributes
    ----------
    mass : ndarray of shape (k, k)
        That it gives to every two clusters; sums to one.
    correlation : float
        Of the distances through the coupling; 1 is a perfect match.
    """

    mass: Matrix
    correlation: float


def match(
    problems: Sequence[Problem],
    kinds: Sequence[Sequence[str]],
    rng: np.random.RandomState,
) -> list[PrototypeMatch]:
    """Couple sets of prototypes whose distances agree best; say what clusters share.

    For few clusters each kind of distance is searched anew. The right permutation of many is
    found more often in all kinds together: each kind then chooses among what was found.

    Parameters
    ----------
    problems : sequence of Problem
        All with the same number k of clusters.
    kinds : sequence of sequence of str
        The distances to agree in, alone or together.
    rng : RandomState

    Returns
    -------
    list of PrototypeMatch
        In each kind and for each problem.
    """
    if problems[0].left.clusters.shape[1] < MANY_CLUSTERS:
        return [
            _refine(problem, kind, searched_starts(problem, kind, rng))
            for kind in kinds
            for problem in problems
        ]
    every = sorted({name for kind in kinds for name in kind})
    starts = [annealed_starts(problem, every, rng) for problem in problems]
    return [
        _refine(problem, kind, start)
        for kind in kinds
        for problem, start in zip(problems, starts, strict=True)
    ]


def match_from_clusters(
    left: Prototypes, right: Prototypes, kinds: Sequence[str], partners: NDArray[np.integer]
) -> PrototypeMatch:
    """Couple two sets of prototypes next to a matching of clusters that is given.

    Parameters
    ----------
    left, right : Prototypes
    kinds : sequence of str
    partners : ndarray of int of shape (k,)
        Right cluster of each left one.

    Returns
    -------
    PrototypeMatch
    """
    a, b = (standard_distances(p, kinds) for p in (left, right))
    rows, columns = (p.masses.astype(np.float32) for p in (left, right))
    start = whole_clusters(left, right, partners[None]).astype(np.float32)
    t = sinkhorn(start, rows, columns)
    nothing = np.zeros((len(rows), len(columns)), dtype=np.float32)
    t = anneal(a, b, nothing, rows, columns, t, (0.3, 0.15, 0.08), 5)
    t = sinkhorn(t, rows, columns)
    return PrototypeMatch(shared_mass(left, right, t)[0], float(correlation(a, b, nothing, t)[0]))


def _refine(problem: Problem, kinds: Sequence[str], starts: Matrix) -> PrototypeMatch:
    left, right = problem.left, problem.right
    affinity = problem.affinity.astype(np.float32)
    a, b = (standard_distances(p, kinds) for p in (left, right))
    rows, columns = (p.masses.astype(np.float32) for p in (left, right))
    t = sinkhorn(starts.astype(np.float32), rows, columns)
    t = anneal(a, b, affinity, rows, columns, t, (0.3,), 4)
    t = anneal(a, b, affinity, rows, columns, t, (0.15,), 2)
    # Of the couplings that say the same about clusters only the best goes on.
    shared = shared_mass(left, right, t)
    first: dict[bytes, int] = {}
    for i in np.argsort(-correlation(a, b, affinity, t), kind="stable"):
        first.setdefault(best_partners(shared[i]).tobytes(), int(i))
    t = t[list(first.values())[:N_DISTINCT]]
    t = anneal(a, b, affinity, rows, columns, t, (0.15, 0.08), 6)
    t = sinkhorn(t, rows, columns)
    values = correlation(a, b, affinity, t)
    best = int(np.argmax(values))
    return PrototypeMatch(shared_mass(left, right, t)[best], float(values[best]))
