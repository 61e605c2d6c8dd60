"""Rows by number or in passes, from whatever form a block has; nothing is made dense whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from .blocks import in_memory, n_columns, n_rows, take_rows
from .forms import refuse_times
from .messages import about

Matrix = NDArray[np.float64]
FloatRows = NDArray[np.float32]

CHUNK_ELEMENTS = 2**24  # numbers read at a time: 128 MiB of them
MIN_SAMPLED_ROWS = 5000  # rows that are looked at together, however wide
MAX_SAMPLED_ROWS = 20_000  # rows that are, however narrow


class Rows(Protocol):
    """Rows of one modality as networks see them: an array, or what reads like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""

    def __len__(self) -> int:
        """Count the rows."""

    def __getitem__(self, index: Any) -> FloatRows:
        """Return the rows of a slice, or of an array of numbers."""


class RowSource:
    """The rows of one block, as numbers, a part at a time.

    Parameters
    ----------
    block : array, memmap, sparse matrix or data frame of shape (n, d)
    name : str
        What messages call the modality.

    Attributes
    ----------
    n_rows, n_columns : int

    Examples
    --------
    >>> source = RowSource(sp.csr_matrix(np.eye(3)), "a")
    >>> source.take(np.array([2, 0]))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    >>> [(start, rows.shape) for start, rows in source.chunks()]
    [(0, (3, 3))]
    """

    def __init__(self, block: Any, name: str) -> None:
        self._block, self._name = block, name
        self.n_rows = n_rows(block)
        self.n_columns = n_columns(block)
        self._read: Matrix | None = None

    def _whole(self) -> Matrix:
        # A block of one chunk is read once, however many passes there are over it. By hand:
        # until Python 3.12 a cached_property holds a lock, which a fork would leave locked.
        if self._read is None:
            self._read = self._as_numbers(self._block)
        return self._read

    def take(self, index: NDArray[np.intp]) -> Matrix:
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
        block = self._block
        if isinstance(block, np.ndarray) and _in_a_row(index, len(block)):  # no copy then
            return self._as_numbers(block[index[0] : index[-1] + 1])
        return self._as_numbers(take_rows(block, index))

    def chunks(self) -> Iterator[tuple[int, Matrix]]:
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
        size = rows_per_chunk(self.n_columns)
        if self.n_rows <= size:
            yield 0, self._whole()
            return
        for start in range(0, self.n_rows, size):
            yield start, self.take(np.arange(start, min(start + size, self.n_rows)))

    def _as_numbers(self, block: Any) -> Matrix:
        # What scikit-learn would do too, but for its search for data frames: half a row's predict.
        if type(block) is np.ndarray and block.dtype.kind in "fiub" and block.size:
            return np.ascontiguousarray(block, dtype=np.float64)
        try:
            rows: Matrix = check_array(
                _dense(in_memory(block)), dtype=np.float64, order="C", ensure_all_finite=False
            )
        except _conversion_errors() as error:
            # NumPy's and scikit-learn's messages may end in the whole array.
            said = str(error).splitlines() or [type(error).__name__]
            raise about(f"Modality {self._name!r}", error, said[0]) from error
        return rows


def rows_per_chunk(n_columns: int, forms: int = 1) -> int:
    """Rows that are read at a time: some 16 million numbers of them.

    Parameters
    ----------
    n_columns : int
    forms : int, default=1
        In which they are held at once; of several, fewer rows.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> rows_per_chunk(256)
    65536
    """
    return max(1, CHUNK_ELEMENTS // max(n_columns, 1) // forms)


def sample_rows(x: Rows, seed: int) -> tuple[NDArray[np.intp], FloatRows]:
    """Read the rows of a block that are enough together: for its components and clusters.

    Parameters
    ----------
    x : Rows of shape (n, d)
    seed : int
        Draws them.

    Returns
    -------
    numbers : ndarray of int of shape (m,)
        In ascending order: all, or 20,000 of more; of wide blocks that are not held in memory
        fewer, but 5,000 of any.
    rows : ndarray of shape (m, d)

    Examples
    --------
    >>> [sample_rows(np.zeros((n, 3), dtype=np.float32), 0)[1].shape for n in (7, 30_000)]
    [(7, 3), (20000, 3)]
    """
    held = isinstance(x, np.ndarray)
    most = (
        MAX_SAMPLED_ROWS
        if held
        else min(MAX_SAMPLED_ROWS, max(MIN_SAMPLED_ROWS, rows_per_chunk(x.shape[1])))
    )
    numbers = subsample(len(x), most, np.random.RandomState(seed))
    return numbers, x[:] if len(numbers) == len(x) else x[numbers]


def _in_a_row(index: NDArray[np.intp], n_rows: int) -> bool:
    return len(index) > 0 and 0 <= index[0] <= index[-1] < n_rows and (np.diff(index) == 1).all()


def _dense(block: Any) -> Any:
    if sp.issparse(block):
        # Double entries are added up, in the matrix's own type.
        return block.astype(np.result_type(block.dtype, np.float64)).toarray()
    if hasattr(block, "sparse"):  # a pandas frame of sparse columns
        block = block.sparse.to_dense()
    refuse_times(block)
    return block


def _conversion_errors() -> tuple[type[Exception], ...]:
    polars = sys.modules.get("polars")  # its errors are of its own kind
    own = [] if polars is None else [polars.exceptions.PolarsError]
    return ValueError, TypeError, OverflowError, *own


def subsample(n_rows: int, most: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Draw the numbers of at most so many rows.

    Parameters
    ----------
    n_rows, most : int
    rng : RandomState

    Returns
    -------
    ndarray of int of shape (min(n_rows, most),)
        In ascending order; all rows where there are no more than ``most``.

    Examples
    --------
    >>> rng = np.random.RandomState(0)
    >>> subsample(3, 5, rng), subsample(1000, 4, rng)
    (array([0, 1, 2]), array([298, 356, 533, 708]))
    """
    return np.sort(rng.permutation(n_rows)[:most])
