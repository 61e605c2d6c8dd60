"""What a few known pairs say of which cluster is which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .assignment import most_shared
from .prototypes import Prototypes
from .transport import sinkhorn

PROFILE_KINDS = ("geodesic", "cosine", "euclidean")
N_TABLES = 200  # that could have given the pairs, as a sample of all
LEAST_ANCHORS = 10  # distances to fewer rows say little, and that little may be wrong


def pair_affinity(left: Prototypes, right: Prototypes, pairs: NDArray[np.intp]) -> Matrix:
    """How far prototypes of two modalities belong together, by rows of which both are known.

    Two that are near to the same instances, and far from the same, belong together; and all
    the more those that the two rows of one instance are nearest to.

    Parameters
    ----------
    left, right : Prototypes
        With p and q prototypes.
    pairs : ndarray of int of shape (m, 2)
        Columns of the anchors of left and of right.

    Returns
    -------
    ndarray of shape (p, q)
        From -1 to 2; by less than ten pairs, from 0 to 1.
    """
    i, j = pairs.T
    nearest = (p.anchors["cosine"].argmin(axis=0) for p in (left, right))
    counts = np.zeros((len(left.masses), len(right.masses)))
    np.add.at(counts, tuple(n[c] for n, c in zip(nearest, (i, j), strict=True)), 1.0)
    affinity: Matrix = counts / counts.max()
    if len(pairs) >= LEAST_ANCHORS:
        profiles = [
            _profile(left.anchors[kind][:, i]) @ _profile(right.anchors[kind][:, j]).T
            for kind in PROFILE_KINDS
        ]
        affinity += np.mean(profiles, axis=0)
    return affinity


def pair_counts(
    left: NDArray[np.integer], right: NDArray[np.integer], pairs: NDArray[np.intp], k: int
) -> Matrix:
    """Count the known pairs that every two clusters have in common.

    Parameters
    ----------
    left, right : ndarray of int of shape (n,) and (m,)
        Cluster of each row.
    pairs : ndarray of int of shape (p, 2)
    k : int
        Clusters of each side.

    Returns
    -------
    ndarray of shape (k, k)

    Examples
    --------
    >>> pair_counts(np.array([0, 1]), np.array([1, 1, 0]), np.array([[0, 1], [1, 2]]), 2)
    array([[0., 1.],
           [1., 0.]])
    """
    counts = np.zeros((k, k))
    np.add.at(counts, (left[pairs[:, 0]], right[pairs[:, 1]]), 1.0)
    return counts


def raked(tables: Matrix, sizes: Matrix, of_right: Matrix) -> Matrix:
    """Scale tables of what clusters share to the clusters' sizes.

    Pairs need not be of as many rows of each cluster as it is large: a person may have been
    asked about some more than others. Their clusters' sizes are known from all rows.

    Parameters
    ----------
    tables : ndarray of shape (s, k, k)
        Nonnegative.
    sizes, of_right : ndarray of shape (k,)
        Shares of the rows that the left and the right clusters hold.

    Returns
    -------
    ndarray of shape (s, k, k)
        Each sums to one, but for what empty clusters are given to divide by.

    Examples
    --------
    >>> table = np.array([[[4.0, 4.0], [2.0, 2.0]]])
    >>> raked(table, np.array([0.5, 0.5]), np.array([0.25, 0.75])).round(3)
    array([[[0.125, 0.375],
            [0.125, 0.375]]])
    """
    margins = (np.maximum(size, 1e-6) for size in (sizes, of_right))  # some may be empty
    table, left, right = (x.astype(np.float32) for x in (tables + 1e-12, *margins))
    return sinkhorn(table, left, right).astype(np.float64)


def counted_confidence(
    counts: Matrix,
    partners: NDArray[np.intp],
    sizes: Matrix,
    of_right: Matrix,
    rng: np.random.RandomState,
) -> Matrix:
    """How sure known pairs alone make each cluster's partner.

    The chance that a matching by the true shares of instances would choose the same partner,
    where those shares are as likely as the pairs make them (with Jeffreys' prior).

    Parameters
    ----------
    counts : ndarray of shape (k, k)
        Pairs that every two clusters have in common.
    partners : ndarray of int of shape (k,)
        Right cluster of each left one.
    sizes, of_right : ndarray of shape (k,)
        Shares of the rows that the left and the right clusters hold.
    rng : RandomState
        Draws 200 tables of shares.

    Returns
    -------
    ndarray of shape (k,)
        In [0, 1]: 0 is one chance in k.

    Examples
    --------
    No pair, one and ten a cluster:

    >>> rng, every, even = np.random.RandomState(0), np.arange(3), np.full(3, 1 / 3)
    >>> found = [counted_confidence(n * np.eye(3), every, even, even, rng) for n in (0, 1, 10)]
    >>> [float(confidence.mean().round(1)) for confidence in found]
    [0.0, 0.7, 1.0]
    """
    k = len(partners)
    tables = rng.standard_gamma(counts + 0.5, size=(N_TABLES, k, k))
    shares = raked(tables, sizes, of_right)
    same = np.mean([most_shared(table) == partners for table in shares], axis=0)
    confidence: Matrix = np.clip((same - 1 / k) / (1 - 1 / k), 0, 1) if k > 1 else np.ones(1)
    return confidence


def _profile(distances: Matrix) -> Matrix:
    # Each prototype's distances to the anchors, against those of the others: unit vectors.
    scores = distances - distances.mean(axis=0)
    scores /= np.maximum(distances.std(axis=0), 1e-12)
    scores -= scores.mean(axis=1, keepdims=True)
    unit: Matrix = scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-12)
    return unit
