"""How well single rows, not only clusters, are aligned: where the true counterpart is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import pairwise_distances_chunked
from sklearn.utils import check_array

from ..data.rows import Matrix


def foscttm(Z_a: ArrayLike, Z_b: ArrayLike) -> float:
    """Fraction of samples closer than the true match, averaged over both directions.

    Parameters
    ----------
    Z_a, Z_b : array-like of shape (n, c)
        Rows of two modalities in the unified space; row i of both is the same instance.

    Returns
    -------
    float
        In [0, 1): 0 where every row is nearest to its counterpart, about .5 by chance.

    Raises
    ------
    ValueError
        If the shapes differ, or values are not finite.

    Notes
    -----
    O(n² c) in time, in chunks of memory.

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
    a, b = _alike("Z_a", Z_a, "Z_b", Z_b)
    return (_fraction_closer(a, b) + _fraction_closer(b, a)) / 2


def translation_r2(X_true: ArrayLike, X_translated: ArrayLike) -> float:
    """Share of the variance of true rows that translated ones explain, over all columns together.

    Parameters
    ----------
    X_true : array-like of shape (n, d)
        Rows of the target modality.
    X_translated : array-like of shape (n, d)
        The same instances, translated from another modality.

    Returns
    -------
    float
        At most 1; 0 for translations no better than the mean of each column, negative for worse.

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
    true, translated = _alike("X_true", X_true, "X_translated", X_translated)
    total = np.square(true - true.mean(axis=0)).sum()
    if total == 0:
        raise ValueError("X_true has rows that are all the same: there is nothing to explain.")
    return float(1 - np.square(true - translated).sum() / total)


def _alike(
    name: str, first: ArrayLike, other_name: str, second: ArrayLike
) -> tuple[Matrix, Matrix]:
    a, b = (
        check_array(x, dtype=np.float64, input_name=given)
        for given, x in ((name, first), (other_name, second))
    )
    if a.shape != b.shape:
        raise ValueError(
            f"{name} and {other_name} must have the same shape, as row i of both is one instance; "
            f"got {a.shape} and {b.shape}."
        )
    return a, b


def _fraction_closer(a: Matrix, b: Matrix) -> float:
    def closer(distances: Matrix, start: int) -> Matrix:
        rows = np.arange(len(distances))
        true = distances[rows, start + rows]
        fractions: Matrix = (distances < true[:, None]).mean(axis=1)
        return fractions

    return float(np.concatenate(list(pairwise_distances_chunked(a, b, reduce_func=closer))).mean())
