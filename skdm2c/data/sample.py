"""Subsample of rows used for clustering and matching."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..runtime.processes import Processes
from .pairs import NumberedPairs, paired_rows
from .prepared import PreparedData
from .rows import MAX_SAMPLED_ROWS, FloatRows, sample_rows, subsample

MAX_SAMPLED_PAIRS = 1000  # per pair of modalities


class RowSample(NamedTuple):
    """Sampled rows of each modality, gathered from all processes, and their known pairs."""

    rows: list[FloatRows]  # the m-th of shape (s_m, d_m)
    at: NDArray[np.intp]  # sorted indices of this process's sampled rows in the container
    codes: NDArray[np.intp]  # modality of each sampled row, of all processes in order of rank
    pairs: NumberedPairs  # pairs of sampled rows, at most 1,000 per pair of modalities


def draw_sample(
    data: PreparedData, pairs: NumberedPairs, seed: int, processes: Processes
) -> RowSample:
    """Sample rows of each modality and known pairs, the rows of which join the sample.

    Each process draws its part of the rows; all processes return the rows of all.
    """
    max_pairs = -(-MAX_SAMPLED_PAIRS // processes.size)
    max_rows = -(-MAX_SAMPLED_ROWS // processes.size)
    pairs = {
        key: known[subsample(len(known), max_pairs, np.random.RandomState(seed))]
        for key, known in pairs.items()
    }
    rows, at, indices, offsets = [], [], [], []
    for m, x in enumerate(data.rows):
        drawn, x_drawn = sample_rows(x, seed)
        selected = subsample(len(x_drawn), max_rows, np.random.RandomState(seed))
        drawn = drawn[selected]
        x_drawn = x_drawn[selected] if len(selected) < len(x_drawn) else x_drawn
        # The sample must hold both rows of every sampled pair.
        missing = np.setdiff1d(paired_rows(pairs, m), drawn)
        if len(missing):
            order = np.argsort(np.concatenate([drawn, missing]))
            drawn = np.concatenate([drawn, missing])[order]
            x_drawn = np.concatenate([x_drawn, x[missing]])[order]
        indices.append(drawn)
        at.append(np.flatnonzero(data.codes == m)[drawn])
        rows.append(np.concatenate(processes.gather(x_drawn)) if processes.size > 1 else x_drawn)
        # Rows of lower ranks precede those of this process.
        offsets.append(sum(processes.gather(len(drawn))[: processes.rank]))
    sampled_pairs = {
        (a, b): np.column_stack(
            [np.searchsorted(indices[m], known[:, i]) + offsets[m] for i, m in enumerate((a, b))]
        )
        for (a, b), known in pairs.items()
    }
    sampled = np.sort(np.concatenate(at))
    gathered_pairs = processes.gather(sampled_pairs)
    return RowSample(
        rows,
        sampled,
        np.concatenate(processes.gather(data.codes[sampled])),
        {
            key: np.concatenate([part[key] for part in gathered_pairs if key in part])
            for key in sorted({key for part in gathered_pairs for key in part})
        },
    )
