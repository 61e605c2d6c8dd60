"""Some of many rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def subsample(n_rows: int, most: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Draw the numbers of at most so many rows.

    Parameters
    ----------
    n_rows, most : int
    rng : RandomState

    Returns
    -------
    ndarray of int of shape (min(n_rows, most),)
        In ascending order; all rows where there are no more than ``most``.

    Examples
    --------
    >>> rng = np.random.RandomState(0)
    >>> subsample(3, 5, rng), subsample(1000, 4, rng)
    (array([0, 1, 2]), array([298, 356, 533, 708]))
    """
    return np.sort(rng.permutation(n_rows)[:most])
