"""Known pairs: rows of two modalities that belong to the same instance."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

Rows = NDArray[np.intp]
Pairs = dict[tuple[str, str], Rows]
NumberedPairs = dict[tuple[int, int], Rows]  # keys are indices of modalities, the lower first


def check_pairs(pairs: Any, names: Sequence[str], lengths: Sequence[int]) -> Pairs:
    """Check pairs and return them as ``{("a", "b"): array of shape (m, 2)}``, without empty arrays.

    Both names of a key are in the order of ``names``; ``lengths`` are the modalities' numbers of
    rows. Raise ValueError if a modality or row is unknown or a row is in several pairs of a key.
    """
    if pairs is None:
        return {}
    if not isinstance(pairs, Mapping):
        if len(names) != 2:
            raise ValueError(
                f"pairs: with {len(names)} modalities, say which two each array links: "
                f"pairs={{({names[0]!r}, {names[1]!r}): array of shape (m, 2), ...}}."
            )
        pairs = {(names[0], names[1]): pairs}
    checked: Pairs = {}
    for key, rows in pairs.items():
        if not (isinstance(key, tuple) and len(key) == 2 and len(set(key) & set(names)) == 2):
            raise ValueError(
                f"pairs: key {reprlib.repr(key)} is not a pair of different modalities of "
                f"{tuple(names)}."
            )
        left, right = sorted(key, key=list(names).index)
        array = _check_rows(rows, key)
        array = array if key == (left, right) else np.ascontiguousarray(array[:, ::-1])
        for column, name in enumerate((left, right)):
            _check_column(array[:, column], name, lengths[list(names).index(name)])
        if (left, right) in checked:
            raise ValueError(f"pairs: {left!r} and {right!r} are given twice, in both orders.")
        if len(array):
            checked[left, right] = array
    return checked


def remap_pairs(pairs: Pairs, selected: Mapping[str, Rows]) -> Pairs:
    """Return the sorted pairs of a selection of rows, ``selected`` being its old rows by modality.

    A pair that lost a row is dropped. If rows were selected more than once, every copy is paired
    with every copy of its partner, so that indexing twice equals indexing by the composition.

    Examples
    --------
    >>> selected = {"a": np.array([4, 1]), "b": np.array([0])}
    >>> remap_pairs({("a", "b"): np.array([[1, 0], [4, 2]])}, selected)
    {('a', 'b'): array([[1, 0]])}
    """
    remapped: Pairs = {}
    for (left, right), rows in pairs.items():
        i, pair = _copies(rows[:, 0], selected[left])
        j, copy = _copies(rows[pair, 1], selected[right])
        if len(j):
            new_rows = np.column_stack([i[copy], j])
            remapped[left, right] = new_rows[np.lexsort(new_rows.T[::-1])]
    return remapped


def paired_rows(pairs: NumberedPairs, m: int) -> Rows:
    """Return the sorted rows of modality ``m`` that have a known partner in any other modality.

    Examples
    --------
    >>> paired_rows({(0, 1): np.array([[5, 0], [2, 1]]), (0, 2): np.array([[2, 7]])}, 0)
    array([2, 5])
    """
    parts = [rows[:, key.index(m)] for key, rows in pairs.items() if m in key]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.intp)


def instances(pairs: NumberedPairs, codes: Rows) -> Rows:
    """Return the index of each row's instance, of shape (n,); paired rows share an instance.

    ``codes``, of shape (n,), holds the modality of each row.

    Examples
    --------
    >>> instances({(0, 1): np.array([[0, 1]])}, np.array([0, 0, 1, 1]))
    array([0, 1, 2, 0])
    """
    row_indices = [np.flatnonzero(codes == m) for m in range(int(codes.max(initial=0)) + 1)]
    edges = [
        np.stack([row_indices[left][rows[:, 0]], row_indices[right][rows[:, 1]]])
        for (left, right), rows in pairs.items()
    ]
    i, j = np.concatenate(edges, axis=1) if edges else np.empty((2, 0), dtype=np.intp)
    graph = sp.coo_matrix((np.ones(len(i), dtype=bool), (i, j)), shape=(len(codes),) * 2)
    components: Rows = connected_components(graph, directed=False)[1].astype(np.intp)
    return components


def _copies(rows: Rows, selected: Rows) -> tuple[Rows, Rows]:
    # All positions in ``selected`` that hold an element of ``rows``, and the index of the element.
    order = np.argsort(selected, kind="stable")
    first, last = (
        np.searchsorted(selected, rows, side, sorter=order) for side in ("left", "right")
    )
    counts = last - first
    element = np.repeat(np.arange(len(rows)), counts)
    step = np.arange(len(element)) - np.repeat(np.cumsum(counts) - counts, counts)
    return order[first[element] + step], element


def _check_rows(rows: Any, key: object) -> Rows:
    if np.ma.is_masked(rows):
        raise ValueError(f"pairs of {key}: rows are masked. Pass only the valid pairs.")
    try:
        array = np.asarray(rows)
    except ValueError as error:
        raise ValueError(f"pairs of {key}: the pairs have different lengths.") from error
    if array.size == 0:
        return np.empty((0, 2), dtype=np.intp)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(
            f"pairs of {key}: expected an array of shape (m, 2), one (row, row) per line, "
            f"got shape {array.shape}."
        )
    if array.dtype.kind not in "iu":
        raise ValueError(f"pairs of {key}: row numbers must be integers, got {array.dtype}.")
    return array.astype(np.intp)


def _check_column(rows: Rows, name: str, length: int) -> None:
    bad = rows[(rows < 0) | (rows >= length)]
    if len(bad):
        raise ValueError(
            f"pairs: modality {name!r} has rows 0 to {length - 1}, and no row {bad[0]}. "
            "Rows are numbered within their block."
        )
    values, counts = np.unique(rows, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"pairs: row {values[counts > 1][0]} of modality {name!r} occurs in several pairs; "
            "an instance has at most one row per modality."
        )
