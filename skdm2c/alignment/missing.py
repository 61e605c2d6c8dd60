"""Two modalities of which one lacks clusters that the other has: which ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .base import Alignment, KnownPairs
from .consensus import consensus
from .description import ModalityDescription, halves, problems
from .matching import match, match_from_clusters
from .prototypes import cluster_sizes

N_TRIED = 3  # pairs of drawings that each trial matches
N_PROPOSED = 4  # last clusters that are proposed as missing


class Trial(NamedTuple):
    """A matching without some clusters of the right side.

    Attributes
    ----------
    score : float
        Its worth, beside that of other trials.
    partners : ndarray of int of shape (j,)
        Right cluster of each left one.
    """

    score: float
    partners: NDArray[np.intp]


class Proposal(NamedTuple):
    """Right clusters that the left side may lack.

    Attributes
    ----------
    missing : tuple of int
        In ascending order.
    partners : ndarray of int of shape (j,)
        Right cluster of each left one.
    certainty : float
        In [0, 1]; see :func:`certainty`.
    """

    missing: tuple[int, ...]
    partners: NDArray[np.intp]
    certainty: float


def find_missing(
    left: ModalityDescription,
    right: ModalityDescription,
    kinds: Sequence[Sequence[str]],
    rng: np.random.RandomState,
    pairs: KnownPairs | None,
) -> list[Proposal]:
    """Propose right clusters that the left side lacks: without them distances match best.

    They are found one after the other; the best few of the last are proposed.

    Parameters
    ----------
    left, right : ModalityDescription
        The right one with more clusters.
    kinds : sequence of sequence of str
        The distances to agree in.
    rng : RandomState
    pairs : KnownPairs or None

    Returns
    -------
    list of Proposal
        The best first.
    """
    missing: list[int] = []
    sure, seed = 1.0, rng.randint(2**31 - 1)
    while True:
        padded = left.with_empty(right.n_clusters - len(missing) - 1 - left.n_clusters)
        tried = {
            c: _trial(padded, right, [*missing, c], kinds, seed, pairs)
            for c in range(right.n_clusters)
            if c not in missing
        }
        best, second, *others = sorted(tried, key=lambda c: -tried[c].score)
        sizes = cluster_sizes(padded.prototypes)
        if left.n_clusters + len(missing) + 1 == right.n_clusters:
            rivals = {best: second, **dict.fromkeys([second, *others], best)}
            return [
                Proposal(
                    tuple(sorted([*missing, c])),
                    tried[c].partners,
                    sure * certainty(tried[c], tried[rivals[c]], sizes),
                )
                for c in (best, second, *others)[:N_PROPOSED]
            ]
        missing.append(best)
        sure *= certainty(tried[best], tried[second], sizes)


def certainty(best: Trial, rival: Trial, sizes: Matrix) -> float:
    """Trust the best by less where a rival is nearly as good, and contradicts it.

    Parameters
    ----------
    best, rival : Trial
    sizes : ndarray of shape (j,)
        Shares of the rows that the left clusters hold.

    Returns
    -------
    float
        In [0, 1].

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
    """Leave out the pairs of clusters that are missing; None where none is left.

    Parameters
    ----------
    pairs : KnownPairs or None
    right : ModalityDescription
    missing : sequence of int

    Returns
    -------
    KnownPairs or None
    """
    if pairs is None:
        return None
    kept = pairs.rows[~np.isin(right.labels[pairs.rows[:, 1]], missing)]
    return replace(pairs, rows=kept) if len(kept) else None


def share_kept(pairs: KnownPairs | None, known: KnownPairs | None) -> float:
    """Share of the pairs that stay when those of missing clusters are left out.

    Parameters
    ----------
    pairs, known : KnownPairs or None
        All, and what :func:`pairs_without` leaves of them.

    Returns
    -------
    float
        One where there are no pairs.
    """
    if pairs is None:
        return 1.0
    return 0.0 if known is None else len(known.rows) / len(pairs.rows)


def with_missing(found: Alignment, missing: Sequence[int]) -> Alignment:
    """Give clusters that the left side lacks their numbers back, and empty ones for partners.

    Parameters
    ----------
    found : Alignment
        Of the j left clusters with the right ones but for those missing.
    missing : sequence of int
        Right clusters, out of k.

    Returns
    -------
    Alignment
        Of k clusters. The left ones from j on are empty, and the partners of the missing; what
        is trusted of those is the confidence of the whole.

    Examples
    --------
    >>> found = with_missing(Alignment.of_partners([1, 0], confidence=0.7), missing=[1])
    >>> found.partners, found.mass
    (array([2, 0, 1]), array([[0. , 0. , 0.5],
           [0.5, 0. , 0. ],
           [0. , 0. , 0. ]]))
    """
    j, k = len(found.partners), len(found.partners) + len(missing)
    kept = np.delete(np.arange(k), missing)
    mass = np.zeros((k, k))
    mass[np.ix_(np.arange(j), kept)] = found.mass
    return replace(
        found,
        partners=np.concatenate([kept[found.partners], np.asarray(missing, dtype=np.intp)]),
        mass=mass,
        cluster_confidence=np.append(
            found.cluster_confidence, np.full(len(missing), found.confidence)
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
    rng = np.random.RandomState(seed)  # the same drawings in all trials
    rest, known = right.without(missing), pairs_without(pairs, right, missing)
    found = match(problems(left, rest, rng, N_TRIED, known), kinds, rng)
    alignment = consensus(left, rest, found)
    kept = share_kept(pairs, known)
    on_partners = alignment.mass[np.arange(rest.n_clusters), alignment.partners].sum()
    agreed = on_partners / max(left.own.sum(), rest.own.sum(), 1e-12)
    # Distances agree at best as well as those of two halves of the rest; what the halves of
    # the left come to is the same in all trials.
    at_best = np.sqrt(_own_correlation(rest, kinds))
    score = agreed * kept * float(np.mean([one.correlation for one in found])) / at_best
    names = np.delete(np.arange(right.n_clusters), missing)
    return Trial(score, names[alignment.partners])


def _own_correlation(modality: ModalityDescription, kinds: Sequence[Sequence[str]]) -> float:
    identity = np.arange(modality.n_clusters)
    sides = list(zip(*halves(modality.prototypes), strict=True))
    found = [match_from_clusters(a, b, kind, identity) for kind in kinds for a, b in sides]
    return max(float(np.mean([one.correlation for one in found])), 1e-12)
