"""Rows by number or in passes, from whatever form a block has; nothing is made dense whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from .blocks import n_columns, n_rows, take_rows

Rows = NDArray[np.float64]

CHUNK_ELEMENTS = 2**24  # numbers looked at at a time: 128 MiB of them


class RowSource:
    """The rows of one block, as numbers, a part at a time.

    Parameters
    ----------
    block : array, memmap, sparse matrix or data frame of shape (n, d)

    Attributes
    ----------
    n_rows, n_columns : int

    Examples
    --------
    >>> source = RowSource(sp.csr_matrix(np.eye(3)))
    >>> source.take(np.array([2, 0]))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    >>> [(start, rows.shape) for start, rows in source.chunks()]
    [(0, (3, 3))]
    """

    def __init__(self, block: Any) -> None:
        self._block = block
        self.n_rows = n_rows(block)
        self.n_columns = n_columns(block)

    @cached_property
    def _whole(self) -> Rows:
        # A block of one chunk is read once, however many passes there are over it.
        return _as_numbers(self._block)

    def take(self, index: NDArray[np.intp]) -> Rows:
        """Return some rows.

        Parameters
        ----------
        index : ndarray of int of shape (m,)

        Returns
        -------
        ndarray of shape (m, d)

        Raises
        ------
        ValueError or TypeError
            If they are not numbers, or complex ones.
        """
        return _as_numbers(take_rows(self._block, index))

    def chunks(self) -> Iterator[tuple[int, Rows]]:
        """Yield all rows in order, so many at a time, each with the number of its first.

        Yields
        ------
        start : int
        rows : ndarray of shape (m, d)
            At most some 16 million numbers. A block without rows gives one chunk without rows.

        Raises
        ------
        ValueError or TypeError
            As ``take``.
        """
        size = max(1, CHUNK_ELEMENTS // max(self.n_columns, 1))
        if self.n_rows <= size:
            yield 0, self._whole
            return
        for start in range(0, self.n_rows, size):
            index = np.arange(start, min(start + size, self.n_rows))
            yield start, self.take(index)


def _as_numbers(block: Any) -> Rows:
    rows: Rows = check_array(_dense(block), dtype=np.float64, ensure_all_finite=False)
    return rows


def _dense(block: Any) -> Any:
    if sp.issparse(block):
        return block.toarray()
    if hasattr(block, "sparse"):  # a pandas frame of sparse columns
        block = block.sparse.to_dense()
    kinds = [getattr(dtype, "kind", "") for dtype in getattr(block, "dtypes", [])]
    if {"M", "m"} & {*kinds, np.asarray(block).dtype.kind}:
        raise ValueError("dates and durations are no numbers here; turn them into some first.")
    return block
