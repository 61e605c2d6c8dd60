"""Agreement of clusters with true classes, over all rows."""

from __future__ import annotations

import reprlib
from itertools import count
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


def match_labels(y_old: ArrayLike, y_new: ArrayLike) -> NDArray[np.int64]:
    """Renumber clusters such that those that persist keep the numbers of an earlier clustering.

    Clusters are matched one to one such that as many rows as possible keep their number. A cluster
    without a match gets the first number that is free.

    Parameters
    ----------
    y_old : array-like of int of shape (n,)
        Cluster of each row in the earlier clustering; at least 0.
    y_new : array-like of int of shape (n,)
        Cluster of each of the same rows in the clustering to renumber.

    Returns
    -------
    ndarray of int of shape (n,)
        The clusters of ``y_new`` under their new numbers.

    Raises
    ------
    ValueError
        If the lengths differ, or labels are not integers of at least 0.

    Examples
    --------
    >>> match_labels([0, 0, 1, 1, 1], [1, 1, 0, 0, 2])
    array([0, 0, 1, 1, 2])
    """
    old, new = check_labels(y_old=y_old, y_new=y_new)
    for name, labels in (("y_old", old), ("y_new", new)):
        if labels.dtype.kind not in "iu" or labels.min() < 0:
            raise ValueError(
                f"{name} must hold numbers of clusters, integers of at least 0; got "
                f"{reprlib.repr(labels.tolist())}."
            )
    old_numbers, new_numbers = np.unique(old), np.unique(new)
    table = contingency_matrix(old, new)
    rows, columns = linear_sum_assignment(-table)
    share_rows = table[rows, columns] > 0
    numbers = dict(
        zip(new_numbers[columns[share_rows]], old_numbers[rows[share_rows]], strict=True)
    )
    free = (number for number in count() if number not in old_numbers)
    renumbered = [numbers[k] if k in numbers else next(free) for k in new_numbers]
    return np.array(renumbered, dtype=np.int64)[np.searchsorted(new_numbers, new)]


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
