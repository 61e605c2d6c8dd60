"""The ways people hand over rows, read into one container."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp

from .blocks import n_rows
from .container import MixedModalData
from .rows import Matrix, RowSource


def as_mixed_modal(X: Any, y: Any = None) -> MixedModalData:
    """Read the two ways of calling ``fit``: one container, or two blocks.

    Parameters
    ----------
    X : MixedModalData, MuData or block of shape (n_a, d_a)
    y : block of shape (n_b, d_b), labels of shape (n,) or None
        Ignored where ``X`` is a container.

    Returns
    -------
    MixedModalData

    Raises
    ------
    ValueError
        If there is only one plain block, or it cannot be told whether ``y`` is
        a block or labels.

    Examples
    --------
    >>> as_mixed_modal(np.zeros((2, 3)), np.ones((4, 2)))
    MixedModalData(a: 2 x 3, b: 4 x 2)
    """
    if isinstance(X, MixedModalData):
        return X
    if is_mudata(X):
        return MixedModalData.from_mudata(X)
    several = isinstance(X, tuple | list) and any(getattr(x, "ndim", 0) == 2 for x in X)
    if several or (isinstance(X, Mapping) and not sp.issparse(X)):
        raise ValueError("Several blocks in one: pass MixedModalData(X_a, X_b), or X_a and X_b.")
    try:
        shape = tuple(y.shape) if hasattr(y, "shape") else np.shape(y)
    except ValueError as error:
        raise ValueError("Modality 'b': the rows have different lengths.") from error
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
    if isinstance(block, list) or n_rows(block) == 0:
        return False
    source = RowSource(block, "b")
    try:
        # A few rows first: mostly they tell, and a block may be large.
        return _has_one_a_row(source.take(np.arange(min(source.n_rows, 100)))) and all(
            _has_one_a_row(rows) for _, rows in source.chunks()
        )
    except (ValueError, TypeError):  # no numbers, as is told later
        return False


def _has_one_a_row(rows: Matrix) -> bool:
    return bool(np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all())


def as_known_modalities(
    X: Any, names: tuple[str, ...], X_b: Any = None, modality: str | int | None = None
) -> MixedModalData:
    """Read the ways new rows come: a container, two blocks, or one with its modality.

    Parameters
    ----------
    X : MixedModalData, MuData or block
    names : tuple of str
        The modalities known.
    X_b : block, default=None
        The second modality's rows, where ``X`` is the first's.
    modality : str or int, default=None
        The modality of ``X``, where it is one block.

    Returns
    -------
    MixedModalData
        With all ``names``; modalities not seen here are absent.

    Raises
    ------
    ValueError
        If it cannot be told which modality the rows are of.

    Examples
    --------
    >>> as_known_modalities(np.zeros((2, 3)), ("rna", "atac"), modality="atac")
    MixedModalData(rna: absent, atac: 2 x 3)
    """
    if is_mudata(X):
        X = _known_of_mudata(X, names)
    if isinstance(X, MixedModalData):
        if X_b is not None or modality is not None:
            raise ValueError(
                "A container says itself of which modality its rows are: pass it alone, "
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
                f"Two blocks can be told apart without names for two modalities only, not for "
                f"{names}{' with modality given' if modality is not None else ''}: "
                "pass MixedModalData(..., names=...)."
            )
        return MixedModalData(X, X_b, names=names)
    if modality is None:
        raise ValueError(
            f"One block could be of any modality of {names}: say which with "
            f"modality={names[0]!r}, pass both blocks, or a MixedModalData."
        )
    index = modality_index(modality, names)
    return MixedModalData(*[X if m == index else None for m in range(len(names))], names=names)


def is_mudata(value: Any) -> bool:
    """Whether a value is a MuData, told by its fields: the package need not be there.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_mudata(np.zeros((2, 3)))
    False
    """
    return isinstance(getattr(value, "mod", None), Mapping) and hasattr(value, "obs_names")


def _known_of_mudata(mdata: Any, names: tuple[str, ...]) -> MixedModalData:
    # New data may lack an assay, and have others that the model does not know.
    there = [name for name in names if name in mdata.mod]
    if not there:
        raise ValueError(f"The modalities were {names} in fit; this MuData has {tuple(mdata.mod)}.")
    return MixedModalData(*[mdata.mod.get(name) for name in names], names=names)


def modality_index(modality: str | int, names: tuple[str, ...]) -> int:
    """Return the number of a modality given by name or number.

    Parameters
    ----------
    modality : str or int
    names : tuple of str

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If there is no such modality.

    Examples
    --------
    >>> modality_index("atac", ("rna", "atac"))
    1
    """
    if isinstance(modality, str) and modality in names:
        return names.index(modality)
    is_number = isinstance(modality, Integral) and not isinstance(modality, bool)
    if is_number and 0 <= int(modality) < len(names):
        return int(modality)
    raise ValueError(f"There is no modality {reprlib.repr(modality)}; the modalities are {names}.")
