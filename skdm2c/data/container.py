"""``MixedModalData``: unpaired rows of several modalities as one thing with a length."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from html import escape
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blocks import as_block, column_names, n_columns, n_rows, same_rows, take_rows
from .messages import keyword
from .pairs import NumberedPairs, Pairs, check_pairs, remap_pairs
from .readers import shared_rows, split_frame, split_mudata

LONGEST_NAME = 60  # characters


class MixedModalData:
    """Instances that were each seen in one modality only, as one indexable set.

    The one currency inside scikit-learn: it has a length and can be indexed by
    rows, so that it goes through Pipeline, GridSearchCV and cross_validate.

    Parameters
    ----------
    *blocks : array-like of shape (n_m, d_m), sparse, data frame, list of str, or None
        One block of rows a modality; None for a modality not seen here (as in
        new data). Nothing is copied.
    names : sequence of str, default=None
        The modalities' names; by default "a", "b", "c" and so on.
    pairs : array-like of shape (m, 2) or mapping, default=None
        Known pairs: (row of the first block, row of the second). For more than
        two modalities a mapping ``{("a", "b"): array}``.

    Attributes
    ----------
    blocks : mapping of str to block
    names : tuple of str
    modality : ndarray of shape (n,) of str
        Each row's modality.
    codes : ndarray of shape (n,) of int
        The same as numbers into ``names``.
    pairs : ndarray of shape (m, 2), or mapping of (str, str) to such
        As given; an array where there are two modalities.
    shape : (int, int)
        Rows, and columns of all blocks together (a block of texts counts as one).

    Raises
    ------
    ValueError
        If a block is neither 2-D nor a list of strings, names do not fit, or
        pairs are out of range, double or conflicting.

    Notes
    -----
    Rows stand in block order at first: the first block's rows, then the next
    one's. An index may reorder them (``train_test_split`` shuffles): row i of
    ``X[index]`` is always row ``index[i]`` of X, whatever its modality.

    Examples
    --------
    >>> import numpy as np
    >>> from skdm2c import MixedModalData
    >>> X = MixedModalData(np.zeros((4, 3)), np.ones((2, 5)), names=("rna", "atac"))
    >>> X
    MixedModalData(rna: 4 x 3, atac: 2 x 5)
    >>> X[[5, 0, 1]].modality
    array(['atac', 'rna', 'rna'], dtype='<U4')
    """

    def __init__(self, *blocks: Any, names: Sequence[str] | None = None, pairs: Any = None) -> None:
        if blocks and all(block is None for block in blocks):
            raise ValueError("MixedModalData needs at least one block that is not None.")
        self.names = check_names(names, len(blocks))
        self._blocks: dict[str, Any] = {
            name: None if block is None else _one_block(block, name)
            for name, block in zip(self.names, blocks, strict=True)
        }
        self._columns = {
            name: column_names(block) for name, block in zip(self.names, blocks, strict=True)
        }
        lengths = [n_rows(block) for block in self._blocks.values()]
        self.codes = np.repeat(np.arange(len(blocks)), lengths)
        self._pairs: Pairs = check_pairs(pairs, self.names, lengths)

    @classmethod
    def _from_parts(
        cls,
        blocks: Mapping[str, Any],
        codes: NDArray[np.intp],
        pairs: Pairs,
        columns: Mapping[str, Any] | None = None,
    ) -> MixedModalData:
        # From parts of another container, which were checked when that was made.
        data = cls.__new__(cls)
        data.names, data._blocks = tuple(blocks), dict(blocks)
        data.codes, data._pairs = codes, pairs
        data._columns = dict(columns or dict.fromkeys(blocks))
        return data

    @classmethod
    def from_frame(
        cls, frame: Any, columns: Mapping[str, Sequence[str]], *, modality: str | None = None
    ) -> MixedModalData:
        """Make a container from a data frame with one instance a row.

        Parameters
        ----------
        frame : pandas or polars DataFrame of n rows
        columns : mapping of str to sequence of str
            The columns of each modality.
        modality : str, default=None
            Column that names each row's modality. By default a row belongs to the
            one modality whose columns are not all missing.

        Returns
        -------
        MixedModalData
            With the rows in the order of the frame.

        Raises
        ------
        ValueError
            If a column is missing, or a row has no modality or several.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"red": [0.1, None], "length": [None, 12.0]})
        >>> MixedModalData.from_frame(frame, {"image": ["red"], "text": ["length"]})
        MixedModalData(image: 1 x 1, text: 1 x 1)
        """
        blocks, codes = split_frame(frame, columns, modality)
        names = check_names(list(columns), len(columns))
        return cls._from_parts(dict(zip(names, blocks, strict=True)), codes, {})

    @classmethod
    def from_mudata(
        cls,
        mdata: Any,
        *,
        modalities: Sequence[str] | None = None,
        representation: Mapping[str, str] | None = None,
        pair_shared_names: bool = False,
    ) -> MixedModalData:
        """Make a container from a MuData object of single-cell assays.

        Parameters
        ----------
        mdata : mudata.MuData, or mapping of str to AnnData
            Where the ``X`` of an assay is backed it stays on disk, and is read as it is needed.
        modalities : sequence of str, default=None
            Which modalities, and in which order; by default all.
        representation : mapping of str to str, default=None
            For a modality a key of its ``obsm`` (such as "X_pca") or ``layers``;
            otherwise its ``X`` is taken.
        pair_shared_names : bool, default=False
            Take rows with the same observation name in two modalities as known pairs.

        Returns
        -------
        MixedModalData

        Raises
        ------
        ValueError
            If a modality or representation is not there.

        Examples
        --------
        >>> from anndata import AnnData
        >>> rna, atac = AnnData(np.zeros((3, 4))), AnnData(np.zeros((2, 6)))
        >>> rna.obs_names, atac.obs_names = ["c1", "c2", "c3"], ["c3", "c9"]
        >>> mdata = {"rna": rna, "atac": atac}
        >>> MixedModalData.from_mudata(mdata, pair_shared_names=True)
        MixedModalData(rna: 3 x 4, atac: 2 x 6; 1 known pair)
        """
        blocks = split_mudata(mdata, modalities, representation)
        pairs = shared_rows(mdata, list(blocks)) if pair_shared_names else None
        return cls(*blocks.values(), names=list(blocks), pairs=pairs)

    @property
    def blocks(self) -> Mapping[str, Any]:
        """The blocks by name, read-only; None for a modality not seen here."""
        for m, (name, block) in enumerate(self._blocks.items()):
            made_of = np.count_nonzero(self.codes == m)
            if n_rows(block) != made_of:  # frames and lists can change in place
                raise ValueError(
                    f"Modality {name!r} had {made_of} rows when this MixedModalData was made, and "
                    f"has {n_rows(block)} now. Make a new one of it."
                )
        return MappingProxyType(self._blocks)

    @property
    def columns(self) -> Mapping[str, NDArray[np.object_] | None]:
        """Names of an AnnData's variables, by modality; None for other blocks."""
        return MappingProxyType(self._columns)

    @property
    def modality(self) -> NDArray[np.str_]:
        """Each row's modality, shape (n,)."""
        return np.array(self.names)[self.codes]

    @property
    def pairs(self) -> NDArray[np.intp] | Mapping[tuple[str, str], NDArray[np.intp]]:
        """Known pairs: an array of shape (m, 2), or a mapping with three modalities or more."""
        if len(self.names) == 2:
            return self._pairs.get((self.names[0], self.names[1]), np.empty((0, 2), np.intp))
        return MappingProxyType(self._pairs)

    @property
    def numbered_pairs(self) -> NumberedPairs:
        """Known pairs of any two modalities, by the numbers of both."""
        number = {name: m for m, name in enumerate(self.names)}
        return {(number[a], number[b]): rows for (a, b), rows in self._pairs.items()}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, and columns of all blocks together."""
        return len(self.codes), sum(n_columns(block) for block in self._blocks.values())

    @property
    def ndim(self) -> int:
        """Two: rows and columns, as scikit-learn expects."""
        return 2

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            "MixedModalData has no rows of one kind to iterate over; "
            f"use X.blocks[{self.names[0]!r}] for a modality's rows."
        )

    def __array__(self, *args: Any, **kwargs: Any) -> NDArray[Any]:
        # What turns it into one array is mostly a transformer that knows of one block only.
        first = self.names[0]
        raise TypeError(
            "MixedModalData is no array: its rows have columns of their own in each modality. "
            f"Use X.blocks[{first!r}] for a modality's rows, and for a transformer "
            f"PerModality({keyword(first, 'StandardScaler()')}, ...) in place of StandardScaler()."
        )

    def __getitem__(self, key: Any) -> MixedModalData:
        """Rows of the container, in the order asked for.

        Parameters
        ----------
        key : slice, array of int, boolean mask, or (rows, Ellipsis)

        Returns
        -------
        MixedModalData
            With the same modalities (some may have no rows left) and its pairs
            remapped: a pair that lost a side is dropped, and of rows taken several times
            every copy is paired with every copy.
        """
        if isinstance(key, tuple):
            everything = key[-1] is Ellipsis or (
                isinstance(key[-1], slice) and key[-1] == slice(None)
            )
            if len(key) != 2 or not everything:
                raise IndexError(
                    "MixedModalData can be indexed by rows only: X[rows] or X[rows, ...]."
                )
            key = key[0]
        rows = self._rows(key)
        codes = self.codes[rows]
        within = self.positions[rows]
        kept = {name: within[codes == m] for m, name in enumerate(self.names)}
        blocks = {name: take_rows(block, kept[name]) for name, block in self.blocks.items()}
        return self._from_parts(blocks, codes, remap_pairs(self._pairs, kept), self._columns)

    @property
    def positions(self) -> NDArray[np.intp]:
        """Each row's number within its block, shape (n,)."""
        positions = np.empty(len(self.codes), dtype=np.intp)
        for m in range(len(self.names)):
            of_modality = self.codes == m
            positions[of_modality] = np.arange(np.count_nonzero(of_modality))
        return positions

    def _rows(self, key: Any) -> NDArray[np.intp]:
        n = len(self)
        if isinstance(key, slice):
            return np.arange(n)[key]
        if np.ma.is_masked(key):
            raise IndexError("Rows are masked: take those that are meant, rows.compressed().")
        try:
            rows = np.atleast_1d(np.asarray(key))
        except ValueError as error:
            raise IndexError("Rows are a slice, an array of integers or a boolean mask.") from error
        if rows.dtype == bool:
            if rows.shape != (n,):
                raise IndexError(f"A mask of shape {rows.shape} does not fit {n} rows.")
            return np.flatnonzero(rows)
        if rows.size == 0:
            return np.empty(0, dtype=np.intp)
        if rows.dtype.kind not in "iu" or rows.ndim != 1:
            raise IndexError("Rows are a slice, an array of integers or a boolean mask.")
        # As Python's integers: -n may be no number of the array's type.
        for row in (int(rows.min()), int(rows.max())):
            if not -n <= row < n:
                raise IndexError(f"Row {row} is out of range for {n} rows.")
        signed = rows.astype(np.intp)
        return np.where(signed < 0, signed + n, signed)

    def with_blocks(self, blocks: Mapping[str, Any]) -> MixedModalData:
        """Return the same rows in other features, as a transformer makes them.

        Parameters
        ----------
        blocks : mapping of str to block
            Modalities that are left out stay as they are. Each block has as many
            rows as the one it replaces.

        Returns
        -------
        MixedModalData

        Raises
        ------
        ValueError
            If a block has another number of rows.

        Examples
        --------
        >>> X = MixedModalData(np.zeros((2, 3)), np.ones((2, 5)))
        >>> X.with_blocks({"b": np.ones((2, 1))})
        MixedModalData(a: 2 x 3, b: 2 x 1)
        """
        merged, columns = dict(self._blocks), dict(self._columns)
        for name, block in blocks.items():
            if name not in merged:
                raise ValueError(f"There is no modality {name!r}; the modalities are {self.names}.")
            merged[name] = _one_block(block, name)
            columns[name] = column_names(block)
            if n_rows(merged[name]) != n_rows(self._blocks[name]):
                raise ValueError(
                    f"Modality {name!r} had {n_rows(self._blocks[name])} rows and now has "
                    f"{n_rows(merged[name])}; a transformer must keep the rows."
                )
        return self._from_parts(merged, self.codes, self._pairs, columns)

    def __eq__(self, other: object) -> bool:
        """Whether rows, their order, names and pairs are the same; missing values are equal."""
        if not isinstance(other, MixedModalData):
            return NotImplemented
        return (
            self.names == other.names
            and np.array_equal(self.codes, other.codes)
            and self._pairs.keys() == other._pairs.keys()
            and all(np.array_equal(rows, other._pairs[key]) for key, rows in self._pairs.items())
            and all(same_rows(self._blocks[name], other._blocks[name]) for name in self.names)
            and all(same_rows(self._columns[n], other._columns[n]) for n in self.names)
        )

    __hash__ = None  # type: ignore[assignment]  # blocks can change

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{name}: " + ("absent" if block is None else f"{n_rows(block)} x {n_columns(block)}")
            for name, block in self._blocks.items()
        )
        m = sum(len(rows) for rows in self._pairs.values())
        return f"MixedModalData({sizes}{f'; {m} known pair' if m else ''}{'s' if m > 1 else ''})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th>"
            + (
                "<td colspan=3>absent</td>"
                if block is None
                else f"<td>{n_rows(block)}</td><td>{n_columns(block)}</td>"
                f"<td>{escape(_kind(block))}</td>"
            )
            + "</tr>"
            for name, block in self._blocks.items()
        )
        m = sum(len(pairs) for pairs in self._pairs.values())
        known = f", {m} known pair{'s' if m > 1 else ''}" if m else ""
        return (
            f"<table><caption>MixedModalData{known}</caption><thead><tr><th>modality</th>"
            f"<th>rows</th><th>columns</th><th>kind</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def _one_block(block: Any, name: str) -> Any:
    if isinstance(block, MixedModalData) or isinstance(getattr(block, "mod", None), Mapping):
        raise ValueError(
            f"Modality {name!r} is a {type(block).__name__}, which holds blocks itself: pass one "
            "of its blocks."
        )
    return as_block(block, name)


def _kind(block: Any) -> str:
    if isinstance(block, list):
        return "texts"
    dtype = getattr(block, "dtype", None)
    return type(block).__name__ + (f" of {dtype}" if dtype is not None else "")


def check_names(names: Sequence[str] | None, n_blocks: int) -> tuple[str, ...]:
    """Check the names of modalities, or make some up.

    Parameters
    ----------
    names : sequence of str or None
    n_blocks : int

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If they are not as many different strings as there are blocks, each of 1 to 60 printable
        characters without "__", which separates a transformer's parameter from its modality.

    Examples
    --------
    >>> check_names(None, 3), check_names(["rna", "atac"], 2)
    (('a', 'b', 'c'), ('rna', 'atac'))
    """
    if n_blocks < 2:
        raise ValueError(
            f"MixedModalData needs two blocks or more, got {n_blocks}: MixedModalData(X_a, X_b). "
            "For new rows of one modality pass None for the other: MixedModalData(None, X_b)."
        )
    if names is None:
        return tuple(
            "abcdefghijklmnopqrstuvwxyz"[m] if m < 26 else f"m{m}" for m in range(n_blocks)
        )
    in_order = isinstance(names, Iterable) and not isinstance(names, str | Set)
    given = list(names) if in_order and getattr(names, "ndim", 1) == 1 else [None]
    if not all(isinstance(name, str) and name for name in given):
        raise ValueError(
            "names must be a sequence of strings, one a modality, in the order of the blocks; got "
            f"{reprlib.repr(names)}."
        )
    names = [str(name) for name in given]
    for name in names:
        if len(name) > LONGEST_NAME or not name.isprintable() or "__" in name:
            raise ValueError(
                f"names must be of at most {LONGEST_NAME} printable characters, without '__'; got "
                f"{reprlib.repr(name)}. Give the modality another name."
            )
    if len(names) != n_blocks or len(set(names)) != n_blocks:
        raise ValueError(f"names must be {n_blocks} different strings, got {reprlib.repr(names)}.")
    return tuple(names)
