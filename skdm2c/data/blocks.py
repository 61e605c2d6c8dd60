"""One modality's rows, in whatever form users keep them."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .._sklearn import safe_indexing
from .disk import BackedRows
from .forms import as_plain, require_2d

NANS = set("fcmM")  # kinds of numbers and times of which one is none


def as_block(block: Any, name: str) -> Any:
    """Check the form of a block (not its values) and return it, unconverted if possible.

    Parameters
    ----------
    block : array-like of shape (n, d), sparse matrix, data frame, AnnData or list of str
        2-D data, or one string a row. Of an AnnData its ``X``; a dense tensor is an array.
    name : str
        What messages call the modality.

    Returns
    -------
    block
        The same object; a list of rows becomes an array, a series of strings a
        list, a sparse matrix that cannot be indexed a CSR one, a backed AnnData
        rows that are read when they are asked for.

    Raises
    ------
    ValueError
        If the block is not 2-D and not a list of strings, or values in it are masked.

    Examples
    --------
    >>> as_block([[1, 2], [3, 4]], "a").shape
    (2, 2)
    >>> as_block(("some", "texts"), "b")
    ['some', 'texts']
    """
    if is_anndata(block):
        block = _rows_of_anndata(block, name)
    if isinstance(block, BackedRows):
        return block
    block = as_plain(block, name)
    if sp.issparse(block) or hasattr(block, "columns"):
        return block
    texts = _texts(block, name)
    if texts is not None:
        return texts
    arrays = ("shape", "__array__", "__array_interface__")
    rows = any(hasattr(block, name) for name in arrays) or isinstance(block, Sequence | memoryview)
    if not rows or isinstance(block, str | bytes):
        raise ValueError(
            f"Modality {name!r}: Expected 2D array of shape (rows, columns) or a list of strings, "
            f"got {reprlib.repr(block)} instead. Pass a block of rows."
        )
    try:
        array = block if isinstance(block, np.ndarray) else np.asarray(block)
    except ValueError as error:
        raise ValueError(f"Modality {name!r}: the rows have different lengths.") from error
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"Modality {name!r}: the rows cannot be read ({error}).") from error
    require_2d(array.shape, name)
    return array


def n_rows(block: Any) -> int:
    """Rows of a block; 0 for None, an absent one.

    Parameters
    ----------
    block : block or None

    Returns
    -------
    int

    Examples
    --------
    >>> n_rows(["some", "texts"]), n_rows(None)
    (2, 0)
    """
    if block is None:
        return 0
    return len(block) if isinstance(block, list) else int(block.shape[0])


def n_columns(block: Any) -> int:
    """Columns of a block; 1 for texts and 0 for None.

    Parameters
    ----------
    block : block or None

    Returns
    -------
    int

    Examples
    --------
    >>> n_columns(["some", "texts"]), n_columns(np.zeros((2, 5)))
    (1, 5)
    """
    if block is None:
        return 0
    return 1 if isinstance(block, list) else int(block.shape[1])


def take_rows(block: Any, rows: NDArray[np.intp]) -> Any:
    """Rows of a block by number, in its own form.

    Parameters
    ----------
    block : block or None
    rows : ndarray of int of shape (m,)

    Returns
    -------
    block of m rows, or None

    Examples
    --------
    >>> take_rows(["a", "b", "c"], np.array([2, 0]))
    ['c', 'a']
    """
    if block is None:
        return None
    return block.take(rows) if isinstance(block, BackedRows) else safe_indexing(block, rows)


def same_rows(one: Any, other: Any) -> bool:
    """Whether two blocks hold the same rows in the same form.

    Parameters
    ----------
    one, other : block or None

    Returns
    -------
    bool

    Examples
    --------
    >>> same_rows(np.array([[np.nan]]), np.array([[np.nan]])), same_rows(np.zeros((1, 1)), ["0"])
    (True, False)
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, BackedRows):
        return one.same_as(other)
    if sp.issparse(one):
        return one.shape == other.shape and same_rows(_entries(one), _entries(other))
    if isinstance(one, np.ndarray):
        if object not in (one.dtype, other.dtype):
            return np.array_equal(one, other, equal_nan={one.dtype.kind, other.dtype.kind} <= NANS)
        return one.shape == other.shape and all(map(_same_value, one.flat, other.flat))
    return bool(one.equals(other) if hasattr(one, "equals") else one == other)


def _same_value(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other) or bool(one != one and other != other)
    except (TypeError, ValueError):  # NA is neither, an array more than one
        return False


def _entries(matrix: Any) -> Any:
    # Row, column and value of all that is not zero, in order.
    canonical = matrix.copy()
    canonical.sum_duplicates()
    canonical.eliminate_zeros()
    rows, columns = canonical.nonzero()
    return np.column_stack([rows, columns, canonical.data])


def in_memory(block: Any) -> Any:
    """Read a block that lies on disk; return any other as it is.

    Parameters
    ----------
    block : block or None

    Returns
    -------
    block or None

    Examples
    --------
    >>> in_memory(["some", "texts"])
    ['some', 'texts']
    """
    return block.read() if isinstance(block, BackedRows) else block


def is_anndata(value: Any) -> bool:
    """Whether a value is an AnnData, told by its fields: the package need not be there.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_anndata(np.zeros((2, 3)))
    False
    """
    fields = ("X", "obs_names", "obsm", "isbacked")
    return all(hasattr(value, field) for field in fields) and not hasattr(value, "columns")


def _rows_of_anndata(adata: Any, name: str) -> Any:
    if adata.X is None:
        raise ValueError(
            f"Modality {name!r}: this AnnData has no X; its obsm holds {list(adata.obsm)} and its "
            "layers "
            f"{list(adata.layers)}. Choose one: MixedModalData.from_mudata({{...}}, "
            f"representation={{{name!r}: ...}})."
        )
    if not adata.isbacked:
        return adata.X
    if adata.is_view:
        raise ValueError(
            f"Modality {name!r}: a view of a backed AnnData cannot be read by rows. Pass the whole "
            "and take rows of the container, MixedModalData(...)[rows], or pass "
            ".to_memory()."
        )
    return BackedRows(adata)


def column_names(block: Any) -> NDArray[np.object_] | None:
    """Names of an AnnData's variables, which its rows alone do not carry.

    Parameters
    ----------
    block : block or None

    Returns
    -------
    ndarray of str of shape (d,), or None

    Examples
    --------
    >>> column_names(np.zeros((2, 3))) is None
    True
    """
    return np.asarray(block.var_names, dtype=object) if is_anndata(block) else None


def _texts(block: Any, name: str) -> list[str] | None:
    # A list of strings, a series or a 1-D array of them; None of anything else.
    if getattr(block, "ndim", 1) != 1 or isinstance(block, str | bytes):
        return None
    if getattr(getattr(block, "dtype", None), "kind", "O") not in "OUST":
        return None
    if hasattr(block, "to_list"):  # a series of pandas or polars
        values = block.to_list()
    elif hasattr(block, "to_pylist"):  # of Arrow
        values = block.to_pylist()
    elif isinstance(block, Sequence | np.ndarray):
        values = list(block)
    else:
        return None
    if isinstance(block, list) and not block:
        return []  # what is left of texts when none is taken
    if not any(isinstance(value, str) for value in values):
        return None
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise ValueError(
                f"Modality {name!r}: row {row} is of type {type(value).__name__}, where others are "
                "texts. Drop it, or pass '' for a text that is empty."
            )
    return [str(text) for text in values]
