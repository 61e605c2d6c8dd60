"""Match the clusters of each modality with those of the hub.

Each modality is clustered by itself and then matched with the hub. Modalities that have enough
known pairs with the hub are then clustered again, jointly with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from ..clustering.clusters import ModalityClusters
from ..data.pairs import paired_rows
from ..data.rows import FloatRows, Matrix
from ..runtime.parallel import in_threads
from .agreement import spoke_agreement
from .base import Aligner, Alignment, KnownPairs, ModalityView, pairs_between
from .joint_clustering import MIN_PAIRS_PER_CLUSTER, joint_responsibilities, separates_modalities


class ClusteredModalities(NamedTuple):
    """Modalities that were clustered one by one, before their clusters are matched."""

    names: Sequence[str]
    rows: Sequence[FloatRows]
    latents: Sequence[FloatRows]
    unscaled: Sequence[Matrix]  # rows before their columns were scaled, up to a common factor
    clusters: Sequence[ModalityClusters]
    numbers: tuple[int, ...]  # clusters per modality
    separations: Sequence[float]  # mean silhouettes
    hub: int
    pairs: Mapping[tuple[int, int], KnownPairs]


class AlignedModalities(NamedTuple):
    """Modalities whose clusters are numbered as the hub's."""

    alignments: dict[int, Alignment]  # of each spoke with the hub, by the spoke's index
    responsibilities: list[Matrix]  # of shape (n_m, k)


def align_modalities(
    data: ClusteredModalities,
    aligner: Aligner,
    seed: int,
    on_step: Callable[[str], None] = lambda step: None,
) -> AlignedModalities:
    """Match the clusters of each modality with the hub's, and refine them by known pairs.

    ``on_step`` is called with the description of each step before it begins.

    Raises ValueError if the aligner returns an invalid alignment.
    """
    alignments = _align_spokes(data, aligner, seed, on_step)
    responsibilities = [clusters.responsibilities for clusters in data.clusters]
    for m, alignment in alignments.items():
        renumbered = np.empty_like(responsibilities[m])
        renumbered[:, alignment.partners] = responsibilities[m]
        responsibilities[m] = renumbered
    # The confidence stays that of the original clusters: pairs that have shaped the clusters cannot
    # confirm them as well.
    return AlignedModalities(alignments, _refine_jointly(data, responsibilities))


def _refine_jointly(data: ClusteredModalities, responsibilities: list[Matrix]) -> list[Matrix]:
    # The hub and all spokes with enough pairs are clustered together. If that separates a spoke
    # from the hub instead of the clusters, it is repeated without this spoke.
    hub, k = data.hub, data.numbers[data.hub]
    members = [
        m
        for m in range(len(responsibilities))
        if m == hub or _n_trusted_pairs(data, m) >= MIN_PAIRS_PER_CLUSTER * k
    ]
    while len(members) > 1 and sum(len(responsibilities[m]) for m in members) >= k:
        refined = dict(zip(members, _cluster_jointly(data, responsibilities, members), strict=True))
        separated = [
            m
            for m in members
            if m != hub
            and separates_modalities(
                (responsibilities[hub], responsibilities[m]), (refined[hub], refined[m])
            )
        ]
        if not separated:
            return [refined.get(m, resp) for m, resp in enumerate(responsibilities)]
        members = [m for m in members if m not in separated]
    return responsibilities


def _n_trusted_pairs(data: ClusteredModalities, m: int) -> float:
    # Number of instances known in both the modality and the hub, weighted by trust.
    pairs = pairs_between(data.pairs, m, data.hub)
    if pairs is None:
        return 0.0
    return min(pairs.trust, 1.0) * min(len(np.unique(rows)) for rows in pairs.rows.T)


def _cluster_jointly(
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


def _align_spokes(
    data: ClusteredModalities, aligner: Aligner, seed: int, on_step: Callable[[str], None]
) -> dict[int, Alignment]:
    known_rows = {key: pairs.rows for key, pairs in data.pairs.items()}

    def describe(m: int) -> Any:
        view = ModalityView(
            data.rows[m],
            data.latents[m],
            data.clusters[m].labels,
            data.numbers[m],
            paired_rows(known_rows, m),
            data.unscaled[m],
        )
        return aligner.describe(view, np.random.RandomState([seed, m]))

    on_step("describing each modality")
    descriptions = in_threads(describe, range(len(data.rows)))

    def align_pair(m: int, other: int) -> Alignment:
        on_step(f"matching {data.names[m]!r} with {data.names[other]!r}")
        # A matching close to a tie may depend on the orientation. The better separated modality is
        # always on the left, so that neither the order of modalities nor the hub matters.
        right, left = sorted((m, other), key=lambda i: data.separations[i])
        rng = np.random.RandomState([seed, left, right])
        sides = descriptions[left], descriptions[right], rng
        # Aligners that do not use pairs need not have the parameter.
        pairs = pairs_between(data.pairs, left, right)
        alignment = aligner.match(*sides) if pairs is None else aligner.match(*sides, pairs=pairs)
        _check_alignment(alignment, max(data.numbers[left], data.numbers[right]))
        return alignment if m == left else alignment.turned()

    alignments = {m: align_pair(m, data.hub) for m in range(len(data.rows)) if m != data.hub}
    # Spokes that contradict each other lower each other's confidence.
    factors = dict.fromkeys(alignments, 1.0)
    complete = [m for m in alignments if data.numbers[m] == data.numbers[data.hub]]
    for s, t in combinations(complete, 2):
        agreement = spoke_agreement(alignments[s], alignments[t], align_pair(s, t))
        factors[s], factors[t] = factors[s] * agreement, factors[t] * agreement
    return {m: alignments[m].scaled(factors[m]) for m in alignments}


def _check_alignment(alignment: Alignment, k: int) -> None:
    # Users may pass their own aligner.
    if not isinstance(alignment, Alignment) or sorted(np.ravel(alignment.partners)) != list(
        range(k)
    ):
        raise ValueError(
            f"alignment: match must return an Alignment whose partners hold each of 0 to "
            f"{k - 1} once, got {alignment!r}. Use Alignment.of_partners."
        )
    if not (isinstance(alignment.confidence, Real) and 0 <= alignment.confidence <= 1):
        raise ValueError(
            f"alignment: match returned a confidence of {alignment.confidence!r}, not a number in "
            "[0, 1]."
        )
    for name, shape in (("mass", (k, k)), ("cluster_confidence", (k,))):
        value = getattr(alignment, name)
        if np.shape(value) != shape or not np.isfinite(value).all():
            raise ValueError(
                f"alignment: match returned a {name} of shape {np.shape(value)}; it must hold "
                f"finite numbers and have shape {shape}. Use Alignment.of_partners."
            )
