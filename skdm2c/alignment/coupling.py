"""Couple the rows of the hub with those of spokes, and derive what generators learn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..data.pairs import paired_rows
from ..data.rows import FloatRows, subsample
from ..runtime.parallel import in_threads
from .base import KnownPairs, pairs_between
from .modalities import AlignedModalities, ClusteredModalities
from .rows import couple_rows
from .scalings import SCALINGS, leading_components, scaled_rows, unit_mean_square
from .targets import UNTRUSTED, CoupledRows, row_weight, taught_targets

Edge = tuple[int, int]  # source and target of a generator

MAX_COUPLED = 1000  # rows per modality; the fitted maps place the others


def couple_edges(
    data: ClusteredModalities, aligned: AlignedModalities, edges: Sequence[Edge], seed: int
) -> dict[Edge, CoupledRows]:
    """Couple the rows of every edge whose matching is trusted, with the source on the left."""
    coupled = _couple_spokes(data, aligned, seed)
    return {
        (s, t): coupled[s] if t == data.hub else coupled[t].turned()
        for s, t in edges
        if (s if t == data.hub else t) in coupled
    }


def edge_weight(aligned: AlignedModalities, edge: Edge) -> float:
    """Return the weight in [0, 1] of an edge's coupled rows; it rises with the confidence."""
    (spoke,) = (m for m in edge if m in aligned.alignments)  # the hub has no alignment
    return row_weight(aligned.alignments[spoke].confidence)


def generator_targets(
    data: ClusteredModalities,
    aligned: AlignedModalities,
    edges: Sequence[Edge],
    couplings: Mapping[Edge, CoupledRows],
) -> dict[Edge, FloatRows]:
    """Return for every edge the targets of its generator, of shape (n_source, n_components).

    They lie where the matching of clusters, refined by coupled rows, places the source's rows in
    the latent space of the target.
    """
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
    # The spoke is on the left. A wrong matching would couple the wrong rows, so that spokes with a
    # low confidence are left out.
    trusted = [m for m, alignment in aligned.alignments.items() if alignment.confidence > UNTRUSTED]
    if not trusted:
        return {}
    k = data.numbers[data.hub]
    known_rows = {key: pairs.rows for key, pairs in data.pairs.items()}
    points, chosen = {}, {}
    for m in (data.hub, *trusted):
        points[m] = [
            unit_mean_square(leading_components(scaled_rows(data.unscaled[m], name), k, seed))
            for name in SCALINGS
        ]
        sample = subsample(len(data.unscaled[m]), MAX_COUPLED, np.random.RandomState([seed, m]))
        chosen[m] = np.union1d(sample, paired_rows(known_rows, m))
    return {m: _couple(data, aligned, m, points, chosen) for m in trusted}


def _couple(
    data: ClusteredModalities,
    aligned: AlignedModalities,
    m: int,
    points: Mapping[int, Sequence[NDArray[np.float32]]],
    chosen: Mapping[int, NDArray[np.intp]],
) -> CoupledRows:
    left, right = chosen[m], chosen[data.hub]
    known_pairs = pairs_between(data.pairs, m, data.hub)
    pairs = None
    if known_pairs is not None:
        positions = [
            np.searchsorted(rows, known_pairs.rows[:, i]) for i, rows in enumerate((left, right))
        ]
        pairs = KnownPairs(np.column_stack(positions), known_pairs.trust)
    responsibilities = aligned.responsibilities[m][left], aligned.responsibilities[data.hub][right]
    couplings = in_threads(
        lambda sides: couple_rows(sides[0][left], sides[1][right], *responsibilities, pairs),
        zip(points[m], points[data.hub], strict=True),
    )
    # Only certain pairs may override the coupling.
    certain = np.empty((0, 2), dtype=np.intp)
    if known_pairs is not None and known_pairs.trust >= 1:
        certain = known_pairs.rows
    return CoupledRows(couplings, points[m], points[data.hub], left, right, certain)
