"""Known pairs: rows of two modalities that are one and the same instance."""

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
NumberedPairs = dict[tuple[int, int], Rows]  # modalities by number, the lower first


def check_pairs(pairs: Any, names: Sequence[str], lengths: Sequence[int]) -> Pairs:
    """Bring known pairs into one form and check them.

    Parameters
    ----------
    pairs : array-like of shape (m, 2), mapping or None
        Row numbers within the two blocks; for more than two modalities a mapping
        such as ``{("a", "b"): array}``.
    names, lengths : sequence of str and of int
        The modalities and their numbers of rows.

    Returns
    -------
    dict of (str, str) to ndarray of shape (m, 2)
        Names in the order of the modalities; without empty entries.

    Raises
    ------
    ValueError
        If a modality or row is unknown, a pair stands twice, or a row is paired
        with two rows of the same modality.

    Examples
    --------
    >>> check_pairs([(0, 2)], ("a", "b"), (3, 3))
    {('a', 'b'): array([[0, 2]])}
    """
    if pairs is None:
        return {}
    if not isinstance(pairs, Mapping):
        if len(names) != 2:
            raise ValueError(
                f"pairs: with {len(names)} modalities say which two each array is about: "
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


def remap_pairs(pairs: Pairs, kept: Mapping[str, Rows]) -> Pairs:
    """Known pairs of a sub-container; a pair that lost a side is dropped.

    Parameters
    ----------
    pairs : dict of (str, str) to ndarray of shape (m, 2)
    kept : mapping of str to ndarray
        For each modality the old row number of every new row. Where a row was
        taken several times, every copy is paired with every copy of its partner, so
        that rows of rows have the pairs that the same rows taken at once have.

    Returns
    -------
    dict of (str, str) to ndarray of shape (m', 2)
        Sorted.

    Examples
    --------
    >>> kept = {"a": np.array([4, 1]), "b": np.array([0])}
    >>> remap_pairs({("a", "b"): np.array([[1, 0], [4, 2]])}, kept)
    {('a', 'b'): array([[1, 0]])}
    """
    remapped: Pairs = {}
    for (left, right), rows in pairs.items():
        i, pair = _copies(rows[:, 0], kept[left])
        j, of_i = _copies(rows[pair, 1], kept[right])
        if len(j):
            new = np.column_stack([i[of_i], j])
            remapped[left, right] = new[np.lexsort(new.T[::-1])]
    return remapped


def paired_rows(pairs: NumberedPairs, m: int) -> Rows:
    """List the rows of a modality that have a known partner in any other.

    Parameters
    ----------
    pairs : dict of (int, int) to ndarray of shape (p, 2)
    m : int
        The modality.

    Returns
    -------
    ndarray of int of shape (n,)
        In ascending order, each once.

    Examples
    --------
    >>> paired_rows({(0, 1): np.array([[5, 0], [2, 1]]), (0, 2): np.array([[2, 7]])}, 0)
    array([2, 5])
    """
    parts = [known[:, key.index(m)] for key, known in pairs.items() if m in key]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.intp)


def instances(pairs: NumberedPairs, codes: Rows) -> Rows:
    """Say which rows are of one instance.

    Parameters
    ----------
    pairs : dict of (int, int) to ndarray of shape (m, 2)
        Rows within their blocks.
    codes : ndarray of int of shape (n,)
        The modality of each row.

    Returns
    -------
    ndarray of int of shape (n,)
        Number of each row's instance.

    Examples
    --------
    >>> instances({(0, 1): np.array([[0, 1]])}, np.array([0, 0, 1, 1]))
    array([0, 1, 2, 0])
    """
    at = [np.flatnonzero(codes == m) for m in range(int(codes.max(initial=0)) + 1)]
    edges = [
        np.stack([at[left][rows[:, 0]], at[right][rows[:, 1]]])
        for (left, right), rows in pairs.items()
    ]
    i, j = np.concatenate(edges, axis=1) if edges else np.empty((2, 0), dtype=np.intp)
    graph = sp.coo_matrix((np.ones(len(i), dtype=bool), (i, j)), shape=(len(codes),) * 2)
    found: Rows = connected_components(graph, directed=False)[1].astype(np.intp)
    return found


def _copies(old: Rows, kept: Rows) -> tuple[Rows, Rows]:
    # All places in ``kept`` of each of ``old``, and which of ``old`` each is a place of.
    order = np.argsort(kept, kind="stable")
    first, last = (np.searchsorted(kept, old, side, sorter=order) for side in ("left", "right"))
    number = last - first
    which = np.repeat(np.arange(len(old)), number)
    step = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
    return order[first[which] + step], which


def _check_rows(rows: Any, key: object) -> Rows:
    if np.ma.is_masked(rows):
        raise ValueError(f"pairs of {key}: rows are masked. Pass those pairs that are meant.")
    try:
        array = np.asarray(rows)
    except ValueError as error:
        raise ValueError(f"pairs of {key}: the lines have different lengths.") from error
    if array.size == 0:
        return np.empty((0, 2), dtype=np.intp)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(
            f"pairs of {key}: expected an array of shape (m, 2), one (row, row) a line, "
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
            f"pairs: row {values[counts > 1][0]} of modality {name!r} stands in several pairs; "
            "an instance has at most one row a modality."
        )
