"""Combine several matchings into one alignment, and estimate its confidence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from ..runtime.parallel import in_threads, spawn
from .assignment import best_partners, most_shared, relative
from .base import Alignment, KnownPairs
from .confidence import estimate_trust
from .decision import Space, decide, mean_cost
from .description import ModalityDescription, MultiscaleDescription
from .matching import PrototypeMatch
from .pairs import confidence_from_pairs, pair_counts, rake
from .prototypes import MANY_CLUSTERS, cluster_sizes
from .row_search import Matching, row_centers, search_matchings

MATCHING_WORTH = 1.0  # known pairs per cluster that a matching counts as
N_NOISY_STARTS = 40  # starts of the search from masses with added noise
NOISE = (0.05, 0.1, 0.2, 0.4)  # scales of the noise added to relative masses
N_PROPOSALS = 3  # matchings that the search proposes per scaling
MIN_STABILITY = 0.2  # agreement of halves, above chance, below which confidence is reduced


def average_matches(
    left: ModalityDescription, right: ModalityDescription, matches: Sequence[PrototypeMatch]
) -> Alignment:
    """Average the matchings ``matches`` into one alignment with a confidence.

    The confidence relates the mass on the partners to the mass that matching a modality with
    itself leaves on the right clusters. Both sides must have the same number of clusters.
    """
    mass = _mean_mass(matches)
    partners = best_partners(mass)
    on_partners = mass[np.arange(len(partners)), partners]
    stability = _stability(left) * _stability(right)
    stability *= min(left.recovered, right.recovered, 1.0)
    attainable = max(left.retained.sum(), right.retained.sum(), 1e-12)
    return Alignment(
        partners=partners,
        mass=mass,
        confidence=float(np.clip(stability * on_partners.sum() / attainable, 0, 1)),
        cluster_confidence=_cluster_confidence(left, right, mass, partners, stability),
    )


def decided_by_rows(
    by_distances: Sequence[Alignment],
    left: MultiscaleDescription,
    right: MultiscaleDescription,
    rng: np.random.RandomState,
) -> Alignment:
    """Choose the matching under which the rows are cheapest to couple.

    Candidates come from ``by_distances``, one alignment per scaling, and from a search. One side
    may have fewer than k clusters. A cluster is trusted more than the matching as a whole if more
    votes than average agree on its partner, and less if fewer do.
    """
    spaces, labels = _spaces(left, right)
    k = len(by_distances[0].partners)
    relative_mass: Matrix = np.sum([relative(alignment.mass) for alignment in by_distances], axis=0)
    matchings = [most_shared(relative_mass), *(alignment.partners for alignment in by_distances)]
    candidates = {tuple(map(int, partners)) for partners in matchings}
    noisy_starts = [
        most_shared(relative_mass + NOISE[i % len(NOISE)] * rng.gumbel(size=relative_mass.shape))
        for i in range(N_NOISY_STARTS)
    ]
    starts = [*sorted(candidates), *(tuple(map(int, p)) for p in noisy_starts)]
    # With many clusters, the centres of the search could not tell them apart.
    if k < MANY_CLUSTERS:
        cases = zip(spaces, spawn(rng, len(spaces)), strict=True)
        proposals = in_threads(lambda case: _proposals(case[0], labels, k, starts, case[1]), cases)
        candidates |= set(chain.from_iterable(proposals))
    candidate_array = np.array(sorted(candidates), dtype=np.intp)
    clusters = np.arange(k)
    retained = relative_mass[clusters, candidate_array].sum(axis=1)
    retained /= relative_mass[clusters, most_shared(relative_mass)].sum()
    partners, votes = decide(candidate_array, retained, spaces, labels[0], labels[1], rng)
    support = [
        alignment.confidence * _share_retained(alignment.mass, partners)
        for alignment in by_distances
    ]
    trust = estimate_trust(min(support), partners, spaces, labels[0], labels[1], rng)
    return Alignment(
        partners=partners,
        mass=np.mean([alignment.mass for alignment in by_distances], axis=0),
        confidence=trust.probability,
        cluster_confidence=np.minimum(trust.probability * votes / max(votes.mean(), 1e-12), 1),
        p_value=trust.p_value,
    )


def _proposals(
    space: Space,
    labels: Sequence[NDArray[np.integer]],
    k: int,
    starts: Sequence[Matching],
    rng: np.random.RandomState,
) -> list[Matching]:
    # The cheapest matchings that a search under one scaling reaches.
    seed = rng.randint(2**31 - 1)
    left, right = (row_centers(x, y, k, seed) for x, y in zip(space, labels, strict=True))
    costs = search_matchings(left, right, starts, rng)
    return sorted(costs, key=lambda p: costs[p])[:N_PROPOSALS]


def cost_of_rows(
    partners: NDArray[np.intp],
    left: MultiscaleDescription,
    right: MultiscaleDescription,
    rng: np.random.RandomState,
) -> float:
    """Return the cost of coupling rows under ``partners`` of shape (k,), averaged over scalings."""
    spaces, labels = _spaces(left, right)
    return mean_cost(partners, spaces, labels[0], labels[1], rng)


def _spaces(
    left: MultiscaleDescription, right: MultiscaleDescription
) -> tuple[list[Space], list[NDArray[np.integer]]]:
    # Rows of clusters that were left out have the label -1.
    included = [np.flatnonzero(m.labels >= 0) for m in (left, right)]
    labels = [m.labels[rows] for m, rows in zip((left, right), included, strict=True)]
    spaces = [
        Space(*(points[rows] for points, rows in zip(pair, included, strict=True)))
        for pair in zip(left.points, right.points, strict=True)
    ]
    return spaces, labels


def _share_retained(mass: Matrix, partners: NDArray[np.intp]) -> float:
    # Relative mass of the partners, as a fraction of the largest mass that any matching has.
    shares, rows = relative(mass), np.arange(len(mass))
    return float(shares[rows, partners].sum() / shares[rows, most_shared(shares)].sum())


def counted(
    apart: Alignment,
    left: ModalityDescription,
    right: ModalityDescription,
    matches: Sequence[PrototypeMatch],
    pairs: KnownPairs,
    rng: np.random.RandomState,
) -> Alignment:
    """Average the matchings ``matches``, informed by pairs, and add the counts of the pairs.

    A matching counts as a fixed number of pairs per cluster. ``apart`` is the alignment by
    distances alone, the only one whose confidence is independent of the pairs.
    """
    mass = _mean_mass(matches)
    k = len(mass)
    counts = pairs.trust * pair_counts(left.labels, right.labels, pairs.rows, k)
    left_sizes, right_sizes = (cluster_sizes(m.prototypes) for m in (left, right))
    combined = rake((counts + MATCHING_WORTH * k * mass)[None], left_sizes, right_sizes)[0]
    partners = most_shared(combined)
    pair_confidence = confidence_from_pairs(counts, partners, left_sizes, right_sizes, rng)
    unchanged = apart.partners == partners
    return Alignment(
        partners=partners,
        mass=combined,
        confidence=1
        - (1 - apart.confidence * float(left_sizes @ unchanged))
        * (1 - float(left_sizes @ pair_confidence)),
        cluster_confidence=1 - (1 - apart.cluster_confidence * unchanged) * (1 - pair_confidence),
        p_value=apart.p_value,
    )


def _mean_mass(matches: Sequence[PrototypeMatch]) -> Matrix:
    mass: Matrix = np.mean([match.mass for match in matches], axis=0)
    return mass


def _stability(modality: ModalityDescription) -> float:
    # Clusters on which halves of the same rows do not agree cannot be matched with others.
    chance = np.square(cluster_sizes(modality.prototypes)).sum()
    over_chance = (modality.retained.sum() - chance) / max(1 - chance, 1e-12)
    return float(np.clip(over_chance / MIN_STABILITY, 0, 1))


def _cluster_confidence(
    left: ModalityDescription,
    right: ModalityDescription,
    mass: Matrix,
    partners: NDArray[np.intp],
    stability: float,
) -> Matrix:
    # The fraction of a cluster's mass that it shares with its partner, relative to the fraction
    # that it keeps when the modality is matched with itself.
    on_partners = mass[np.arange(len(partners)), partners]
    rows, columns = (np.maximum(mass.sum(axis=axis), 1e-12) for axis in (1, 0))
    observed = (on_partners / rows + on_partners / columns[partners]) / 2
    self_matched = [
        m.retained / np.maximum(cluster_sizes(m.prototypes), 1e-12) for m in (left, right)
    ]
    attainable = np.maximum(np.maximum(self_matched[0], self_matched[1][partners]), 1e-12)
    confidence: Matrix = np.clip(stability * observed / attainable, 0, 1)
    return confidence
