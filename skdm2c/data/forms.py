"""Forms that other libraries keep rows in: read where that is safe, refused by name where not."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import scipy.sparse as sp

from .messages import keyword

TIMES = (np.datetime64, np.timedelta64, datetime.date, datetime.time, datetime.timedelta)


def as_plain(block: Any, name: str) -> Any:
    """Bring tensors, masked arrays and sparse matrices into forms that the rest knows.

    Parameters
    ----------
    block : object
    name : str
        What messages call the modality.

    Returns
    -------
    object
        Of a dense tensor an array, of a masked array without a masked value its data, of
        any sparse matrix a CSR one; all else as it is.

    Raises
    ------
    ValueError
        If values are masked, a tensor holds no plain numbers, a frame is not computed yet,
        or a sparse matrix or a frame is not 2-D.

    Examples
    --------
    >>> as_plain(np.ma.masked_array([[1.0], [2.0]]), "a")
    array([[1.],
           [2.]])
    """
    if _is_tensor(block):
        return _array_of(block, name)
    if isinstance(block, list | tuple) and any(map(_is_tensor, block)):
        block = [_array_of(row, name) if _is_tensor(row) else row for row in block]
    if (
        np.ma.is_masked(block)
        or (isinstance(block, list | tuple) and any(map(np.ma.is_masked, block)))
        or isinstance(getattr(block, "_meta", None), np.ma.MaskedArray)  # of dask
    ):
        raise ValueError(
            f"Modality {name!r} holds masked values. Fill them first, for example with "
            f".filled(numpy.nan) and PerModality({keyword(name, 'SimpleImputer()')})."
        )
    if isinstance(block, np.ma.MaskedArray):
        return block.data
    if isinstance(block, np.ndarray) and issubclass(block.dtype.type, np.void):
        raise ValueError(
            f"Modality {name!r} is an array of records ({block.dtype}). Pass its numbers as "
            "a 2-D array, or a data frame."
        )
    if sp.issparse(block):
        require_2d(block.shape, name)
        if block.format == "coo" and block.dtype.kind in "iub":
            block = block.astype(np.int64)  # double entries are added up, in the matrix's own type
        return block if block.format == "csr" else block.tocsr()
    if hasattr(block, "columns"):
        _require_rows(block, name)
    return block


def require_2d(shape: tuple[int, ...], name: str) -> None:
    """Refuse a block of another shape than rows and columns, and say how to mend it.

    Parameters
    ----------
    shape : tuple of int
    name : str

    Raises
    ------
    ValueError
        If there are not two dimensions.
    """
    if len(shape) == 2:
        return
    how = {
        0: "Pass a block of rows.",
        1: "Reshape your data with .reshape(-1, 1) if it is one column, "
        "or with .reshape(1, -1) if it is one row.",
    }.get(len(shape), "Flatten each row, for example with .reshape(len(X), -1).")
    raise ValueError(
        f"Modality {name!r}: Expected 2D array of shape (rows, columns) or a list of strings, "
        f"got a {len(shape)}-D array of shape {tuple(shape)} instead. {how}"
    )


def refuse_times(block: Any) -> None:
    """Refuse dates, times and durations, which would be read as numbers of some unit.

    Parameters
    ----------
    block : array or data frame

    Raises
    ------
    ValueError
        If there is one.

    Examples
    --------
    >>> refuse_times(np.zeros((2, 3)))
    """
    frame = hasattr(block, "dtypes")
    block = block if frame else np.asarray(block)
    dtypes = list(block.dtypes) if frame else [block.dtype]
    temporal = any(
        getattr(dtype, "kind", "") in {"M", "m"} or getattr(dtype, "is_temporal", bool)()  # polars
        for dtype in dtypes
    )
    if any(str(dtype).lower() == "object" for dtype in dtypes):
        # Those columns alone: a frame of numbers and truths becomes objects as a whole.
        pandas = hasattr(block, "select_dtypes")
        values = np.asarray(block.select_dtypes(object) if pandas else block, dtype=object)
        temporal = temporal or any(
            isinstance(value, TIMES) or (isinstance(value, np.ndarray) and value.dtype.kind in "mM")
            for value in values.flat
        )
    if temporal:
        raise ValueError("dates and durations are no numbers here; turn them into some first.")


def _is_tensor(value: Any) -> bool:
    # Told without importing PyTorch, which the aligners do not need.
    return any(kind.__module__ == "torch" for kind in type(value).__mro__)


def _array_of(tensor: Any, name: str) -> Any:
    plain = str(tensor.layout) == "torch.strided" and not (tensor.is_nested or tensor.is_quantized)
    if not plain or tensor.device.type == "meta":
        raise ValueError(
            f"Modality {name!r} is a tensor of layout {tensor.layout} and dtype {tensor.dtype} on "
            f"the device {tensor.device}, which has no rows to read. Pass tensor.to_dense(), or "
            "for sparse data a SciPy matrix."
        )
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
    if tensor.is_floating_point() and tensor.element_size() < 4:  # NumPy has no bfloat16
        tensor = tensor.float()
    return tensor.numpy()


def _require_rows(frame: Any, name: str) -> None:
    shape: tuple[Any, ...] = getattr(frame, "shape", ())
    if len(shape) != 2 or not isinstance(shape[0], int | np.integer):
        raise ValueError(
            f"Modality {name!r} is a {type(frame).__name__}, which holds no rows yet: pass "
            ".collect() or .compute() of it."
        )
