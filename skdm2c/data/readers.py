"""From the tables people have to blocks: data frames and MuData."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._sklearn import safe_indexing

Codes = NDArray[np.intp]


def split_frame(
    frame: Any, columns: Mapping[str, Sequence[str]], modality: str | None
) -> tuple[list[Any], Codes]:
    """Split a data frame with one instance a row into one block a modality.

    Parameters
    ----------
    frame : pandas or polars DataFrame of n rows
    columns : mapping of str to sequence of str
        The columns of each modality.
    modality : str or None
        Column that names each row's modality; None finds the one group of
        columns that holds values.

    Returns
    -------
    blocks : list of DataFrame
        In the order of ``columns``.
    codes : ndarray of shape (n,)
        Each row's modality, as a number.

    Raises
    ------
    ValueError
        If a column is missing, or a row has no modality or more than one.
    """
    if not (hasattr(frame, "columns") and hasattr(frame, "__len__") and hasattr(frame, "dtypes")):
        raise ValueError(
            f"from_frame takes a data frame of pandas or polars, got a {type(frame).__name__}."
        )
    if not isinstance(columns, Mapping):
        raise ValueError("from_frame: columns must say which are whose, {modality: [columns]}.")
    names = list(columns)
    for name, group in columns.items():
        if isinstance(group, str | Set) or not hasattr(group, "__len__"):
            raise ValueError(f"from_frame: the columns of {name!r} must be a list: [{group!r}].")
        if not len(group) or len(set(group)) < len(group):
            raise ValueError(
                f"from_frame: {name!r} must have columns, each of them once; got {list(group)}."
            )
    if not isinstance(modality, str | None):
        raise ValueError("from_frame: modality must be the name of a column.")
    wanted = [c for group in columns.values() for c in group]
    wanted += [] if modality is None else [modality]
    for column in wanted:
        times = list(frame.columns).count(column)
        if times != 1:
            what = "no column" if not times else f"{times} columns"
            raise ValueError(f"from_frame: the frame has {what} {column!r}.")
    if modality is None:
        codes = _infer_codes(frame, columns)
    else:
        values = frame[modality].to_list()
        for row, value in enumerate(values):
            if not isinstance(value, str) or value not in names:  # NA is equal to nothing
                raise ValueError(
                    f"from_frame: column {modality!r} holds {reprlib.repr(value)} in row {row}, "
                    f"which is none of the modalities {names}."
                )
        codes = np.array([names.index(value) for value in values], dtype=np.intp)
    blocks = [
        safe_indexing(frame[list(columns[name])], np.flatnonzero(codes == m))
        for m, name in enumerate(names)
    ]
    return blocks, codes


def _infer_codes(frame: Any, columns: Mapping[str, Sequence[str]]) -> Codes:
    observed = np.stack([_has_values(frame, group) for group in columns.values()], axis=1)
    n_seen = observed.sum(1)
    if (n_seen != 1).any():
        row = int(np.flatnonzero(n_seen != 1)[0])
        seen = [name for name, there in zip(columns, observed[row], strict=True) if there]
        what = f"has values of {seen}" if seen else "has no values at all"
        raise ValueError(
            f"from_frame: row {row} {what}; every row must be seen in exactly one modality. "
            "Split an instance seen in several into one row each and pass them as pairs, "
            "or name the column that says each row's modality."
        )
    codes: Codes = observed.argmax(1)
    return codes


def _has_values(frame: Any, group: Sequence[str]) -> NDArray[np.bool_]:
    # Which rows have a value in any of the columns: neither null nor NaN.
    seen = np.zeros(len(frame), dtype=bool)
    for column in group:
        series = frame[column]
        if hasattr(series, "notna"):  # pandas
            seen |= np.asarray(series.notna())
        else:  # polars tells null from NaN
            there = series.is_not_null()
            if series.dtype.is_float():
                there &= series.is_not_nan().fill_null(value=False)
            seen |= there.to_numpy()
    return seen


def assays_of(mdata: Any) -> Mapping[str, Any]:
    """Return the AnnData of each modality.

    Parameters
    ----------
    mdata : mudata.MuData, or mapping of str to AnnData

    Returns
    -------
    mapping of str to AnnData

    Raises
    ------
    ValueError
        If it is neither.
    """
    assays = mdata if isinstance(mdata, Mapping) else getattr(mdata, "mod", None)
    if not isinstance(assays, Mapping):
        raise ValueError(
            "A MuData is needed, or a mapping of names to AnnData such as {'rna': adata}, not a "
            f"{type(mdata).__name__}."
        )
    return assays


def split_mudata(
    mdata: Any, modalities: Sequence[str] | None, representation: Mapping[str, str] | None
) -> dict[str, Any]:
    """Take one block a modality out of a MuData object.

    Parameters
    ----------
    mdata : mudata.MuData, or mapping of str to AnnData
    modalities : sequence of str or None
        Which, and in which order; None takes all.
    representation : mapping of str to str or None
        For a modality a key of its ``obsm`` or ``layers``; otherwise its ``X``.

    Returns
    -------
    dict of str to AnnData or array

    Raises
    ------
    ValueError
        If a modality or representation is not there.
    """
    mod = assays_of(mdata)
    if isinstance(modalities, str | Set) or not isinstance(modalities, Iterable | None):
        raise ValueError(f"modalities must be a list of some of {list(mod)}, got {modalities!r}.")
    if not isinstance(representation, Mapping | None):
        raise ValueError("representation must be a mapping, such as {'rna': 'X_pca'}.")
    names = list(modalities) if modalities is not None else list(mod)
    if len(set(names)) < len(names):
        raise ValueError(f"modalities must be different, got {names}.")
    unknown = [name for name in [*names, *(representation or {})] if name not in mod]
    if unknown:
        raise ValueError(
            f"from_mudata: there is no modality {unknown[0]!r}; this object has {list(mod)}."
        )
    blocks = {}
    for name in names:
        adata, key = mod[name], (representation or {}).get(name)
        if key is None:
            block = adata
        elif key in adata.obsm:
            block = adata.obsm[key]
        elif key in adata.layers:
            block = adata.layers[key]
        else:
            raise ValueError(
                f"from_mudata: modality {name!r} has no {key!r}; its obsm holds "
                f"{list(adata.obsm)} and its layers {list(adata.layers)}."
            )
        blocks[name] = block
    return blocks


def shared_rows(mdata: Any, names: Sequence[str]) -> dict[tuple[str, str], NDArray[np.intp]]:
    """Find the rows whose observation names stand in two modalities.

    Parameters
    ----------
    mdata : mudata.MuData, or mapping of str to AnnData
    names : sequence of str
        The modalities to look at.

    Returns
    -------
    dict of (str, str) to ndarray of shape (m, 2)

    Raises
    ------
    ValueError
        If rows of a modality have no names, or two the same.
    """
    mod = assays_of(mdata)
    for name in names:
        if not hasattr(mod[name], "obs_names"):
            raise ValueError(f"Modality {name!r} has no names of rows, so none can be shared.")
        if not mod[name].obs_names.is_unique:
            raise ValueError(
                f"Modality {name!r} has rows of the same name, so that pairs are not known: call "
                "its obs_names_make_unique() first, or pass pairs yourself."
            )
    rows = {n: {obs: i for i, obs in enumerate(mod[n].obs_names)} for n in names}
    shared = {
        (a, b): np.array([(i, rows[b][o]) for o, i in rows[a].items() if o in rows[b]], np.intp)
        for k, a in enumerate(names)
        for b in names[k + 1 :]
    }
    return {key: array for key, array in shared.items() if len(array)}
