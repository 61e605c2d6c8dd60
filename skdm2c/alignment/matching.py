"""Match two sets of prototypes, and with them their clusters, by the distances within each set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .assignment import best_partners
from .prototypes import MANY_CLUSTERS, Problem, Prototypes, shared_mass
from .starts import profiled_starts, searched_starts, standard_distances, whole_clusters
from .transport import anneal, correlation, sinkhorn

N_DISTINCT = 6  # distinct permutations of clusters that are refined to the end


class PrototypeMatch(NamedTuple):
    """The best coupling of two sets of prototypes, summarised by clusters."""

    mass: Matrix  # (k, k): mass that the coupling gives to each pair of clusters; sums to one
    correlation: float  # of the distances through the coupling; 1 is a perfect match


def match(
    problems: Sequence[Problem],
    kinds: Sequence[Sequence[str]],
    rng: np.random.RandomState,
) -> list[PrototypeMatch]:
    """Couple prototypes so that their distances agree best, for each kind and each problem.

    Each item of ``kinds`` names the distances that are used together. The result has all
    problems for the first kind, then all for the second, and so on.
    """
    # With few clusters each kind of distance has its own search. With many, the correct
    # permutation is found more often by a search in all kinds together; each kind then chooses
    # among its results.
    if problems[0].left.clusters.shape[1] < MANY_CLUSTERS:
        return [
            _refine(problem, kind, searched_starts(problem, kind, rng))
            for kind in kinds
            for problem in problems
        ]
    all_kinds = sorted({name for kind in kinds for name in kind})
    starts = [profiled_starts(problem, all_kinds, rng) for problem in problems]
    return [
        _refine(problem, kind, start)
        for kind in kinds
        for problem, start in zip(problems, starts, strict=True)
    ]


def match_from_clusters(
    left: Prototypes, right: Prototypes, kinds: Sequence[str], partners: NDArray[np.integer]
) -> PrototypeMatch:
    """Couple two sets of prototypes, starting from ``partners``: the right cluster of each left."""
    a, b = (standard_distances(p, kinds) for p in (left, right))
    rows, columns = (p.masses.astype(np.float32) for p in (left, right))
    start = whole_clusters(left, right, partners[None]).astype(np.float32)
    t = sinkhorn(start, rows, columns)
    no_affinity = np.zeros((len(rows), len(columns)), dtype=np.float32)
    t = anneal(a, b, no_affinity, rows, columns, t, (0.3, 0.15, 0.08), 5)
    t = sinkhorn(t, rows, columns)
    return PrototypeMatch(
        shared_mass(left, right, t)[0], float(correlation(a, b, no_affinity, t)[0])
    )


def _refine(problem: Problem, kinds: Sequence[str], starts: Matrix) -> PrototypeMatch:
    left, right = problem.left, problem.right
    affinity = problem.affinity.astype(np.float32)
    a, b = (standard_distances(p, kinds) for p in (left, right))
    rows, columns = (p.masses.astype(np.float32) for p in (left, right))
    t = sinkhorn(starts.astype(np.float32), rows, columns)
    t = anneal(a, b, affinity, rows, columns, t, (0.3,), 4)
    t = anneal(a, b, affinity, rows, columns, t, (0.15,), 2)
    # To save time, only the best of the couplings that match clusters alike is refined further.
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
