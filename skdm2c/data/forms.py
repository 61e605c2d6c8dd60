"""Convert rows from the forms of other libraries, or refuse them with an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from .messages import keyword


def as_plain(block: Any, name: str) -> Any:
    """Convert tensors and masked arrays to arrays, and sparse matrices to CSR.

    Return other blocks unchanged. Raise ValueError if values are masked, if a tensor or array
    does not hold plain numbers, or if a frame is lazy.
    """
    if _is_tensor(block):
        return _array_of_tensor(block, name)
    if isinstance(block, list | tuple) and any(map(_is_tensor, block)):
        block = [_array_of_tensor(row, name) if _is_tensor(row) else row for row in block]
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
            # Conversion to CSR sums duplicate entries in the matrix's dtype, which may overflow.
            block = block.astype(np.int64)
        return block if block.format == "csr" else block.tocsr()
    if hasattr(block, "columns"):
        _require_rows(block, name)
    return block


def require_2d(shape: tuple[int, ...], name: str) -> None:
    """Raise ValueError, with advice on how to reshape, unless a block's shape is 2-D."""
    if len(shape) == 2:
        return
    advice = {
        0: "Pass a block of rows.",
        1: "Reshape your data with .reshape(-1, 1) if it is one column, "
        "or with .reshape(1, -1) if it is one row.",
    }.get(
        len(shape),
        "Flatten each row, for example with .reshape(len(X), -1), or in a Pipeline with "
        f"PerModality({keyword(name, 'FunctionTransformer(lambda X: X.reshape(len(X), -1))')}).",
    )
    raise ValueError(
        f"Modality {name!r}: Expected 2D array of shape (rows, columns) or a list of strings, "
        f"got a {len(shape)}-D array of shape {tuple(shape)} instead. {advice}"
    )


def describe_objects(block: list[Any], name: str) -> str:
    """Say what the rows of a list are, and which transformer would make a table of them."""
    first: Any = next((row for row in block if row is not None), None)
    lengths = {len(row) for row in block if isinstance(row, list | tuple | np.ndarray)}
    if isinstance(first, str):
        kind, advice = "texts", "TfidfVectorizer()"
    elif isinstance(first, Mapping):
        kind, advice = "mappings", "DictVectorizer()"
    elif isinstance(first, np.ndarray) and first.ndim > 1:
        kind = "images, or other arrays of several dimensions"
        advice = "FunctionTransformer(lambda rows: np.stack([row.ravel() for row in rows]))"
    elif len(lengths) > 1:
        kind = f"objects of type {type(first).__name__}: the rows have different lengths"
        advice = "FunctionTransformer(to_table)"
    elif lengths and not isinstance(first[0], str):
        kind = "vectors in one column, which np.stack(column) makes a table of"
        advice = "FunctionTransformer(np.stack)"
    else:
        kind, advice = f"objects of type {type(first).__name__}", "FunctionTransformer(to_table)"
    return (
        f"holds {kind}. Turn them into numbers first, for example "
        f"make_pipeline(PerModality({keyword(name, advice)}), model)."
    )


def _is_tensor(value: Any) -> bool:
    # By the module's name, as the alignment can be used without importing PyTorch.
    return any(kind.__module__ == "torch" for kind in type(value).__mro__)


def _array_of_tensor(tensor: Any, name: str) -> Any:
    is_dense = str(tensor.layout) == "torch.strided" and not (
        tensor.is_nested or tensor.is_quantized
    )
    if not is_dense or tensor.device.type == "meta":
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
            f"Modality {name!r} is a {type(frame).__name__}, which holds no rows yet: pass the "
            "result of .collect() or .compute()."
        )
