"""The clusters of each modality, and which of them are one.

Each modality is clustered by itself and matched with the hub. Where many rows are known in
two modalities, clusters are then found anew, in both together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from numbers import Real
from typing import NamedTuple

import numpy as np

from ..clustering.clusters import ModalityClusters
from ..data.pairs import paired_rows
from ..data.rows import FloatRows, Matrix
from .agreement import spoke_agreement
from .base import Aligner, Alignment, KnownPairs, ModalityView, pairs_between
from .joint_clustering import PAIRS_NEEDED, joint_responsibilities, told_apart


class ClusteredModalities(NamedTuple):
    """Modalities whose clusters are to be matched.

    Attributes
    ----------
    rows, latents : list of ndarray, the m-th of shape (n_m, d_m) and (n_m, c)
    unscaled : list of ndarray, the m-th of shape (n_m, d_m)
        The rows as they were before columns were scaled, but for one number.
    clusters : list of ModalityClusters
        Of each modality by itself.
    numbers : tuple of int
        How many clusters each modality has.
    separations : list of float
        How far apart each one's stand.
    hub : int
    pairs : dict of (int, int) to KnownPairs
    """

    rows: Sequence[FloatRows]
    latents: Sequence[FloatRows]
    unscaled: Sequence[Matrix]
    clusters: Sequence[ModalityClusters]
    numbers: tuple[int, ...]
    separations: Sequence[float]
    hub: int
    pairs: Mapping[tuple[int, int], KnownPairs]


class AlignedModalities(NamedTuple):
    """Clusters that bear the hub's numbers.

    Attributes
    ----------
    alignments : dict of int to Alignment
        Of the clusters that each other modality has by itself with the hub's.
    responsibilities : list of ndarray of shape (n_m, k)
        What each row belongs to.
    """

    alignments: dict[int, Alignment]
    responsibilities: list[Matrix]


def align_modalities(data: ClusteredModalities, aligner: Aligner, seed: int) -> AlignedModalities:
    """Match each modality's clusters with the hub's.

    Parameters
    ----------
    data : ClusteredModalities
    aligner : Aligner
    seed : int

    Returns
    -------
    AlignedModalities

    Raises
    ------
    ValueError
        If the aligner gives back what is no matching.
    """
    alignments = _align_spokes(data, aligner, seed)
    responsibilities = [clusters.responsibilities for clusters in data.clusters]
    for m, alignment in alignments.items():
        renumbered = np.empty_like(responsibilities[m])
        renumbered[:, alignment.partners] = responsibilities[m]
        responsibilities[m] = renumbered
    # Confidence stays that of the clusters which pairs had no part in: else they would be
    # their own witnesses.
    return AlignedModalities(alignments, _found_together(data, responsibilities))


def _found_together(data: ClusteredModalities, responsibilities: list[Matrix]) -> list[Matrix]:
    # Clusters of the hub and of those that have enough pairs with it. Where one would be told
    # apart from the hub, it is done without it.
    hub, k = data.hub, data.numbers[data.hub]
    members = [
        m for m in range(len(responsibilities)) if m == hub or _n_known(data, m) >= PAIRS_NEEDED * k
    ]
    while len(members) > 1 and sum(len(responsibilities[m]) for m in members) >= k:
        found = dict(zip(members, _found_among(data, responsibilities, members), strict=True))
        apart = [
            m
            for m in members
            if m != hub
            and told_apart((responsibilities[hub], responsibilities[m]), (found[hub], found[m]))
        ]
        if not apart:
            return [found.get(m, share) for m, share in enumerate(responsibilities)]
        members = [m for m in members if m not in apart]
    return responsibilities


def _n_known(data: ClusteredModalities, m: int) -> float:
    # Instances that are known in a modality and in the hub, as far as they are trusted.
    pairs = pairs_between(data.pairs, m, data.hub)
    if pairs is None:
        return 0.0
    return min(pairs.trust, 1.0) * min(len(np.unique(rows)) for rows in pairs.rows.T)


def _found_among(
    data: ClusteredModalities, responsibilities: list[Matrix], members: list[int]
) -> list[Matrix]:
    return joint_responsibilities(
        [data.latents[m] for m in members],
        [responsibilities[m] for m in members],
        {
            (members.index(a), members.index(b)): pairs
            for (a, b), pairs in data.pairs.items()
            if {a, b} <= set(members)
        },
    )


def _align_spokes(data: ClusteredModalities, aligner: Aligner, seed: int) -> dict[int, Alignment]:
    known_rows = {key: pairs.rows for key, pairs in data.pairs.items()}
    described = [
        aligner.describe(
            ModalityView(x, z, clusters.labels, n, paired_rows(known_rows, m), unscaled),
            np.random.RandomState([seed, m]),
        )
        for m, (x, z, clusters, n, unscaled) in enumerate(
            zip(data.rows, data.latents, data.clusters, data.numbers, data.unscaled, strict=True)
        )
    ]

    def matched(m: int, other: int) -> Alignment:
        # The better separated on the left, as a matching that is close to a tie may depend on
        # the side: nor should it then on the order of the modalities, or on who is the hub.
        right, left = sorted((m, other), key=lambda i: data.separations[i])
        rng = np.random.RandomState([seed, left, right])
        sides = described[left], described[right], rng
        # An aligner that has no use for pairs need not take any.
        pairs = pairs_between(data.pairs, left, right)
        found = aligner.match(*sides) if pairs is None else aligner.match(*sides, pairs=pairs)
        _check_alignment(found, max(data.numbers[left], data.numbers[right]))
        return found if m == left else found.turned()

    found = {m: matched(m, data.hub) for m in range(len(data.rows)) if m != data.hub}
    # Spokes that contradict each other take from each other's confidence.
    factor = dict.fromkeys(found, 1.0)
    complete = [m for m in found if data.numbers[m] == data.numbers[data.hub]]
    for s, t in combinations(complete, 2):
        witness = spoke_agreement(found[s], found[t], matched(s, t))
        factor[s], factor[t] = factor[s] * witness, factor[t] * witness
    return {m: found[m].scaled(factor[m]) for m in found}


def _check_alignment(found: Alignment, n_clusters: int) -> None:
    # An aligner may be the user's own.
    k = n_clusters
    if not isinstance(found, Alignment) or sorted(np.ravel(found.partners)) != list(range(k)):
        raise ValueError(
            f"alignment: match must return an Alignment whose partners hold each of 0 to "
            f"{k - 1} once, got {found!r}. Use Alignment.of_partners."
        )
    if not (isinstance(found.confidence, Real) and 0 <= found.confidence <= 1):
        raise ValueError(
            f"alignment: match returned a confidence of {found.confidence!r}, not a number in "
            "[0, 1]."
        )
    for name, shape in (("mass", (k, k)), ("cluster_confidence", (k,))):
        value = getattr(found, name)
        if np.shape(value) != shape or not np.isfinite(value).all():
            raise ValueError(
                f"alignment: match returned a {name} of shape {np.shape(value)}; it must hold "
                f"numbers, in the shape {shape}. Use Alignment.of_partners."
            )
