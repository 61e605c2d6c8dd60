"""Split data frames, AnnData and MuData objects into one block per modality."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .._sklearn import safe_indexing

Codes = NDArray[np.intp]


class Reading(NamedTuple):
    """How the assays of a container were read, so that results are written the same way."""

    representation: Mapping[str, str] = {}
    pair_shared_names: bool = False


def split_frame(
    frame: Any, columns: Mapping[str, Sequence[str]], modality: str | None
) -> tuple[list[Any], Codes]:
    """Split a data frame into one block per entry of ``columns``, and return the rows' modalities.

    The modality of a row is read from the column ``modality``; if that is None, it is the only
    modality in whose columns the row has a value. The codes returned are of shape (n,).
    """
    if not (hasattr(frame, "columns") and hasattr(frame, "__len__") and hasattr(frame, "dtypes")):
        raise ValueError(
            f"from_frame takes a data frame of pandas or polars, got a {type(frame).__name__}."
        )
    if not isinstance(columns, Mapping):
        raise ValueError(
            "from_frame: columns must say which columns each modality has, {modality: [columns]}."
        )
    names = list(columns)
    for name, group in columns.items():
        if isinstance(group, str | Set) or not hasattr(group, "__len__"):
            raise ValueError(f"from_frame: the columns of {name!r} must be a list: [{group!r}].")
        if not len(group) or len(set(group)) < len(group):
            raise ValueError(
                f"from_frame: {name!r} must have at least one column, and none of them twice; got "
                f"{list(group)}."
            )
    if not isinstance(modality, str | None):
        raise ValueError("from_frame: modality must be the name of a column.")
    required = [c for group in columns.values() for c in group]
    required += [] if modality is None else [modality]
    for column in required:
        count = list(frame.columns).count(column)
        if count != 1:
            number = "no column" if not count else f"{count} columns"
            raise ValueError(f"from_frame: the frame has {number} {column!r}.")
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
    n_observed = observed.sum(1)
    if (n_observed != 1).any():
        row = int(np.flatnonzero(n_observed != 1)[0])
        names = [name for name, is_in in zip(columns, observed[row], strict=True) if is_in]
        content = f"has values of {names}" if names else "has no values at all"
        raise ValueError(
            f"from_frame: row {row} {content}; every row must have values of exactly one modality. "
            "Split an instance of several modalities into one row each and pass them as pairs, "
            "or pass modality=, the name of the column that holds each row's modality."
        )
    codes: Codes = observed.argmax(1)
    return codes


def _has_values(frame: Any, group: Sequence[str]) -> NDArray[np.bool_]:
    # Whether each row has a value, neither null nor NaN, in any of the columns.
    has_value = np.zeros(len(frame), dtype=bool)
    for column in group:
        series = frame[column]
        if hasattr(series, "notna"):  # pandas
            has_value |= np.asarray(series.notna())
        else:  # polars distinguishes null and NaN
            is_valid = series.is_not_null()
            if series.dtype.is_float():
                is_valid &= series.is_not_nan().fill_null(value=False)
            has_value |= is_valid.to_numpy()
    return has_value


def assays_of(mdata: Any) -> Mapping[str, Any]:
    """Return the mapping of names to AnnData of a MuData, or of such a mapping itself."""
    assays = mdata if isinstance(mdata, Mapping) else getattr(mdata, "mod", None)
    if not isinstance(assays, Mapping):
        raise ValueError(
            "Expected a MuData, or a mapping of names to AnnData such as {'rna': adata}, got a "
            f"{type(mdata).__name__}."
        )
    return assays


def split_mudata(
    mdata: Any, modalities: Sequence[str] | None, representation: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return the blocks of the given modalities (None for all), in that order.

    A block is the entry of ``obsm`` or ``layers`` that ``representation`` names for the modality,
    otherwise the AnnData itself. Raise ValueError if a modality or representation is unknown.
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


def split_anndata(
    adata: Any,
    modality: str,
    names: Sequence[str] | None,
    features: str | Mapping[str, Any] | None,
    representation: Mapping[str, str],
) -> tuple[dict[str, Any], Codes]:
    """Split an AnnData whose rows are of several modalities; return blocks and modality codes.

    ``modality`` names the column of ``obs`` with each row's modality; ``names`` are the modalities
    in order, None for those of the rows. ``features`` names the column of ``var`` with each
    variable's modality, or holds the variables of each modality; by default they are those with a
    value that is neither missing nor zero in its rows. A modality without rows has the block None.
    Raise ValueError if a column or variable does not exist, or a row has no known modality.
    """
    if modality not in adata.obs:
        raise ValueError(
            f"from_anndata: obs has no column {modality!r}; it has {list(adata.obs)[:20]}."
        )
    if isinstance(features, str) and features not in adata.var:
        raise ValueError(
            f"from_anndata: var has no column {features!r}; it has {list(adata.var)[:20]}."
        )
    if adata.isbacked:
        raise ValueError("from_anndata: a backed AnnData cannot be split; pass adata.to_memory().")
    values = adata.obs[modality]
    of_rows = values.astype(str).to_numpy()
    known = list(dict.fromkeys(of_rows[~values.isna()])) if names is None else list(names)
    unknown = values.isna().to_numpy() | ~np.isin(of_rows, known)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise ValueError(
            f"from_anndata: row {row} has {values.iloc[row]!r} in {modality!r}, which is none of "
            f"the modalities {known}."
        )
    codes: Codes = np.array([known.index(name) for name in of_rows], dtype=np.intp)
    blocks: dict[str, Any] = {}
    for m, name in enumerate(known):
        part = adata[np.flatnonzero(codes == m)]
        if len(part) == 0:
            blocks[name] = None
        elif name in representation:
            blocks |= split_mudata({name: part}, None, {name: representation[name]})
        else:
            blocks[name] = part[:, _variables(part, name, features)].copy()
    return blocks, codes


def _variables(adata: Any, name: str, features: str | Mapping[str, Any] | None) -> Any:
    if isinstance(features, Mapping) and features.get(name) is not None:
        missing = [variable for variable in features[name] if variable not in adata.var_names]
        if missing:
            raise ValueError(f"from_anndata: modality {name!r} has no variable {missing[0]!r}.")
        return list(features[name])
    if isinstance(features, str):
        of_modality = np.asarray(adata.var[features].astype(str) == name)
    elif adata.X is None:
        raise ValueError("from_anndata: this AnnData has no X: pass representation.")
    elif sp.issparse(adata.X):
        of_modality = np.asarray((adata.X != 0).sum(axis=0)).ravel() > 0
    else:
        of_modality = np.asarray(((adata.X != 0) & ~np.isnan(adata.X)).any(axis=0))
    if not of_modality.any():
        raise ValueError(f"from_anndata: modality {name!r} has no variables of its own.")
    return np.flatnonzero(of_modality)


def shared_rows(mdata: Any, names: Sequence[str]) -> dict[tuple[str, str], NDArray[np.intp]]:
    """Return pairs of rows with the same observation name, for each two of the modalities.

    Raise ValueError if a modality has no observation names, or duplicate ones.
    """
    mod = assays_of(mdata)
    for name in names:
        if not hasattr(mod[name], "obs_names"):
            raise ValueError(
                f"Modality {name!r} has no observation names, so its rows cannot be paired by name."
            )
        if not mod[name].obs_names.is_unique:
            raise ValueError(
                f"Modality {name!r} has duplicate observation names, so pairs are ambiguous: call "
                "its obs_names_make_unique() first, or pass pairs yourself."
            )
    rows = {n: {obs: i for i, obs in enumerate(mod[n].obs_names)} for n in names}
    shared = {
        (a, b): np.array([(i, rows[b][o]) for o, i in rows[a].items() if o in rows[b]], np.intp)
        for k, a in enumerate(names)
        for b in names[k + 1 :]
    }
    return {key: array for key, array in shared.items() if len(array)}
