"""Read the arguments of the estimator's methods into one container."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp

from .blocks import is_anndata, is_table, n_rows
from .container import MixedModalData
from .rows import Matrix, RowSource


def as_mixed_modal(X: Any, y: Any = None) -> MixedModalData:
    """Read the arguments of ``fit``: a container or MuData, blocks by name, or two blocks.

    Raise ValueError if there is a single plain block, or if ``y`` may be labels of ``X``.
    """
    if isinstance(X, MixedModalData):
        return X
    if is_mudata(X):
        return MixedModalData.from_mudata(X)
    holds_blocks = (
        y is None and isinstance(X, tuple | list) and any(getattr(x, "ndim", 0) == 2 for x in X)
    )
    if _is_mapping(X):
        return MixedModalData(*X.values(), names=list(X))
    if holds_blocks:
        raise ValueError(
            "Got several blocks in one argument; pass MixedModalData(X_a, X_b), or X_a and X_b."
        )
    try:
        shape = tuple(y.shape) if hasattr(y, "shape") else np.shape(y)
    except ValueError as error:
        raise ValueError("Modality 'b': the rows have different lengths.") from error
    if y is None and is_anndata(X):
        raise ValueError(
            "One AnnData is one modality. If a column of its obs says which of several modalities "
            "each row belongs to, pass MixedModalData.from_anndata(adata, modality='column')."
        )
    if y is None or len(shape) < 2:
        raise ValueError(
            "One modality alone cannot be clustered across modalities (a 1-D second argument is "
            "taken for labels, and ignored). Pass both blocks, fit(X_a, X_b), or one container, "
            "fit(MixedModalData(X_a, X_b))."
        )
    if len(shape) == 2 and shape[1] == 1:
        raise ValueError(
            f"The second argument has shape {shape}: is it labels or a block of one column? "
            "Labels are not needed; pass them 1-D if you must. For a block of one column pass "
            "fit(MixedModalData(X_a, X_b))."
        )
    data = MixedModalData(X, y)
    if n_rows(data.blocks["a"]) == n_rows(data.blocks["b"]) and _is_one_hot(data.blocks["b"]):
        raise ValueError(
            f"The second argument, of shape {shape}, holds a single 1 in each row: are these "
            "one-hot labels of the first block's rows? Labels are not needed. If it is B's block "
            "pass fit(MixedModalData(X_a, X_b))."
        )
    return data


def _is_one_hot(block: Any) -> bool:
    if not is_table(block) or n_rows(block) == 0:
        return False
    source = RowSource(block, "b")
    try:
        # Blocks may be large, and the first rows nearly always suffice to say no.
        return _rows_are_one_hot(source.take(np.arange(min(source.n_rows, 100)))) and all(
            _rows_are_one_hot(rows) for _, rows in source.chunks()
        )
    except (ValueError, TypeError):  # not numeric: scaling reports it with the modality's name
        return False


def _rows_are_one_hot(rows: Matrix) -> bool:
    return bool(np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all())


def as_known_modalities(
    X: Any, names: tuple[str, ...], X_b: Any = None, modality: str | int | None = None
) -> MixedModalData:
    """Read new rows: a container or MuData, blocks by name, two blocks, or one with its modality.

    Return a container with all modalities ``names``, absent ones being None. Raise ValueError
    if the modality of the rows is ambiguous or unknown.
    """
    if is_mudata(X):
        X = _container_of_blocks(X.mod, names)
    elif _is_mapping(X):
        for name in X:
            modality_index(name, names)
        X = _container_of_blocks(X, names)
    if isinstance(X, MixedModalData):
        if X_b is not None or not (modality is None or _is_only(X, modality)):
            raise ValueError(
                "A container already says which modality each row belongs to: pass it alone, "
                "without a second block or modality."
            )
        if X.names != names:
            raise ValueError(
                f"The modalities were {names} in fit, and are {X.names} here. Fit on a container "
                f"with these names, or make this one with names={names}."
            )
        return X
    if X_b is not None:
        if len(names) != 2 or modality is not None:
            raise ValueError(
                f"Two blocks can be passed without names for two modalities only, not for "
                f"{names}{' with modality given' if modality is not None else ''}: "
                "pass MixedModalData(..., names=...)."
            )
        return MixedModalData(X, X_b, names=names)
    if modality is None:
        container = ", ".join(["X", *["None"] * (len(names) - 1)])
        raise ValueError(
            f"One block could be of any modality of {names}: pass {{{names[0]!r}: X}} or "
            f"MixedModalData({container}, names={names}), which a Pipeline takes as well, or, "
            f"without a Pipeline, modality={names[0]!r}. For rows of several modalities pass all "
            "blocks or a MixedModalData."
        )
    index = modality_index(modality, names)
    return MixedModalData(*[X if m == index else None for m in range(len(names))], names=names)


def _is_only(data: MixedModalData, modality: str | int) -> bool:
    # As a Pipeline with metadata routing passes the modality on, beside the container.
    index = modality_index(modality, data.names)
    return bool((data.codes == index).all())


def is_mudata(value: Any) -> bool:
    """Return whether a value is a MuData, judged by its attributes, without importing mudata."""
    return isinstance(getattr(value, "mod", None), Mapping) and hasattr(value, "obs_names")


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and not sp.issparse(value)


def _container_of_blocks(blocks: Mapping[str, Any], names: tuple[str, ...]) -> MixedModalData:
    # New data may lack some of the fitted modalities, and may hold others, which are ignored.
    present = [name for name in names if name in blocks]
    if not present:
        raise ValueError(f"The modalities were {names} in fit; there are {tuple(blocks)} here.")
    return MixedModalData(*[blocks.get(name) for name in names], names=names)


def modality_index(modality: str | int, names: tuple[str, ...]) -> int:
    """Return the index of a modality given by name or index; raise ValueError if unknown."""
    if isinstance(modality, str) and modality in names:
        return names.index(modality)
    is_index = isinstance(modality, Integral) and not isinstance(modality, bool)
    if is_index and 0 <= int(modality) < len(names):
        return int(modality)
    raise ValueError(f"There is no modality {reprlib.repr(modality)}; the modalities are {names}.")
