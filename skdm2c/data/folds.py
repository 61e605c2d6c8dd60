"""Folds of consecutive rows, of which one may hold all rows of a modality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MIN_ROWS = 2  # per modality, in each training set


def refuse_consecutive_folds(
    codes: NDArray[np.intp], rows: NDArray[np.intp], names: Sequence[str]
) -> None:
    """Raise ValueError if ``rows`` show that K-fold will leave a training set without a modality.

    scikit-learn's searches turn errors of a fit into scores of NaN and then return the first
    candidate as the best one. Errors of ``X[rows, ...]`` end a search, and its first call, before
    any fit, selects the training rows of the first fold: all rows but the first n / K.
    """
    n, size = len(codes), len(codes) - len(rows)
    if not 0 < size < n or not np.array_equal(rows, np.arange(size, n)):
        return
    folds = np.array_split(codes, -(-n // size))
    if len(folds[0]) != size:  # a single split, such as the last rows for testing
        return
    counts = np.bincount(codes, minlength=len(names))
    for fold in folds:
        remaining = counts - np.bincount(fold, minlength=len(names))
        for name, count, left in zip(names, counts, remaining, strict=True):
            if left < MIN_ROWS <= count:
                raise ValueError(
                    f"A fold of {len(folds)} without shuffling holds {count - left} of the {count} "
                    f"rows of modality {name!r}, and leaves too few to train on. Pass "
                    f"cv=ModalityKFold({len(folds)}), which keeps the proportions of the "
                    "modalities in each fold."
                )
