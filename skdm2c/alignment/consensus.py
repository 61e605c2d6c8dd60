"""What matchings agree on, and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .assignment import best_partners, most_shared, relative
from .base import Alignment, KnownPairs
from .confidence import weigh
from .decision import Space, decide, mean_cost
from .description import ModalityDescription, MultiscaleDescription
from .matching import PrototypeMatch
from .pairs import counted_confidence, pair_counts, raked
from .prototypes import cluster_sizes
from .row_search import row_centers, search_matchings

PAIRS_WORTH = 1.0  # known pairs a cluster that a matching by distances is worth
N_NOISY = 40  # starts of the search: the distances' masses, disturbed
NOISE = (0.05, 0.1, 0.2, 0.4)  # of relative masses, by which they are disturbed
N_PROPOSED = 3  # matchings that the search proposes in each scaling
MEANINGFUL = 0.2  # clusters that halves keep less of than this, over chance, mean little


def consensus(
    left: ModalityDescription, right: ModalityDescription, found: Sequence[PrototypeMatch]
) -> Alignment:
    """Average matchings, and compare with what matching a modality to itself gives.

    Parameters
    ----------
    left, right : ModalityDescription
        With the same number of clusters.
    found : sequence of PrototypeMatch

    Returns
    -------
    Alignment
    """
    mass = _mean_mass(found)
    partners = best_partners(mass)
    on_partners = mass[np.arange(len(partners)), partners]
    known = _known_from_halves(left) * _known_from_halves(right)
    known *= min(left.found, right.found, 1.0)
    kept = max(left.own.sum(), right.own.sum(), 1e-12)
    return Alignment(
        partners=partners,
        mass=mass,
        confidence=float(np.clip(known * on_partners.sum() / kept, 0, 1)),
        cluster_confidence=_cluster_confidence(left, right, mass, partners, known),
    )


def decided_by_rows(
    by_distances: Sequence[Alignment],
    left: MultiscaleDescription,
    right: MultiscaleDescription,
    rng: np.random.RandomState,
) -> Alignment:
    """Choose among matchings that distances and a search propose, by what rows cost.

    Parameters
    ----------
    by_distances : sequence of Alignment
        One a scaling.
    left, right : MultiscaleDescription
        One may have fewer clusters than there are partners: the others have no rows.
    rng : RandomState

    Returns
    -------
    Alignment
        See :func:`~skdm2c.alignment.confidence.weigh`; a cluster is trusted by more than the whole
        where more single decisions agree on its partner, and by less where fewer do.
    """
    spaces, labels = _spaces(left, right)
    k = len(by_distances[0].partners)
    agreed: Matrix = np.sum([relative(one.mass) for one in by_distances], axis=0)
    matchings = [most_shared(agreed), *(one.partners for one in by_distances)]
    proposed = {tuple(map(int, partners)) for partners in matchings}
    noisy = [
        most_shared(agreed + NOISE[i % len(NOISE)] * rng.gumbel(size=agreed.shape))
        for i in range(N_NOISY)
    ]
    starts = [*sorted(proposed), *(tuple(map(int, p)) for p in noisy)]
    for space in spaces:
        seed = rng.randint(2**31 - 1)
        a, b = (row_centers(x, y, k, seed) for x, y in zip(space, labels, strict=True))
        reached = search_matchings(a, b, starts, rng)
        proposed |= set(sorted(reached, key=lambda p: reached[p])[:N_PROPOSED])
    candidates = np.array(sorted(proposed), dtype=np.intp)
    every = np.arange(k)
    retained = agreed[every, candidates].sum(axis=1)
    retained /= agreed[every, most_shared(agreed)].sum()
    partners, votes = decide(candidates, retained, spaces, labels[0], labels[1], rng)
    witnesses = [one.confidence * _share_retained(one.mass, partners) for one in by_distances]
    trust = weigh(min(witnesses), partners, spaces, labels[0], labels[1], rng)
    return Alignment(
        partners=partners,
        mass=np.mean([one.mass for one in by_distances], axis=0),
        confidence=trust.probability,
        cluster_confidence=np.minimum(trust.probability * votes / max(votes.mean(), 1e-12), 1),
        p_value=trust.p_value,
    )


def cost_of_rows(
    partners: NDArray[np.intp],
    left: MultiscaleDescription,
    right: MultiscaleDescription,
    rng: np.random.RandomState,
) -> float:
    """Mean cost of coupling rows whose clusters are matched so, over the scalings.

    Parameters
    ----------
    partners : ndarray of int of shape (k,)
    left, right : MultiscaleDescription
    rng : RandomState

    Returns
    -------
    float
    """
    spaces, labels = _spaces(left, right)
    return mean_cost(partners, spaces, labels[0], labels[1], rng)


def _spaces(
    left: MultiscaleDescription, right: MultiscaleDescription
) -> tuple[list[Space], list[NDArray[np.integer]]]:
    # Rows of clusters that were not left out, and their labels.
    included = [np.flatnonzero(m.labels >= 0) for m in (left, right)]
    labels = [m.labels[rows] for m, rows in zip((left, right), included, strict=True)]
    spaces = [
        Space(*(points[rows] for points, rows in zip(pair, included, strict=True)))
        for pair in zip(left.points, right.points, strict=True)
    ]
    return spaces, labels


def _share_retained(mass: Matrix, partners: NDArray[np.intp]) -> float:
    # What partners have of the most that any could have.
    shares, every = relative(mass), np.arange(len(mass))
    return float(shares[every, partners].sum() / shares[every, most_shared(shares)].sum())


def counted(
    apart: Alignment,
    left: ModalityDescription,
    right: ModalityDescription,
    found: Sequence[PrototypeMatch],
    pairs: KnownPairs,
    rng: np.random.RandomState,
) -> Alignment:
    """Average matchings that pairs took part in, and count the pairs.

    A matching by distances counts as some pairs a cluster; pairs count as they are.

    Parameters
    ----------
    apart : Alignment
        By distances alone: a witness by itself.
    left, right : ModalityDescription
    found : sequence of PrototypeMatch
    pairs : KnownPairs
    rng : RandomState

    Returns
    -------
    Alignment
    """
    mass = _mean_mass(found)
    k = len(mass)
    counts = pairs.trust * pair_counts(left.labels, right.labels, pairs.rows, k)
    sizes, of_right = (cluster_sizes(m.prototypes) for m in (left, right))
    shared = raked((counts + PAIRS_WORTH * k * mass)[None], sizes, of_right)[0]
    partners = most_shared(shared)
    told = counted_confidence(counts, partners, sizes, of_right, rng)
    agreed = apart.partners == partners
    return Alignment(
        partners=partners,
        mass=shared,
        confidence=1 - (1 - apart.confidence * float(sizes @ agreed)) * (1 - float(sizes @ told)),
        cluster_confidence=1 - (1 - apart.cluster_confidence * agreed) * (1 - told),
        p_value=apart.p_value,
    )


def _mean_mass(found: Sequence[PrototypeMatch]) -> Matrix:
    mass: Matrix = np.mean([one.mass for one in found], axis=0)
    return mass


def _known_from_halves(modality: ModalityDescription) -> float:
    # Clusters that halves of the same rows do not agree on cannot be matched with others.
    chance = np.square(cluster_sizes(modality.prototypes)).sum()
    over_chance = (modality.own.sum() - chance) / max(1 - chance, 1e-12)
    return float(np.clip(over_chance / MEANINGFUL, 0, 1))


def _cluster_confidence(
    left: ModalityDescription,
    right: ModalityDescription,
    mass: Matrix,
    partners: NDArray[np.intp],
    known: float,
) -> Matrix:
    # Shares of each cluster's mass: here with its partner, there with itself.
    on_partners = mass[np.arange(len(partners)), partners]
    rows, columns = (np.maximum(mass.sum(axis=axis), 1e-12) for axis in (1, 0))
    here = (on_partners / rows + on_partners / columns[partners]) / 2
    kept = [m.own / np.maximum(cluster_sizes(m.prototypes), 1e-12) for m in (left, right)]
    there = np.maximum(np.maximum(kept[0], kept[1][partners]), 1e-12)
    confidence: Matrix = np.clip(known * here / there, 0, 1)
    return confidence
