"""Find out which clusters of one modality are missing in another that has fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .base import Alignment, KnownPairs
from .consensus import average_matches
from .description import ModalityDescription, halves, problems
from .matching import match, match_from_clusters
from .prototypes import cluster_sizes

N_TRIAL_MATCHES = 3  # pairs of prototype sets that each trial matches
N_PROPOSALS = 4  # alternatives for the last missing cluster that are proposed


class Trial(NamedTuple):
    """A matching that leaves out some clusters of the right modality."""

    score: float  # quality of the matching, comparable between trials
    partners: NDArray[np.intp]  # (j,): right cluster of each left one


class Proposal(NamedTuple):
    """Right clusters that may be missing in the left modality."""

    missing: tuple[int, ...]  # in ascending order
    partners: NDArray[np.intp]  # (j,): right cluster of each left one
    certainty: float  # in [0, 1]; see the function certainty


def find_missing(
    left: ModalityDescription,
    right: ModalityDescription,
    kinds: Sequence[Sequence[str]],
    rng: np.random.RandomState,
    pairs: KnownPairs | None,
) -> list[Proposal]:
    """Propose right clusters that are missing in the left modality, best proposal first.

    The right modality has more clusters. Without those proposed, distances of the given kinds
    match best.
    """
    # The search is greedy: clusters are chosen one by one, and only the last has alternatives.
    missing: list[int] = []
    certainty_so_far, seed = 1.0, rng.randint(2**31 - 1)
    while True:
        padded = left.with_empty(right.n_clusters - len(missing) - 1 - left.n_clusters)
        trials = {
            c: _trial(padded, right, [*missing, c], kinds, seed, pairs)
            for c in range(right.n_clusters)
            if c not in missing
        }
        best, second, *others = sorted(trials, key=lambda c: -trials[c].score)
        sizes = cluster_sizes(padded.prototypes)
        if left.n_clusters + len(missing) + 1 == right.n_clusters:
            rivals = {best: second, **dict.fromkeys([second, *others], best)}
            return [
                Proposal(
                    tuple(sorted([*missing, c])),
                    trials[c].partners,
                    certainty_so_far * certainty(trials[c], trials[rivals[c]], sizes),
                )
                for c in (best, second, *others)[:N_PROPOSALS]
            ]
        missing.append(best)
        certainty_so_far *= certainty(trials[best], trials[second], sizes)


def certainty(best: Trial, rival: Trial, sizes: Matrix) -> float:
    """Return the certainty of the best trial, in [0, 1], given a rival.

    It is low if the rival has nearly the same score but other partners for clusters that hold
    many rows. ``sizes``, of shape (j,), are the proportions of the rows in the left clusters.

    Examples
    --------
    >>> even = np.array([0.5, 0.5])
    >>> certainty(Trial(0.8, np.array([0, 1])), Trial(0.4, np.array([0, 2])), even)
    0.75
    """
    agreed = float(sizes @ (best.partners == rival.partners))
    return 1 - (1 - agreed) * float(np.clip(rival.score / max(best.score, 1e-12), 0, 1))


def pairs_without(
    pairs: KnownPairs | None, right: ModalityDescription, missing: Sequence[int]
) -> KnownPairs | None:
    """Leave out the pairs whose right row is in a missing cluster; None if no pair is left."""
    if pairs is None:
        return None
    rows = pairs.rows[~np.isin(right.labels[pairs.rows[:, 1]], missing)]
    return replace(pairs, rows=rows) if len(rows) else None


def share_kept(pairs: KnownPairs | None, remaining: KnownPairs | None) -> float:
    """Return the proportion of the pairs that :func:`pairs_without` leaves; 1 without pairs."""
    if pairs is None:
        return 1.0
    return 0.0 if remaining is None else len(remaining.rows) / len(pairs.rows)


def with_missing(alignment: Alignment, missing: Sequence[int]) -> Alignment:
    """Add the missing right clusters to an alignment of j clusters; returns one of k clusters.

    Left clusters from j on are empty, and the partners of the missing ones; the confidence in
    those is that of the alignment as a whole.

    Examples
    --------
    >>> alignment = with_missing(Alignment.of_partners([1, 0], confidence=0.7), missing=[1])
    >>> alignment.partners, alignment.mass
    (array([2, 0, 1]), array([[0. , 0. , 0.5],
           [0.5, 0. , 0. ],
           [0. , 0. , 0. ]]))
    """
    j, k = len(alignment.partners), len(alignment.partners) + len(missing)
    present = np.delete(np.arange(k), missing)
    mass = np.zeros((k, k))
    mass[np.ix_(np.arange(j), present)] = alignment.mass
    return replace(
        alignment,
        partners=np.concatenate([present[alignment.partners], np.asarray(missing, dtype=np.intp)]),
        mass=mass,
        cluster_confidence=np.append(
            alignment.cluster_confidence, np.full(len(missing), alignment.confidence)
        ),
    )


def _trial(
    left: ModalityDescription,
    right: ModalityDescription,
    missing: list[int],
    kinds: Sequence[Sequence[str]],
    seed: int,
    pairs: KnownPairs | None,
) -> Trial:
    rng = np.random.RandomState(seed)  # all trials use the same sets of prototypes
    rest, remaining_pairs = right.without(missing), pairs_without(pairs, right, missing)
    matches = match(problems(left, rest, rng, N_TRIAL_MATCHES, remaining_pairs), kinds, rng)
    alignment = average_matches(left, rest, matches)
    pair_share = share_kept(pairs, remaining_pairs)
    on_partners = alignment.mass[np.arange(rest.n_clusters), alignment.partners].sum()
    agreed = on_partners / max(left.retained.sum(), rest.retained.sum(), 1e-12)
    # Correlations are relative to their ceiling, that of two halves of one modality. The
    # ceiling of the left modality is left out, as it is the same in all trials.
    ceiling = np.sqrt(_own_correlation(rest, kinds))
    score = agreed * pair_share * float(np.mean([one.correlation for one in matches])) / ceiling
    names = np.delete(np.arange(right.n_clusters), missing)
    return Trial(score, names[alignment.partners])


def _own_correlation(modality: ModalityDescription, kinds: Sequence[Sequence[str]]) -> float:
    identity = np.arange(modality.n_clusters)
    sides = list(zip(*halves(modality.prototypes), strict=True))
    matches = [match_from_clusters(a, b, kind, identity) for kind in kinds for a, b in sides]
    return max(float(np.mean([one.correlation for one in matches])), 1e-12)
