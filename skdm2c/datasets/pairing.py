"""Make an unpaired problem, with a known answer, out of paired data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state

from ..data import MixedModalData


def drop_pairing(
    views: Mapping[str, Any] | Sequence[Any],
    y: ArrayLike,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[MixedModalData, NDArray[Any]]:
    """Let every instance keep one view only, drawn at random, and forget which is which.

    Parameters
    ----------
    views : mapping of str to block, or sequence of block
        Row-aligned blocks of n rows.
    y : array-like of shape (n,)
        True classes.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    X : MixedModalData of n rows
        A permutation of the instances is cut into as many equal parts as there are
        views; the first part keeps the first view, and so on.
    y : ndarray of shape (n,)
        The classes in the order of X. For evaluation: never give them to a method.

    Raises
    ------
    ValueError
        If the blocks differ in length, or there are fewer rows than views, or one view.

    Examples
    --------
    >>> import numpy as np
    >>> from skdm2c.datasets import drop_pairing
    >>> X, y = drop_pairing({"a": np.zeros((6, 2)), "b": np.ones((6, 3))}, np.arange(6), 0)
    >>> X
    MixedModalData(a: 3 x 2, b: 3 x 3)
    >>> y
    array([5, 2, 1, 3, 0, 4])
    """
    named = isinstance(views, Mapping)
    blocks = list(views.values()) if isinstance(views, Mapping) else list(views)
    if len(blocks) < 2:
        raise ValueError(f"drop_pairing needs two views or more, got {len(blocks)}.")
    check_consistent_length(*blocks, y)
    if len(np.asarray(y)) < len(blocks):
        raise ValueError(f"{len(np.asarray(y))} rows are too few for {len(blocks)} views.")
    order = check_random_state(random_state).permutation(len(np.asarray(y)))
    parts = _halves(order, len(blocks))
    kept = [_safe_indexing(block, part) for block, part in zip(blocks, parts, strict=True)]
    return MixedModalData(*kept, names=list(views) if named else None), np.asarray(y)[order]


def _halves(order: NDArray[np.intp], n_parts: int) -> list[NDArray[np.intp]]:
    # n // n_parts rows each, as the protocol halves; the last part takes what is left over.
    size = len(order) // n_parts
    return np.split(order, [size * part for part in range(1, n_parts)])
