"""``MixedModalData``: a container for the unpaired rows of several modalities."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from html import escape
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blocks import as_block, column_names, n_columns, n_rows, same_rows, take_rows
from .folds import refuse_folds_without_a_modality
from .messages import keyword
from .pairs import NumberedPairs, Pairs, check_pairs, remap_pairs
from .readers import Reading, shared_rows, split_anndata, split_frame, split_mudata

MAX_NAME_LENGTH = 60


class MixedModalData:
    """Container for rows of several modalities, each row observed in one modality only.

    It has a length and can be indexed by rows, so that scikit-learn's Pipeline,
    GridSearchCV and cross_validate accept it as ``X``.

    Parameters
    ----------
    *blocks : array-like of shape (n_m, d_m), sparse, data frame, list of objects, or None
        Rows of each modality. Pass None for a modality without rows, for
        example in new data. Texts, images (an array of shape (n_m, ...) or a
        list), dicts and other objects are for the transformers of
        :class:`PerModality`, which turn them into tables. Blocks are not copied.
    names : sequence of str, default=None
        Names of the modalities. By default they are "a", "b", "c" and so on.
    pairs : array-like of shape (m, 2) or mapping, default=None
        Known pairs, as (row of the first block, row of the second block). For
        more than two modalities pass a mapping ``{("a", "b"): array}``.

    Attributes
    ----------
    blocks : mapping of str to block
        The block of each modality, None if it is absent.
    names : tuple of str
        Names of the modalities, in the order of the blocks.
    modality : ndarray of shape (n,) of str
        Name of each row's modality.
    codes : ndarray of shape (n,) of int
        Index of each row's modality in ``names``.
    index : pandas Index of n values, or None
        Index of the rows if all blocks with rows are pandas data frames.
    pairs : ndarray of shape (m, 2), or mapping of (str, str) to such
        Known pairs: an array for two modalities, a mapping for more.
    reading : Reading
        The ``representation`` and ``pair_shared_names`` with which assays were read.
    shape : (int, int)
        Number of rows, and number of columns summed over the blocks. A list of
        objects counts as one column.

    Raises
    ------
    ValueError
        If a block has no rows of values or objects, if the names are invalid, or
        if pairs are out of range, duplicated or conflicting.

    Notes
    -----
    A new container holds the rows in block order: first all rows of the first
    block, then those of the second. Indexing may reorder them, as
    ``train_test_split`` does: row i of ``X[index]`` is always row ``index[i]``
    of X, whatever its modality.

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

    reading = Reading()  # of containers that were not read from assays

    def __init__(self, *blocks: Any, names: Sequence[str] | None = None, pairs: Any = None) -> None:
        if blocks and all(block is None for block in blocks):
            raise ValueError("MixedModalData needs at least one block that is not None.")
        self.names = check_names(names, len(blocks))
        self._blocks: dict[str, Any] = {
            name: None if block is None else _checked_block(block, name)
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
        reading: Reading | None = None,
    ) -> MixedModalData:
        # Skips the checks of __init__, as the parts come from a container that passed them.
        data = cls.__new__(cls)
        data.names, data._blocks = tuple(blocks), dict(blocks)
        data.codes, data._pairs = codes, pairs
        data._columns = dict(columns or dict.fromkeys(blocks))
        if reading is not None:
            data.reading = reading
        return data

    @classmethod
    def from_frame(
        cls, frame: Any, columns: Mapping[str, Sequence[str]], *, modality: str | None = None
    ) -> MixedModalData:
        """Make a container from a data frame with one instance per row.

        Parameters
        ----------
        frame : pandas or polars DataFrame of n rows
            Data frame with the columns of all modalities.
        columns : mapping of str to sequence of str
            Names of the columns of each modality.
        modality : str, default=None
            Name of the column that holds each row's modality. By default a row
            belongs to the only modality in whose columns it has a value.

        Returns
        -------
        MixedModalData
            Container with the rows in the order of the frame.

        Raises
        ------
        ValueError
            If a column does not exist, or if a row has no modality or more than one.

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
            Assays by name. If the ``X`` of an assay is backed, it stays on disk
            and rows are read when they are needed.
        modalities : sequence of str, default=None
            Names of the modalities to use, in this order. By default all are used.
        representation : mapping of str to str, default=None
            Key of ``obsm`` (such as "X_pca") or ``layers`` to use for a modality.
            The ``X`` of modalities that are not in the mapping is used.
        pair_shared_names : bool, default=False
            Whether rows of two modalities with the same observation name are
            known pairs.

        Returns
        -------
        MixedModalData
            Container with the rows in the order of the assays.

        Raises
        ------
        ValueError
            If a modality or representation does not exist.

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
        data = cls(*blocks.values(), names=list(blocks), pairs=pairs)
        keys = {name: key for name, key in (representation or {}).items() if name in blocks}
        data.reading = Reading(keys, pair_shared_names)
        return data

    @classmethod
    def from_anndata(
        cls,
        adata: Any,
        *,
        modality: str,
        names: Sequence[str] | None = None,
        features: str | Mapping[str, Any] | None = None,
        representation: Mapping[str, str] | None = None,
    ) -> MixedModalData:
        """Make a container from one AnnData whose rows are of several modalities.

        Such an object is what ``anndata.concat(..., join="outer", label=modality)`` makes.

        Parameters
        ----------
        adata : AnnData of n rows
            Rows of all modalities.
        modality : str
            Name of the column of ``obs`` that holds each row's modality.
        names : sequence of str, default=None
            Names of the modalities, some of which may have no rows. By default they are those of
            the rows, in the order of their first rows.
        features : str or mapping of str to sequence of str, default=None
            Name of the column of ``var`` that holds each variable's modality, or the variables of
            each modality. By default the variables of a modality are those that have a value other
            than zero or NaN in its rows. For new rows, pass the ``columns`` of the container of
            the fit.
        representation : mapping of str to str, default=None
            Key of ``obsm`` or ``layers`` to use for a modality, as in :meth:`from_mudata`.

        Returns
        -------
        MixedModalData
            Container with the rows in the order of ``adata``.

        Raises
        ------
        ValueError
            If a column, a variable or a representation does not exist, a row has no modality, a
            modality has no variables, or ``adata`` is backed.

        Examples
        --------
        >>> import anndata
        >>> rna, atac = (anndata.AnnData(np.ones((n, d))) for n, d in ((3, 4), (2, 6)))
        >>> rna.var_names, atac.var_names = list("abcd"), list("ABCDEF")
        >>> both = anndata.concat(
        ...     {"rna": rna, "atac": atac}, join="outer", label="assay", index_unique="-"
        ... )
        >>> X = MixedModalData.from_anndata(both, modality="assay")
        >>> X
        MixedModalData(rna: 3 x 4, atac: 2 x 6)
        >>> MixedModalData.from_anndata(
        ...     both[3:], modality="assay", names=X.names, features=X.columns
        ... )
        MixedModalData(rna: absent, atac: 2 x 6)
        """
        keys = dict(representation or {})
        parts, codes = split_anndata(adata, modality, names, features, keys)
        check_names(list(parts), len(parts))
        return cls._from_parts(
            {
                name: None if part is None else _checked_block(part, name)
                for name, part in parts.items()
            },
            codes,
            {},
            {name: column_names(part) for name, part in parts.items()},
            Reading({name: key for name, key in keys.items() if name in parts}),
        )

    @property
    def blocks(self) -> Mapping[str, Any]:
        """Blocks by name, as a read-only mapping; None for an absent modality."""
        for m, (name, block) in enumerate(self._blocks.items()):
            expected = np.count_nonzero(self.codes == m)
            if n_rows(block) != expected:  # frames and lists can change in place
                raise ValueError(
                    f"Modality {name!r} had {expected} rows when this MixedModalData was made, and "
                    f"has {n_rows(block)} now. Make a new one from it."
                )
        return MappingProxyType(self._blocks)

    @property
    def columns(self) -> Mapping[str, NDArray[np.object_] | None]:
        """Variable names by modality, of blocks given as AnnData; None for other blocks."""
        return MappingProxyType(self._columns)

    @property
    def modality(self) -> NDArray[np.str_]:
        """Name of each row's modality, of shape (n,)."""
        return np.array(self.names)[self.codes]

    @property
    def pairs(self) -> NDArray[np.intp] | Mapping[tuple[str, str], NDArray[np.intp]]:
        """Known pairs: an array of shape (m, 2), or for more than two modalities a mapping."""
        if len(self.names) == 2:
            return self._pairs.get((self.names[0], self.names[1]), np.empty((0, 2), np.intp))
        return MappingProxyType(self._pairs)

    @property
    def numbered_pairs(self) -> NumberedPairs:
        """Known pairs by the indices of both modalities."""
        index = {name: m for m, name in enumerate(self.names)}
        return {(index[a], index[b]): rows for (a, b), rows in self._pairs.items()}

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and number of columns summed over the blocks."""
        return len(self.codes), sum(n_columns(block) for block in self._blocks.values())

    @property
    def ndim(self) -> int:
        """Number of dimensions, always 2, as scikit-learn expects."""
        return 2

    @property
    def index(self) -> Any:
        """Index of the rows if all blocks with rows are pandas data frames, else None."""
        blocks = [block for block in self.blocks.values() if n_rows(block) > 0]
        if not blocks or not all(hasattr(block, "iloc") for block in blocks):
            return None
        first, *others = (block.index for block in blocks)
        # Rows in block order, of which the row i of this container is the order[i]-th.
        order = np.argsort(np.argsort(self.codes, kind="stable"))
        return first.append(others).take(order)

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            "MixedModalData has no rows of one kind to iterate over; "
            f"use X.blocks[{self.names[0]!r}] for a modality's rows."
        )

    def __array__(self, *args: Any, **kwargs: Any) -> NDArray[Any]:
        # It is mostly a transformer for a single block that asks for an array.
        first = self.names[0]
        raise TypeError(
            "MixedModalData is no array: its rows have columns of their own in each modality. "
            f"Use X.blocks[{first!r}] for a modality's rows, and for a transformer "
            f"PerModality({keyword(first, 'StandardScaler()')}, ...) in place of StandardScaler()."
        )

    def __getitem__(self, key: Any) -> MixedModalData:
        """Select rows, in the given order.

        Parameters
        ----------
        key : slice, array of int, boolean mask, or (rows, Ellipsis)
            Index of the rows.

        Returns
        -------
        MixedModalData
            Container with the same modalities, some of which may have no rows left.
            A pair is kept if both of its rows are; if rows are selected more than
            once, every copy is paired with every copy of its partner.

        Raises
        ------
        IndexError
            If the key selects anything but rows, or rows that do not exist.
        ValueError
            If scikit-learn cross-validates with training sets that lack a modality.
        """
        if isinstance(key, tuple):
            all_columns = key[-1] is Ellipsis or (
                isinstance(key[-1], slice) and key[-1] == slice(None)
            )
            if len(key) != 2 or not all_columns:
                raise IndexError(
                    "MixedModalData can be indexed by rows only: X[rows] or X[rows, ...]."
                )
            refuse_folds_without_a_modality(self.codes, self.names)
            key = key[0]
        rows = self._rows(key)
        codes = self.codes[rows]
        positions = self.positions[rows]
        selected = {name: positions[codes == m] for m, name in enumerate(self.names)}
        blocks = {name: take_rows(block, selected[name]) for name, block in self.blocks.items()}
        pairs = remap_pairs(self._pairs, selected)
        return self._from_parts(blocks, codes, pairs, self._columns, self.reading)

    @property
    def positions(self) -> NDArray[np.intp]:
        """Index of each row within its block, of shape (n,)."""
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
            raise IndexError(
                "The row index is masked: select the valid rows with rows.compressed()."
            )
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
        # Compared as Python integers, since -n may not fit the dtype of the index.
        for row in (int(rows.min()), int(rows.max())):
            if not -n <= row < n:
                raise IndexError(f"Row {row} is out of range for {n} rows.")
        signed = rows.astype(np.intp)
        return np.where(signed < 0, signed + n, signed)

    def with_blocks(self, blocks: Mapping[str, Any]) -> MixedModalData:
        """Return a container with the same rows but other features for some modalities.

        Parameters
        ----------
        blocks : mapping of str to block
            New blocks by modality, each with as many rows as the block that it
            replaces. Other modalities keep their block.

        Returns
        -------
        MixedModalData
            Container with the same order of rows and the same pairs.

        Raises
        ------
        ValueError
            If a modality is unknown, or if a block has another number of rows.

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
            merged[name] = _checked_block(block, name)
            columns[name] = column_names(block)
            if n_rows(merged[name]) != n_rows(self._blocks[name]):
                raise ValueError(
                    f"Modality {name!r} had {n_rows(self._blocks[name])} rows and now has "
                    f"{n_rows(merged[name])}; a transformer must keep the rows."
                )
        return self._from_parts(merged, self.codes, self._pairs, columns, self.reading)

    def __eq__(self, other: object) -> bool:
        """Return whether names, rows, their order and pairs are equal; NaN equals NaN."""
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

    __hash__ = None  # type: ignore[assignment]  # blocks are mutable

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{name}: " + ("absent" if block is None else f"{n_rows(block)} x {n_columns(block)}")
            for name, block in self._blocks.items()
        )
        n_pairs = sum(len(rows) for rows in self._pairs.values())
        pairs = f"; {n_pairs} known pair{'s' if n_pairs > 1 else ''}" if n_pairs else ""
        return f"MixedModalData({sizes}{pairs})"

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
        n_pairs = sum(len(pairs) for pairs in self._pairs.values())
        pairs = f", {n_pairs} known pair{'s' if n_pairs > 1 else ''}" if n_pairs else ""
        return (
            f"<table><caption>MixedModalData{pairs}</caption><thead><tr><th>modality</th>"
            f"<th>rows</th><th>columns</th><th>kind</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def _checked_block(block: Any, name: str) -> Any:
    if isinstance(block, MixedModalData) or isinstance(getattr(block, "mod", None), Mapping):
        raise ValueError(
            f"Modality {name!r} is a {type(block).__name__}, which holds blocks itself: pass one "
            "of its blocks."
        )
    return as_block(block, name)


def _kind(block: Any) -> str:
    if isinstance(block, list):
        return "texts" if block and isinstance(block[0], str) else "objects"
    dtype = getattr(block, "dtype", None)
    return type(block).__name__ + (f" of {dtype}" if dtype is not None else "")


def check_names(names: Sequence[str] | None, n_blocks: int) -> tuple[str, ...]:
    """Check the names of modalities, or return the default names if ``names`` is None.

    Names must be different strings of at most 60 printable characters, and must not contain
    "__", which separates a modality from a parameter of its transformer.
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
    is_ordered = isinstance(names, Iterable) and not isinstance(names, str | Set)
    values = list(names) if is_ordered and getattr(names, "ndim", 1) == 1 else [None]
    if not all(isinstance(name, str) and name for name in values):
        raise ValueError(
            "names must be a sequence of strings, one per modality, in the order of the blocks; "
            f"got {reprlib.repr(names)}."
        )
    names = [str(name) for name in values]
    for name in names:
        if len(name) > MAX_NAME_LENGTH or not name.isprintable() or "__" in name:
            raise ValueError(
                f"names must have at most {MAX_NAME_LENGTH} printable characters, without '__'; "
                f"got {reprlib.repr(name)}. Give the modality another name."
            )
    if len(names) != n_blocks or len(set(names)) != n_blocks:
        raise ValueError(f"names must be {n_blocks} different strings, got {reprlib.repr(names)}.")
    return tuple(names)
