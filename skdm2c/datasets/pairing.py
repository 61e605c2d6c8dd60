"""Make an unpaired problem, with a known answer, out of paired data."""

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
    """Let every instance keep one view only, drawn at random, and forget which is which.

    Of some the pairing may be kept, to see what a few known pairs are worth.

    Parameters
    ----------
    views : mapping of str to block, or sequence of block
        Row-aligned blocks of n rows.
    y : array-like of shape (n,)
        True classes.
    random_state : int, RandomState or None, default=None
    n_pairs : int, default=0
        Instances of the first view that are seen in the second as well (and as many in the
        third, and so on): ``X.pairs`` holds them. Draws with fewer are among those with more.

    Returns
    -------
    X : MixedModalData of n rows, and n_pairs for each view but the first
        A permutation of the instances is cut into as many equal parts as there are
        views; the first part keeps the first view, and so on. The second rows of
        instances that are seen twice are the last ones of their blocks.
    y : ndarray of shape (len(X),)
        The classes in the order of X. For evaluation: never give them to a method.

    Raises
    ------
    ValueError
        If the blocks differ in length, or there are fewer rows than views, or one view; or if
        the first view has fewer rows than there are to be pairs.

    Examples
    --------
    >>> import numpy as np
    >>> from skdm2c.datasets import drop_pairing
    >>> X, y = drop_pairing({"a": np.zeros((6, 2)), "b": np.ones((6, 3))}, np.arange(6), 0)
    >>> X
    MixedModalData(a: 3 x 2, b: 3 x 3)
    >>> y
    array([5, 2, 1, 3, 0, 4])

    One instance that is known in both:

    >>> X, y = drop_pairing([np.zeros((6, 2)), np.ones((6, 3))], np.arange(6), 0, n_pairs=1)
    >>> X.pairs
    array([[2, 3]])
    >>> y
    array([5, 2, 1, 3, 0, 4, 1])
    """
    named = isinstance(views, Mapping)
    blocks = list(views.values()) if isinstance(views, Mapping) else list(views)
    if len(blocks) < 2:
        raise ValueError(f"drop_pairing needs two views or more, got {len(blocks)}.")
    check_consistent_length(*blocks, y)
    if len(np.asarray(y)) < len(blocks):
        raise ValueError(f"{len(np.asarray(y))} rows are too few for {len(blocks)} views.")
    rng = check_random_state(random_state)
    parts = _halves(rng.permutation(len(np.asarray(y))), len(blocks))
    first = parts[0]
    if not 0 <= n_pairs <= len(first):
        raise ValueError(
            f"n_pairs must be from 0 to the {len(first)} rows of the first view, got {n_pairs}."
        )
    known = [rng.permutation(len(first))[:n_pairs] for _ in parts[1:]]
    extended = [first, *(np.append(p, first[i]) for p, i in zip(parts[1:], known, strict=True))]
    kept = [safe_indexing(block, part) for block, part in zip(blocks, extended, strict=True)]
    names = MixedModalData(*kept, names=list(views) if named else None).names
    pairs = {
        (names[0], name): np.column_stack([i, len(part) + np.arange(n_pairs)])
        for name, part, i in zip(names[1:], parts[1:], known, strict=True)
    }
    X = MixedModalData(*kept, names=names, pairs=pairs)
    return X, np.asarray(y)[np.concatenate(extended)]


def _halves(order: NDArray[np.intp], n_parts: int) -> list[NDArray[np.intp]]:
    # n // n_parts rows each, as the protocol halves; the last part takes what is left over.
    size = len(order) // n_parts
    return np.split(order, [size * part for part in range(1, n_parts)])
