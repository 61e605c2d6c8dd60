"""Unpaired data with a known answer, made from paired data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, check_random_state

from .._sklearn import safe_indexing
from ..data import MixedModalData


def drop_pairing(
    views: Mapping[str, Any] | Sequence[Any],
    y: ArrayLike,
    random_state: int | np.random.RandomState | None = None,
    *,
    n_pairs: int = 0,
) -> tuple[MixedModalData, NDArray[Any]]:
    """Keep one random view of every instance, which makes unpaired data from paired data.

    The pairing of some instances can be kept, to measure what a few known pairs are worth.

    Parameters
    ----------
    views : mapping of str to block, or sequence of block
        Row-aligned blocks of n rows each.
    y : array-like of shape (n,)
        True class of each instance.
    random_state : int, RandomState or None, default=None
        Seed of the permutation of the instances, and of the pairs.
    n_pairs : int, default=0
        Number of instances of the first view that are also kept in the second, and as many in
        each further view. They are returned as ``X.pairs``. For the same seed, the pairs of a
        smaller number are among those of a larger one.

    Returns
    -------
    X : MixedModalData
        The n instances, and ``n_pairs`` further rows in each view but the first. The
        instances are permuted and cut into equal parts; the first part keeps the first
        view, and so on. Rows of instances that are kept twice are at the ends of their
        blocks.
    y : ndarray of shape (len(X),)
        True class of each row of ``X``, to evaluate a clustering with.

    Raises
    ------
    ValueError
        If the blocks differ in length, there are fewer than two views or fewer rows than
        views, or the first view keeps fewer than ``n_pairs`` rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skdm2c.datasets import drop_pairing
    >>> X, y = drop_pairing({"a": np.zeros((6, 2)), "b": np.ones((6, 3))}, np.arange(6), 0)
    >>> X
    MixedModalData(a: 3 x 2, b: 3 x 3)
    >>> y
    array([5, 2, 1, 3, 0, 4])

    Keep one instance in both views:

    >>> X, y = drop_pairing([np.zeros((6, 2)), np.ones((6, 3))], np.arange(6), 0, n_pairs=1)
    >>> X.pairs
    array([[2, 3]])
    >>> y
    array([5, 2, 1, 3, 0, 4, 1])
    """
    has_names = isinstance(views, Mapping)
    blocks = list(views.values()) if isinstance(views, Mapping) else list(views)
    if len(blocks) < 2:
        raise ValueError(f"drop_pairing needs two views or more, got {len(blocks)}.")
    check_consistent_length(*blocks, y)
    if len(np.asarray(y)) < len(blocks):
        raise ValueError(f"{len(np.asarray(y))} rows are too few for {len(blocks)} views.")
    rng = check_random_state(random_state)
    parts = _equal_parts(rng.permutation(len(np.asarray(y))), len(blocks))
    first = parts[0]
    if not 0 <= n_pairs <= len(first):
        raise ValueError(
            f"n_pairs must be from 0 to the {len(first)} rows of the first view, got {n_pairs}."
        )
    paired = [rng.permutation(len(first))[:n_pairs] for _ in parts[1:]]
    extended = [first, *(np.append(p, first[i]) for p, i in zip(parts[1:], paired, strict=True))]
    taken = [safe_indexing(block, part) for block, part in zip(blocks, extended, strict=True)]
    names = MixedModalData(*taken, names=list(views) if has_names else None).names
    pairs = {
        (names[0], name): np.column_stack([i, len(part) + np.arange(n_pairs)])
        for name, part, i in zip(names[1:], parts[1:], paired, strict=True)
    }
    X = MixedModalData(*taken, names=names, pairs=pairs)
    return X, np.asarray(y)[np.concatenate(extended)]


def _equal_parts(order: NDArray[np.intp], n_parts: int) -> list[NDArray[np.intp]]:
    # The last part takes the remainder, unlike in np.array_split, as the protocol of the
    # benchmarks has it.
    size = len(order) // n_parts
    return np.split(order, [size * part for part in range(1, n_parts)])
