"""Rows on disk, in a backed AnnData."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class BackedRows:
    """The ``X`` of a backed AnnData, or the given ``rows`` of it, read only on request.

    The attribute ``shape`` is (n_rows, n_columns), as of an array.
    """

    ndim = 2

    def __init__(self, adata: Any, rows: NDArray[np.intp] | None = None) -> None:
        self._adata = adata
        self._rows = np.arange(adata.n_obs) if rows is None else rows
        self.shape = (len(self._rows), int(adata.n_vars))

    def __reduce__(self) -> tuple[Any, ...]:
        # An open file cannot be pickled, so the other process opens it again by its path.
        return _reopened, (str(self._adata.filename), self._rows)

    def same_as(self, other: BackedRows) -> bool:
        """Return whether both refer to the same rows of the same file."""
        same_file = self._adata.filename == other._adata.filename
        return bool(same_file and np.array_equal(self._rows, other._rows))

    def take(self, rows: NDArray[np.intp]) -> BackedRows:
        """Select rows by index, without reading them."""
        return BackedRows(self._adata, self._rows[rows])

    def read(self) -> Any:
        """Read the rows into memory, as an array or a sparse matrix."""
        # HDF5 reads rows in ascending order and once each; the inverse restores order and copies.
        rows, inverse = np.unique(self._rows, return_inverse=True)
        return self._adata[rows].X[inverse]


def _reopened(path: str, rows: NDArray[np.intp]) -> BackedRows:
    from anndata import read_h5ad  # optional: installed wherever a BackedRows was made

    return BackedRows(read_h5ad(path, backed="r"), rows)
