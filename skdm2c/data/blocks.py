"""One modality's rows, in whatever form users keep them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from .disk import BackedRows


def as_block(block: Any, name: str) -> Any:
    """Check the form of a block (not its values) and return it, unconverted if possible.

    Parameters
    ----------
    block : array-like of shape (n, d), sparse matrix, data frame, AnnData or list of str
        2-D data, or one string a row. Of an AnnData its ``X``.
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
        If the block is not 2-D and not a list of strings.

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
    if sp.issparse(block):
        return block if block.format == "csr" else block.tocsr()
    if hasattr(block, "columns") or (isinstance(block, np.ndarray) and block.ndim == 2):
        return block
    if _is_text(block):
        return [str(text) for text in block]
    try:
        array = np.asarray(block)
    except ValueError as error:
        raise ValueError(f"Modality {name!r}: the rows have different lengths.") from error
    if array.ndim == 2:
        return array
    what = f"a {array.ndim}-D array of shape {array.shape}" if array.ndim else f"{block!r}"
    how = {
        0: "Pass a block of rows.",
        1: "Reshape your data with .reshape(-1, 1) if it is one column, "
        "or with .reshape(1, -1) if it is one row.",
    }.get(array.ndim, "Flatten each row, for example with .reshape(len(X), -1).")
    raise ValueError(
        f"Modality {name!r}: Expected 2D array of shape (rows, columns) or a list of strings, "
        f"got {what} instead. {how}"
    )


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
    return block.take(rows) if isinstance(block, BackedRows) else _safe_indexing(block, rows)


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
    return all(hasattr(value, field) for field in ("X", "obs_names", "obsm", "isbacked"))


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


def _is_text(block: Any) -> bool:
    if isinstance(block, str | bytes):
        return False
    kind = getattr(getattr(block, "dtype", None), "kind", None)
    if kind is not None and kind not in "OUST":
        return False
    if getattr(block, "ndim", 1) != 1 or not isinstance(block, Sequence | np.ndarray):
        values = getattr(block, "values", None)  # a pandas series
        if values is None or getattr(values, "ndim", 0) != 1:
            return False
    return len(block) > 0 and all(isinstance(text, str) for text in block)
