"""Training sets of a cross-validation that lack a modality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .._sklearn import running_split

MIN_ROWS = 2  # per modality, in each training set


def refuse_folds_without_a_modality(codes: NDArray[np.intp], names: Sequence[str]) -> None:
    """Raise ValueError if a training set of scikit-learn's running cross-validation lacks one.

    Its searches turn errors of a fit into scores of NaN and then return the first candidate as
    the best one, but an error of the ``X[rows, ...]`` before the fit ends them. That of the first
    fold also speaks for the folds to come if they are consecutive, as by default.
    """
    training_rows, n_consecutive = running_split()
    if training_rows is None:
        return
    left_out = [np.delete(codes, training_rows)]
    if n_consecutive is not None:
        left_out += np.array_split(codes, n_consecutive)
    counts = np.bincount(codes, minlength=len(names))
    for fold in left_out:
        remaining = counts - np.bincount(fold, minlength=len(names))
        for name, count, left in zip(names, counts, remaining, strict=True):
            if left < MIN_ROWS <= count:
                raise ValueError(
                    f"A training set of this cross-validation has {left} of the {count} rows of "
                    f"modality {name!r}. Pass cv=ModalityKFold({n_consecutive or 5}), which keeps "
                    "the proportions of the modalities in each fold."
                )
