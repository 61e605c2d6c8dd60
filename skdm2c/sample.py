"""Of many rows those that are clustered and matched; the others follow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._peers import Peers
from .checked import CheckedData
from .data.pairs import NumberedPairs, paired_rows
from .data.rows import MOST_SEEN, FloatRows, look_at
from .sampling import subsample

MOST_PAIRS = 1000  # of two modalities


class Sample(NamedTuple):
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


def draw_sample(data: CheckedData, pairs: NumberedPairs, seed: int, peers: Peers) -> Sample:
    """Draw the rows that are looked at together, those of known pairs among them.

    Parameters
    ----------
    data : CheckedData
    pairs : dict of (int, int) to ndarray of shape (p, 2)
        Of all rows; of many some are drawn.
    seed : int
    peers : Peers
        Of several processes each draws a part, and all get all.

    Returns
    -------
    Sample
    """
    most = -(-MOST_PAIRS // peers.size)
    pairs = {
        key: known[subsample(len(known), most, np.random.RandomState(seed))]
        for key, known in pairs.items()
    }
    rows, at, numbers, before = [], [], [], []
    for m, x in enumerate(data.rows):
        seen, some = look_at(x, seed)
        kept = subsample(len(some), -(-MOST_SEEN // peers.size), np.random.RandomState(seed))
        seen, some = seen[kept], some[kept] if len(kept) < len(some) else some
        # Rows of known pairs are looked at, whoever else is.
        missing = np.setdiff1d(paired_rows(pairs, m), seen)
        if len(missing):
            order = np.argsort(np.concatenate([seen, missing]))
            seen = np.concatenate([seen, missing])[order]
            some = np.concatenate([some, x[missing]])[order]
        numbers.append(seen)
        at.append(np.flatnonzero(data.codes == m)[seen])
        rows.append(np.concatenate(peers.gather(some)) if peers.size > 1 else some)
        before.append(sum(peers.gather(len(seen))[: peers.rank]))
    here = {
        (a, b): np.column_stack(
            [np.searchsorted(numbers[m], known[:, i]) + before[m] for i, m in enumerate((a, b))]
        )
        for (a, b), known in pairs.items()
    }
    together = np.sort(np.concatenate(at))
    everywhere = peers.gather(here)
    return Sample(
        rows,
        together,
        np.concatenate(peers.gather(data.codes[together])),
        {
            key: np.concatenate([part[key] for part in everywhere if key in part])
            for key in sorted({key for part in everywhere for key in part})
        },
    )
