"""Operations on the rows of one modality, in any of the supported forms."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence, Set
from numbers import Number
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .._sklearn import safe_indexing
from .disk import BackedRows
from .forms import as_plain, require_2d

NAN_KINDS = set("fcmM")  # kinds of NumPy dtypes that have a missing value (NaN or NaT)


def as_block(block: Any, name: str) -> Any:
    """Check the form of a block, but not its values, and convert it only where necessary.

    An AnnData is replaced by its ``X`` (lazily read if backed), a tensor or a list of rows by
    an array, a series of strings or of other objects by a list, and any sparse matrix by a CSR
    matrix. Lists of objects and arrays of more than two dimensions are for a transformer.
    """
    if is_anndata(block):
        block = _rows_of_anndata(block, name)
    if isinstance(block, BackedRows):
        return block
    block = as_plain(block, name)
    if sp.issparse(block) or hasattr(block, "columns"):
        return block
    objects = _as_objects(block, name)
    if objects is not None:
        return objects
    array_attributes = ("shape", "__array__", "__array_interface__")
    has_rows = any(hasattr(block, name) for name in array_attributes) or isinstance(
        block, Sequence | memoryview
    )
    if not has_rows or isinstance(block, str | bytes):
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
    if array.ndim < 2:
        require_2d(array.shape, name)
    return array


def n_rows(block: Any) -> int:
    """Return the number of rows of a block; an absent block, None, has 0."""
    if block is None:
        return 0
    return len(block) if isinstance(block, list) else int(block.shape[0])


def n_columns(block: Any) -> int:
    """Return the number of values in a row of a block; a list of objects has 1, None has 0."""
    if block is None:
        return 0
    return 1 if isinstance(block, list) else int(np.prod(block.shape[1:]))


def is_table(block: Any) -> bool:
    """Return whether a block has rows and columns, unlike a list of objects or of images."""
    return not isinstance(block, list) and len(block.shape) == 2


def take_rows(block: Any, rows: NDArray[np.intp]) -> Any:
    """Return the rows of a block with the given indices, in the block's own form."""
    if block is None:
        return None
    return block.take(rows) if isinstance(block, BackedRows) else safe_indexing(block, rows)


def same_rows(one: Any, other: Any) -> bool:
    """Return whether two blocks have the same form and the same rows; NaN equals NaN."""
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
            both_have_nan = {one.dtype.kind, other.dtype.kind} <= NAN_KINDS
            return np.array_equal(one, other, equal_nan=both_have_nan)
        return one.shape == other.shape and all(map(_same_value, one.flat, other.flat))
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same_value, one, other))
    return bool(one.equals(other))


def _same_value(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return same_rows(one, other)
    try:
        return one is other or bool(one == other) or bool(one != one and other != other)
    except (TypeError, ValueError):  # comparing NA or an array does not give one boolean
        return False


def _entries(matrix: Any) -> Any:
    # Rows, columns and values of the non-zero entries, in an order that only they determine.
    canonical = matrix.copy()
    canonical.sum_duplicates()
    canonical.eliminate_zeros()
    rows, columns = canonical.nonzero()
    return np.column_stack([rows, columns, canonical.data])


def in_memory(block: Any) -> Any:
    """Read a block that lies on disk; return any other block unchanged."""
    return block.read() if isinstance(block, BackedRows) else block


def is_anndata(value: Any) -> bool:
    """Return whether a value is an AnnData, judged by its attributes, without importing anndata."""
    attributes = ("X", "obs_names", "obsm", "isbacked")
    return all(hasattr(value, name) for name in attributes) and not hasattr(value, "columns")


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
            "AnnData and index the container instead, MixedModalData(...)[rows], or pass "
            ".to_memory()."
        )
    return BackedRows(adata)


def column_names(block: Any) -> NDArray[np.object_] | None:
    """Return the variable names of an AnnData, which its ``X`` does not carry, else None."""
    return np.asarray(block.var_names, dtype=object) if is_anndata(block) else None


def _as_objects(block: Any, name: str) -> list[Any] | None:
    # The objects of a list, series or 1-D array, such as texts; None if its rows are numbers.
    if getattr(block, "ndim", 1) != 1 or isinstance(block, str | bytes):
        return None
    is_series = hasattr(block, "to_list") or hasattr(block, "to_pylist")  # pandas, polars; Arrow
    if is_series:
        values = block.to_list() if hasattr(block, "to_list") else block.to_pylist()
    elif isinstance(block, Sequence | np.ndarray):
        values = list(block)
    else:
        return None
    if isinstance(block, list) and not block:
        return []  # selecting no rows of a list of objects gives an empty list
    if any(isinstance(value, str) for value in values):
        _require_texts(values, name)
        return [str(text) for text in values]
    is_table = _is_table_of_rows(values) and not (is_series and any(map(_is_vector, values)))
    return None if is_table else values


def _require_texts(values: list[Any], name: str) -> None:
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise ValueError(
                f"Modality {name!r}: row {row} is of type {type(value).__name__}, while other rows "
                "are texts. Drop it, or pass '' for an empty text."
            )


def _is_table_of_rows(values: list[Any]) -> bool:
    # Numbers, or vectors of equal length in which not all cells are texts or records.
    numbers = Number | np.generic
    if all(
        value is None or (isinstance(value, numbers) and not isinstance(value, bytes))
        for value in values
    ):
        return True
    if not all(map(_is_vector, values)) or len(set(map(len, values))) > 1:
        return False
    rows = [row for row in values if isinstance(row, list | tuple) and row]
    return not rows or any(
        not isinstance(cell, str | bytes | Mapping) for row in rows for cell in row
    )


def _is_vector(value: Any) -> bool:
    is_sized = hasattr(value, "__len__") and not isinstance(value, str | bytes | Mapping | Set)
    return is_sized and getattr(value, "ndim", 1) == 1
