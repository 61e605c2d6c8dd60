"""How well clusters and true classes agree, over all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix, pair_confusion_matrix
from sklearn.utils import check_consistent_length


def clustering_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Share of rows put right by the best one-to-one match of clusters to classes.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    >>> clustering_accuracy([0, 0, 1, 1], [5, 5, 5, 3])
    0.75
    """
    table = _table(y_true, y_pred)
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / table.sum())


def purity(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Share of rows that belong to their cluster's most frequent class.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)

    Returns
    -------
    float
        In (0, 1]; 1 also where every row is a cluster.

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    >>> purity([0, 0, 1, 1], [0, 0, 0, 1])
    0.75
    """
    table = _table(y_true, y_pred)
    return float(table.max(axis=0).sum() / table.sum())


def pairwise_f_score(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """F score of "these two rows belong together", over all pairs of rows.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)

    Returns
    -------
    float
        In [0, 1]; 0 where no pair is right.

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    Of two true pairs one is found, beside two wrong ones:

    >>> pairwise_f_score([0, 0, 1, 1], [0, 0, 0, 1])
    0.4
    """
    y_true, y_pred = check_labels(y_true=y_true, y_pred=y_pred)
    (_, false_positive), (false_negative, true_positive) = pair_confusion_matrix(y_true, y_pred)
    if true_positive == 0:
        return 0.0
    return float(2 * true_positive / (2 * true_positive + false_positive + false_negative))


def check_labels(**labels: ArrayLike) -> list[NDArray[Any]]:
    """Check labels, of which each row has one.

    Parameters
    ----------
    **labels : array-like of shape (n,)
        By the name that messages call them.

    Returns
    -------
    list of ndarray of shape (n,)

    Raises
    ------
    ValueError
        If one is not 1-D, empty, or lacks a label, or the lengths differ.

    Examples
    --------
    >>> check_labels(y_true=["a", "b"], y_pred=[0, 0])
    [array(['a', 'b'], dtype='<U1'), array([0, 0])]
    """
    checked: list[NDArray[Any]] = []
    for name, given in labels.items():
        array = np.asarray(given)
        if array.ndim != 1 or not len(array):
            raise ValueError(f"{name} must hold a label a row, got the shape {array.shape}.")
        masked = np.ma.getmaskarray(given) if isinstance(given, np.ma.MaskedArray) else False
        missing = np.flatnonzero(_is_missing(array) | masked)
        if len(missing):
            raise ValueError(f"{name} has no label in row {missing[0]}.")
        checked.append(array)
    check_consistent_length(*checked)
    return checked


def _is_missing(labels: NDArray[Any]) -> NDArray[np.bool_]:
    if labels.dtype != object:
        return np.asarray(labels != labels)  # NaN and NaT alone
    names = {"NoneType", "NAType", "NaTType"}
    return np.array([type(v).__name__ in names or v != v for v in labels], dtype=bool)


def _table(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.int64]:
    y_true, y_pred = check_labels(y_true=y_true, y_pred=y_pred)
    table: NDArray[np.int64] = contingency_matrix(y_true, y_pred)
    return table
