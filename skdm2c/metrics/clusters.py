"""Agreement of clusters with true classes, over all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix, pair_confusion_matrix
from sklearn.utils import check_consistent_length


def clustering_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compute the accuracy under the best one-to-one matching of clusters to classes.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True class of each row.
    y_pred : array-like of shape (n,)
        Cluster of each row.

    Returns
    -------
    float
        Proportion of the rows whose cluster is matched to their class, in [0, 1].

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    >>> clustering_accuracy([0, 0, 1, 1], [5, 5, 5, 3])
    0.75
    """
    table = _contingency(y_true, y_pred)
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / table.sum())


def purity(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compute the proportion of rows that belong to the most frequent class of their cluster.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True class of each row.
    y_pred : array-like of shape (n,)
        Cluster of each row.

    Returns
    -------
    float
        Purity in (0, 1]. It is also 1 if every row is a cluster of its own.

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    >>> purity([0, 0, 1, 1], [0, 0, 0, 1])
    0.75
    """
    table = _contingency(y_true, y_pred)
    return float(table.max(axis=0).sum() / table.sum())


def pairwise_f_score(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compute the F score of predicting, for all pairs of rows, whether they share a class.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True class of each row.
    y_pred : array-like of shape (n,)
        Cluster of each row. Two rows are predicted to share a class if they share a cluster.

    Returns
    -------
    float
        F score in [0, 1]; 0 if no pair of rows in one cluster shares a class.

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    One of the two true pairs is found, together with two wrong ones:

    >>> pairwise_f_score([0, 0, 1, 1], [0, 0, 0, 1])
    0.4
    """
    y_true, y_pred = check_labels(y_true=y_true, y_pred=y_pred)
    (_, false_positive), (false_negative, true_positive) = pair_confusion_matrix(y_true, y_pred)
    if true_positive == 0:
        return 0.0
    return float(2 * true_positive / (2 * true_positive + false_positive + false_negative))


def check_labels(**labels: ArrayLike) -> list[NDArray[Any]]:
    """Convert labels, passed by the name that messages use, to arrays of shape (n,).

    Raise ValueError if one is empty, not 1-D or has missing values, or if the lengths differ.
    """
    checked: list[NDArray[Any]] = []
    for name, values in labels.items():
        array = np.asarray(values)
        if array.ndim != 1 or not len(array):
            raise ValueError(
                f"{name} must be 1-D with one label per row, got an array of shape {array.shape}."
            )
        masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else False
        missing = np.flatnonzero(_is_missing(array) | masked)
        if len(missing):
            raise ValueError(f"{name} has no label in row {missing[0]}.")
        checked.append(array)
    check_consistent_length(*checked)
    return checked


def _is_missing(labels: NDArray[Any]) -> NDArray[np.bool_]:
    if labels.dtype != object:
        return np.asarray(labels != labels)  # only NaN and NaT differ from themselves
    # By name, as pandas is an optional dependency.
    names = {"NoneType", "NAType", "NaTType"}
    return np.array([type(v).__name__ in names or v != v for v in labels], dtype=bool)


def _contingency(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.int64]:
    y_true, y_pred = check_labels(y_true=y_true, y_pred=y_pred)
    table: NDArray[np.int64] = contingency_matrix(y_true, y_pred)
    return table
