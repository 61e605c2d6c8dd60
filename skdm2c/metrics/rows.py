"""Alignment of single rows, measured where their true counterparts are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import pairwise_distances_chunked
from sklearn.utils import check_array

from ..data.rows import Matrix


def foscttm(Z_a: ArrayLike, Z_b: ArrayLike) -> float:
    """Compute the fraction of samples closer than the true match, averaged over both directions.

    Parameters
    ----------
    Z_a : array-like of shape (n, c)
        Rows of one modality in the unified space.
    Z_b : array-like of shape (n, c)
        Rows of the other modality; row i of both is the same instance.

    Returns
    -------
    float
        Fraction in [0, 1). It is 0 if every row is nearest to its counterpart, and about 0.5 by
        chance.

    Raises
    ------
    ValueError
        If the shapes differ, or values are not finite.

    Notes
    -----
    It takes O(n² c) time. Memory is bounded, as distances are computed in chunks.

    References
    ----------
    Liu, Huang, Singh, Vert, Noble, "Jointly embedding multiple single-cell omics
    measurements", WABI 2019.

    Examples
    --------
    >>> foscttm([[0.0], [1.0], [5.0]], [[0.1], [1.1], [5.1]])
    0.0
    >>> round(foscttm([[0.0], [1.0], [5.0]], [[5.0], [1.0], [0.0]]), 2)
    0.44
    """
    a, b = _check_same_shape(Z_a=Z_a, Z_b=Z_b)
    return (_fraction_closer(a, b) + _fraction_closer(b, a)) / 2


def translation_r2(X_true: ArrayLike, X_translated: ArrayLike) -> float:
    """Compute the proportion of variance that translated rows explain, over all columns together.

    Parameters
    ----------
    X_true : array-like of shape (n, d)
        Rows of the target modality.
    X_translated : array-like of shape (n, d)
        The same instances, translated from another modality.

    Returns
    -------
    float
        Coefficient of determination, at most 1. It is 0 if the translation is no better than the
        mean of each column, and negative if it is worse.

    Raises
    ------
    ValueError
        If the shapes differ, values are not finite, or the true rows are all the same.

    Examples
    --------
    >>> translation_r2([[0.0, 1.0], [2.0, 3.0]], [[0.0, 1.0], [2.0, 2.0]])
    0.75
    >>> translation_r2([[0.0, 1.0], [2.0, 3.0]], [[1.0, 2.0], [1.0, 2.0]])
    0.0
    """
    true, translated = _check_same_shape(X_true=X_true, X_translated=X_translated)
    total = np.square(true - true.mean(axis=0)).sum()
    if total == 0:
        raise ValueError("The rows of X_true are all the same, so there is no variance to explain.")
    return float(1 - np.square(true - translated).sum() / total)


def _check_same_shape(**arrays: ArrayLike) -> tuple[Matrix, Matrix]:
    a, b = (check_array(array, dtype=np.float64, input_name=name) for name, array in arrays.items())
    if a.shape != b.shape:
        raise ValueError(
            f"{' and '.join(arrays)} must have the same shape, as row i of both is the same "
            f"instance; got {a.shape} and {b.shape}."
        )
    return a, b


def _fraction_closer(a: Matrix, b: Matrix) -> float:
    def fractions_of_chunk(distances: Matrix, start: int) -> Matrix:
        rows = np.arange(len(distances))
        to_counterpart = distances[rows, start + rows]
        fractions: Matrix = (distances < to_counterpart[:, None]).mean(axis=1)
        return fractions

    chunks = pairwise_distances_chunked(a, b, reduce_func=fractions_of_chunk)
    return float(np.concatenate(list(chunks)).mean())
