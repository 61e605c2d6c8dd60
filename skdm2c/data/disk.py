"""Rows that lie on disk, in a backed AnnData."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class BackedRows:
    """The ``X`` of a backed AnnData, or some of its rows, read when they are asked for.

    Parameters
    ----------
    adata : anndata.AnnData
        Backed.
    rows : ndarray of int of shape (n,), default=None
        Which of its rows, in which order; by default all.

    Attributes
    ----------
    shape : (int, int)
    """

    ndim = 2

    def __init__(self, adata: Any, rows: NDArray[np.intp] | None = None) -> None:
        self._adata = adata
        self._rows = np.arange(adata.n_obs) if rows is None else rows
        self.shape = (len(self._rows), int(adata.n_vars))

    def __reduce__(self) -> tuple[Any, ...]:
        # An open file cannot go to another process: its place can.
        return _reopened, (str(self._adata.filename), self._rows)

    def same_as(self, other: BackedRows) -> bool:
        """Whether these are the same rows of the same file."""
        same_file = self._adata.filename == other._adata.filename
        return bool(same_file and np.array_equal(self._rows, other._rows))

    def take(self, rows: NDArray[np.intp]) -> BackedRows:
        """Choose some of the rows, by number; nothing is read."""
        return BackedRows(self._adata, self._rows[rows])

    def read(self) -> Any:
        """Read the rows into memory, as an array or a sparse matrix."""
        # In ascending order, as the file wants them, and then as they were asked for.
        rows, places = np.unique(self._rows, return_inverse=True)
        return self._adata[rows].X[places]


def _reopened(path: str, rows: NDArray[np.intp]) -> BackedRows:
    from anndata import read_h5ad  # is there, where such an object was made

    return BackedRows(read_h5ad(path, backed="r"), rows)
