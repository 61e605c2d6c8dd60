"""Locate the cell of a table that cannot be read as a number."""

from __future__ import annotations

import datetime
import reprlib
from typing import Any

import numpy as np

from .._sklearn import safe_indexing
from .messages import keyword

TIMES = (
    np.datetime64,
    np.timedelta64,
    datetime.date,
    datetime.time,
    datetime.timedelta,
)


def describe_unreadable_cell(block: Any, name: str) -> str | None:
    """Say which cell of an array or frame is not a number, and what to do about it.

    Return None if all are numbers. Rows and columns are searched in the order of the columns.

    Examples
    --------
    >>> print(describe_unreadable_cell(np.array([[1.0, "x"]], dtype=object), "a"))
    row 0, column 1 holds 'x', which is not a number. Correct the cell, or encode the column, \
for example with PerModality(a=make_column_transformer((OneHotEncoder(), [1]), \
remainder='passthrough')).
    """
    labels = _labels(block)
    for column, label in enumerate(range(block.shape[1]) if labels is None else labels):
        cells = np.asarray(safe_indexing(block, column, axis=1))
        if not _are_numbers(cells):
            row = next((row for row, cell in enumerate(cells) if not is_number(cell)), None)
            if row is not None:
                return f"row {row}, column {label!r} holds {_advice(cells[row], label, name)}"
    return None


def is_number(cell: Any) -> bool:
    """Return whether a cell can be read as one real number; a missing value can, as NaN."""
    if isinstance(cell, TIMES):
        return False
    try:
        return np.asarray(cell, dtype=np.float64).shape == ()
    except OverflowError:  # a number, if too large
        return True
    except (TypeError, ValueError):
        return False


def holds_times(block: Any) -> bool:
    """Return whether an array or data frame holds dates, times or durations.

    NumPy and pandas convert them to numbers of an arbitrary unit.
    """
    is_frame = hasattr(block, "dtypes")
    block = block if is_frame else np.asarray(block)
    dtypes = list(block.dtypes) if is_frame else [block.dtype]
    if any(
        getattr(dtype, "kind", "") in {"M", "m"} or getattr(dtype, "is_temporal", bool)()  # polars
        for dtype in dtypes
    ):
        return True
    if not any(str(dtype).lower() == "object" for dtype in dtypes):
        return False
    # Only these columns: a frame of mixed dtypes as a whole becomes an array of objects.
    is_pandas = hasattr(block, "select_dtypes")
    values = np.asarray(block.select_dtypes(object) if is_pandas else block, dtype=object)
    return any(
        isinstance(value, TIMES) or (isinstance(value, np.ndarray) and value.dtype.kind in "mM")
        for value in values.flat
    )


def _labels(block: Any) -> list[Any] | None:
    # Arrow calls its arrays columns, and their names column_names.
    labels = getattr(block, "column_names", getattr(block, "columns", None))
    return None if labels is None else list(labels)


def _are_numbers(cells: Any) -> bool:
    if cells.dtype.kind in "mM":
        return False
    try:
        return bool(cells.astype(np.float64).ndim == 1) and cells.dtype != object
    except (TypeError, ValueError, OverflowError):
        return False


def _advice(cell: Any, label: Any, name: str) -> str:
    value = reprlib.repr(cell.item() if isinstance(cell, np.str_) else cell)
    if value == "<NA>":
        return (
            "<NA>, a missing value of pandas. Convert the frame with .convert_dtypes(), and impute "
            f"it, for example with PerModality({keyword(name, 'SimpleImputer()')})."
        )
    if isinstance(cell, TIMES):
        return f"{cell}. Convert it to a number first, such as the days since a fixed date."
    if isinstance(cell, list | tuple | np.ndarray):
        return (
            f"a {type(cell).__name__} of {len(cell)} values. Stack the column's vectors first, for "
            f"example with np.stack(frame[{label!r}])."
        )
    encoder = f"make_column_transformer((OneHotEncoder(), [{label!r}]), remainder='passthrough')"
    return (
        f"{value}, which is not a number. Correct the cell, or encode the column, for example "
        f"with PerModality({keyword(name, encoder)})."
    )
