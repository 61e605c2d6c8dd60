"""Read rows by index or in chunks, without densifying the whole block."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from .blocks import in_memory, n_columns, n_rows, take_rows
from .cells import describe_unreadable_cell, holds_times
from .messages import about

Matrix = NDArray[np.float64]
FloatRows = NDArray[np.float32]

CHUNK_ELEMENTS = 2**24  # numbers per chunk: 128 MiB in double precision
MIN_SAMPLED_ROWS = 5000  # of blocks that are scaled on the fly, however wide
MAX_SAMPLED_ROWS = 10_000


class Rows(Protocol):
    """Scaled rows of one modality: an array, or an object that reads them when indexed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows and number of columns."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, index: Any) -> FloatRows:
        """Return the rows of a slice or of an array of indices."""


class RowSource:
    """Read the rows of one block as dense arrays of float64, in parts.

    Error messages call the modality ``name``.
    """

    def __init__(self, block: Any, name: str) -> None:
        self._block, self._name = block, name
        self.n_rows = n_rows(block)
        self.n_columns = n_columns(block)
        self._all_rows: Matrix | None = None

    def _read_all(self) -> Matrix:
        # Caches a block of one chunk, which is passed over several times. Not a cached_property:
        # until Python 3.12 that holds a lock, which a fork could leave locked in the child.
        if self._all_rows is None:
            self._all_rows = self._as_numbers(self._block)
        return self._all_rows

    def take(self, index: NDArray[np.intp]) -> Matrix:
        """Return the rows with the given indices, as an array of shape (m, d).

        Raise ValueError or TypeError if they are not real numbers.
        """
        block = self._block
        if isinstance(block, np.ndarray) and _is_contiguous(index, len(block)):
            # A slice, unlike an index array, does not copy.
            return self._as_numbers(block[index[0] : index[-1] + 1])
        return self._as_numbers(take_rows(block, index))

    def chunks(self) -> Iterator[tuple[int, Matrix]]:
        """Yield all rows in order, as pairs of the first row's index and an array of shape (m, d).

        A block without rows yields one empty chunk. Errors are those of ``take``.
        """
        size = rows_per_chunk(self.n_columns)
        if self.n_rows <= size:
            yield 0, self._read_all()
            return
        for start in range(0, self.n_rows, size):
            yield start, self.take(np.arange(start, min(start + size, self.n_rows)))

    def _as_numbers(self, block: Any) -> Matrix:
        # Skips check_array, which does the same here but takes half the time of predicting a row.
        if type(block) is np.ndarray and block.dtype.kind in "fiub" and block.size:
            return np.ascontiguousarray(block, dtype=np.float64)
        try:
            rows: Matrix = check_array(
                _dense(in_memory(block)), dtype=np.float64, order="C", ensure_all_finite=False
            )
        except _conversion_errors() as error:
            # Only the first line, as messages of NumPy and scikit-learn may print the whole array.
            lines = str(error).splitlines() or [type(error).__name__]
            cell = self._describe_unreadable_cell()
            reason = lines[0] if cell is None else f"{cell} ({lines[0]})"
            raise about(f"Modality {self._name!r}", error, reason) from error
        return rows

    def _describe_unreadable_cell(self) -> str | None:
        # In the whole block, as the rows that were read may be a part of it.
        block = in_memory(self._block)
        if sp.issparse(block):
            return None
        try:
            return describe_unreadable_cell(block, self._name)
        except _conversion_errors():  # a column that NumPy cannot read at all
            return None


def rows_per_chunk(n_columns: int, forms: int = 1) -> int:
    """Return the number of rows, at least 1, to read at a time: some 16 million numbers.

    ``forms`` is the number of arrays of that size which are in memory at the same time.
    """
    return max(1, CHUNK_ELEMENTS // max(n_columns, 1) // forms)


def sample_rows(x: Rows, seed: int) -> tuple[NDArray[np.intp], FloatRows]:
    """Draw a random sample of rows, and return their sorted indices and the rows.

    At most 10,000 rows are drawn; fewer, but at least 5,000, from wide blocks scaled on the fly.

    Examples
    --------
    >>> [sample_rows(np.zeros((n, 3), dtype=np.float32), 0)[1].shape for n in (7, 30_000)]
    [(7, 3), (10000, 3)]
    """
    is_array = isinstance(x, np.ndarray)
    max_rows = (
        MAX_SAMPLED_ROWS
        if is_array
        else min(MAX_SAMPLED_ROWS, max(MIN_SAMPLED_ROWS, rows_per_chunk(x.shape[1])))
    )
    indices = subsample(len(x), max_rows, np.random.RandomState(seed))
    return indices, x[:] if len(indices) == len(x) else x[indices]


def _is_contiguous(index: NDArray[np.intp], n_rows: int) -> bool:
    return len(index) > 0 and 0 <= index[0] <= index[-1] < n_rows and (np.diff(index) == 1).all()


def _dense(block: Any) -> Any:
    if sp.issparse(block):
        # Duplicate entries are summed in the matrix's dtype, which must be wide enough.
        return block.astype(np.result_type(block.dtype, np.float64)).toarray()
    if hasattr(block, "sparse"):  # a pandas frame of sparse columns
        block = block.sparse.to_dense()
    if holds_times(block):
        raise ValueError("dates and durations are not supported")
    return block


def _conversion_errors() -> tuple[type[Exception], ...]:
    polars = sys.modules.get("polars")  # an optional dependency, whose errors have a base class
    polars_errors = [] if polars is None else [polars.exceptions.PolarsError]
    return ValueError, TypeError, OverflowError, *polars_errors


def subsample(n_rows: int, most: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Draw ``min(n_rows, most)`` row indices without replacement, in ascending order.

    Examples
    --------
    >>> rng = np.random.RandomState(0)
    >>> subsample(3, 5, rng), subsample(1000, 4, rng)
    (array([0, 1, 2]), array([298, 356, 533, 708]))
    """
    return np.sort(rng.permutation(n_rows)[:most])
