"""Rows of the hub and its spokes, coupled, and what generators learn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..data.pairs import paired_rows
from ..data.rows import FloatRows, subsample
from .base import KnownPairs, pairs_between
from .modalities import AlignedModalities, ClusteredModalities
from .rows import couple_rows
from .scalings import SCALINGS, scaled_rows, unit_components
from .targets import UNTRUSTED, CoupledRows, row_weight, taught_targets

Edge = tuple[int, int]  # source and target of a generator

MAX_COUPLED = 1500  # rows of a modality that are coupled; the others follow their maps


def couple_edges(
    data: ClusteredModalities, aligned: AlignedModalities, edges: Sequence[Edge], seed: int
) -> dict[Edge, CoupledRows]:
    """Couple the rows of every edge whose matching of clusters is trusted, source on the left."""
    coupled = _couple_spokes(data, aligned, seed)
    return {
        (s, t): coupled[s] if t == data.hub else coupled[t].turned()
        for s, t in edges
        if (s if t == data.hub else t) in coupled
    }


def edge_weight(aligned: AlignedModalities, edge: Edge) -> float:
    """Weight of coupled rows along an edge: it rises with the confidence of the matching."""
    (spoke,) = (m for m in edge if m in aligned.alignments)  # the hub has no alignment
    return row_weight(aligned.alignments[spoke].confidence)


def generator_targets(
    data: ClusteredModalities,
    aligned: AlignedModalities,
    edges: Sequence[Edge],
    couplings: Mapping[Edge, CoupledRows],
) -> dict[Edge, FloatRows]:
    """Place every row of an edge's source in the latent space of its target."""
    targets = {}
    for s, t in edges:
        mapped = taught_targets(
            data.latents[s],
            aligned.responsibilities[s],
            data.latents[t],
            aligned.responsibilities[t],
        )
        if (s, t) in couplings:
            weight = edge_weight(aligned, (s, t))
            rows = couplings[s, t].targets(data.latents[t])
            mapped = (1 - weight) * mapped + weight * rows
        targets[s, t] = mapped.astype(np.float32)
    return targets


def _couple_spokes(
    data: ClusteredModalities, aligned: AlignedModalities, seed: int
) -> dict[int, CoupledRows]:
    # The spoke on the left; only spokes whose matching of clusters is trusted.
    trusted = [m for m, alignment in aligned.alignments.items() if alignment.confidence > UNTRUSTED]
    if not trusted:
        return {}
    k = data.numbers[data.hub]
    known = {key: pairs.rows for key, pairs in data.pairs.items()}
    points, coupled = {}, {}
    for m in (data.hub, *trusted):
        variants = [scaled_rows(data.unscaled[m], name) for name in SCALINGS]
        points[m] = [unit_components(x, k, seed) for x in variants]
        sample = subsample(len(data.unscaled[m]), MAX_COUPLED, np.random.RandomState([seed, m]))
        coupled[m] = np.union1d(sample, paired_rows(known, m))
    return {m: _couple(data, aligned, m, points, coupled) for m in trusted}


def _couple(
    data: ClusteredModalities,
    aligned: AlignedModalities,
    m: int,
    points: Mapping[int, Sequence[NDArray[np.float32]]],
    coupled: Mapping[int, NDArray[np.intp]],
) -> CoupledRows:
    left, right = coupled[m], coupled[data.hub]
    known = pairs_between(data.pairs, m, data.hub)
    pairs = None
    if known is not None:
        at = [np.searchsorted(rows, known.rows[:, i]) for i, rows in enumerate((left, right))]
        pairs = KnownPairs(np.column_stack(at), known.trust)
    responsibilities = aligned.responsibilities[m][left], aligned.responsibilities[data.hub][right]
    couplings = [
        couple_rows(a[left], b[right], *responsibilities, pairs)
        for a, b in zip(points[m], points[data.hub], strict=True)
    ]
    trusted = np.empty((0, 2), dtype=np.intp)
    if known is not None and known.trust >= 1:
        trusted = known.rows
    return CoupledRows(couplings, points[m], points[data.hub], left, right, trusted)
