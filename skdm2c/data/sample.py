"""Of many rows those that are clustered and matched; the others follow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..runtime.processes import Processes
from .pairs import NumberedPairs, paired_rows
from .prepared import PreparedData
from .rows import MAX_SAMPLED_ROWS, FloatRows, sample_rows, subsample

MAX_SAMPLED_PAIRS = 1000  # of two modalities


class RowSample(NamedTuple):
    """Rows that are looked at together: all of a modality, or some where it has many.

    Attributes
    ----------
    rows : list of ndarray, the m-th of shape (s_m, d_m)
    at : ndarray of int of shape (s,)
        Which of the rows given they are, in ascending order.
    codes : ndarray of shape (s,)
        Each one's modality, in that order; of several processes, of all of them.
    pairs : dict of (int, int) to ndarray of shape (p, 2)
        Of rows of the sample; a thousand of more.
    """

    rows: list[FloatRows]
    at: NDArray[np.intp]
    codes: NDArray[np.intp]
    pairs: NumberedPairs


def draw_sample(
    data: PreparedData, pairs: NumberedPairs, seed: int, processes: Processes
) -> RowSample:
    """Draw the rows that are looked at together, those of known pairs among them.

    Parameters
    ----------
    data : PreparedData
    pairs : dict of (int, int) to ndarray of shape (p, 2)
        Of all rows; of many some are drawn.
    seed : int
    processes : Processes
        Of several processes each draws a part, and all get all.

    Returns
    -------
    RowSample
    """
    most = -(-MAX_SAMPLED_PAIRS // processes.size)
    pairs = {
        key: known[subsample(len(known), most, np.random.RandomState(seed))]
        for key, known in pairs.items()
    }
    rows, at, numbers, before = [], [], [], []
    for m, x in enumerate(data.rows):
        seen, some = sample_rows(x, seed)
        kept = subsample(
            len(some), -(-MAX_SAMPLED_ROWS // processes.size), np.random.RandomState(seed)
        )
        seen, some = seen[kept], some[kept] if len(kept) < len(some) else some
        # Rows of known pairs are looked at, whoever else is.
        missing = np.setdiff1d(paired_rows(pairs, m), seen)
        if len(missing):
            order = np.argsort(np.concatenate([seen, missing]))
            seen = np.concatenate([seen, missing])[order]
            some = np.concatenate([some, x[missing]])[order]
        numbers.append(seen)
        at.append(np.flatnonzero(data.codes == m)[seen])
        rows.append(np.concatenate(processes.gather(some)) if processes.size > 1 else some)
        before.append(sum(processes.gather(len(seen))[: processes.rank]))
    here = {
        (a, b): np.column_stack(
            [np.searchsorted(numbers[m], known[:, i]) + before[m] for i, m in enumerate((a, b))]
        )
        for (a, b), known in pairs.items()
    }
    together = np.sort(np.concatenate(at))
    everywhere = processes.gather(here)
    return RowSample(
        rows,
        together,
        np.concatenate(processes.gather(data.codes[together])),
        {
            key: np.concatenate([part[key] for part in everywhere if key in part])
            for key in sorted({key for part in everywhere for key in part})
        },
    )
