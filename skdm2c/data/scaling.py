"""Scaling of one modality: rows are checked and brought to the scale of the networks."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from .._sklearn import get_feature_names
from ..exceptions import caller_level
from ..runtime.processes import SINGLE_PROCESS, Processes
from .messages import about, keyword
from .rows import FloatRows, Matrix, Rows, RowSource, rows_per_chunk

ScalingName = Literal["columns", "block", "none"]

SMALLEST = 1e-290  # columns below are zero for us: their spread would underflow
MAX_SEEN = 1000, 10_000  # columns and rows that tell component scores from other blocks
CACHED = 2**16  # numbers that are worked on at a time, so that they stay in the cache
MAX_HELD = 2**28  # numbers of a block that are scaled once and held: 1 GiB of them


class ModalityScaler(BaseEstimator):  # type: ignore[misc]
    """Checks the rows of one modality and brings them to the networks' scale.

    Parameters
    ----------
    name : str
        What messages call the modality.
    standardize : "auto" or bool, default=True
        True subtracts each column's mean and divides by its standard deviation; a
        constant column becomes zero. "auto" divides all columns by one number, the
        root of their mean variance, where :func:`is_component_scores`.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only where the block fitted had column names.
    mean_, scale_ : ndarray of shape (n_features_in_,)
    scaling_ : {"columns", "block", "none"}
        What was divided by: a number a column, one number, or nothing.

    Examples
    --------
    >>> import numpy as np
    >>> ModalityScaler("a").fit_transform(np.array([[1.0, 7.0], [3.0, 7.0]]))
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    def __init__(self, name: str, standardize: bool | str = True) -> None:
        self.name = name
        self.standardize = standardize

    def fit_transform(
        self, block: Any, columns: Any = None, processes: Processes = SINGLE_PROCESS
    ) -> Rows:
        """Learn the columns of a block and return its rows scaled.

        Parameters
        ----------
        block : array-like, sparse matrix or data frame of shape (n, d)
        columns : array-like of str of shape (d,), default=None
            Their names, where the block does not carry them.
        processes : Processes, default=SINGLE_PROCESS
            Of several processes each has a part of the rows; all learn the same scale.

        Returns
        -------
        ndarray of shape (n, d), or ScaledRows
            The latter where there are more than 2^28 numbers.

        Raises
        ------
        ValueError
            If the block holds texts, NaN, infinity or complex numbers, or is empty.
        TypeError
            If it holds objects that are no numbers.
        """
        source = self._source(block, columns, reset=True)
        largest = np.zeros(source.n_columns)
        for _, rows in self._finite_chunks(source):
            largest = np.maximum(largest, np.abs(rows).max(axis=0, initial=0.0))
        self._require_same_columns(source.n_columns, processes)
        largest = np.max(processes.gather(largest), axis=0)
        self._learn_scale(source, largest, processes)
        if not self.standardize:  # what is standardised is at most as large as √n
            with np.errstate(over="ignore"):
                self._require_single(largest[None], largest[None].astype(np.float32))
        return self._scaled_rows(source)

    def transform(self, block: Any, columns: Any = None) -> Rows:
        """Check new rows against the columns learned and scale them.

        Parameters
        ----------
        block : array-like, sparse matrix or data frame of shape (n, d)
        columns : array-like of str of shape (d,), default=None
            Their names, where the block does not carry them.

        Returns
        -------
        ndarray of shape (n, d), or ScaledRows
            The latter where there are more than 2^28 numbers; they are checked as they are
            read.

        Raises
        ------
        ValueError
            As ``fit_transform``; and if the columns are not those learned.
        """
        return self._scaled_rows(self._source(block, columns, reset=False))

    def scale(self, rows: Matrix, numbers: NDArray[np.intp], out: FloatRows) -> None:
        """Scale some rows of a block.

        Parameters
        ----------
        rows : ndarray of shape (m, d)
        numbers : ndarray of int of shape (m,)
            Which rows of the block they are, for messages.
        out : ndarray of shape (m, d)
            Where to put them.

        Raises
        ------
        ValueError
            If they hold NaN or infinity, or more than single precision can.
        """
        self._require_finite(numbers, rows)
        size = max(1, CACHED // max(rows.shape[1], 1))
        with np.errstate(over="ignore"):
            for start in range(0, len(rows), size):
                # Half of each first: the difference of two numbers near 1e308 may be no number.
                part = rows[start : start + size] / 2
                part -= self.mean_ / 2
                part /= self.scale_
                part *= 2
                out[start : start + size] = part
        self._require_single(rows, out)

    def inverse_transform(self, rows: FloatRows) -> Matrix:
        """Bring rows back to the scale of the data.

        Parameters
        ----------
        rows : ndarray of shape (n, d)

        Returns
        -------
        ndarray of shape (n, d)
        """
        return rows * self.scale_ + self.mean_

    def unscaled(self, rows: FloatRows) -> Matrix:
        """Undo what columns were scaled by, but for one number: the largest values stay near one.

        Parameters
        ----------
        rows : ndarray of shape (n, d)

        Returns
        -------
        ndarray of shape (n, d)
        """
        unit = max(self.scale_.max(), np.abs(self.mean_).max())
        result: Matrix = rows * (self.scale_ / unit) + self.mean_ / unit
        return result

    def _require_same_columns(self, n_columns: int, processes: Processes) -> None:
        names = getattr(self, "feature_names_in_", None)
        mine = n_columns, None if names is None else [str(name) for name in names]
        for rank, theirs in enumerate(processes.gather(mine)):
            if theirs != mine:
                raise ValueError(
                    f"Modality {self.name!r}: the columns of this process are not those of the "
                    f"process of rank {rank}: {reprlib.repr(mine)}, {reprlib.repr(theirs)}."
                )

    def _learn_scale(self, source: RowSource, largest: Matrix, processes: Processes) -> None:
        n, d = sum(processes.gather(source.n_rows)), source.n_columns
        self.mean_, self.scale_ = np.zeros(d), np.ones(d)
        self.scaling_: ScalingName = "none"
        if not self.standardize:
            return
        # On columns brought to at most 1 first: squares of 1e-300 or 1e300 are no numbers.
        # Two passes, as sums of squares less squared sums lose what there is to know.
        largest = np.where(largest < SMALLEST, 1.0, largest)
        mean, variance, sample = np.zeros(d), np.zeros(d), []
        every = max(1, n // MAX_SEEN[1])
        for _, rows in source.chunks():
            mean += (rows / largest).sum(axis=0)
        mean = np.sum(processes.gather(mean), axis=0) / n
        for start, rows in source.chunks():
            variance += np.square(rows / largest - mean).sum(axis=0)
            if self.standardize == "auto" and d < n:
                sample.append(rows[-start % every :: every, : MAX_SEEN[0]].copy())
        variance = np.sum(processes.gather(variance), axis=0)
        sample = [rows for part in processes.gather(sample) for rows in part]
        std = np.sqrt(variance / n)
        constant = std < 10 * np.finfo(np.float64).eps
        self.mean_ = mean * largest
        self.scale_ = np.where(constant, 1.0, std) * largest
        self.scaling_ = "columns"
        if sample and is_component_scores(np.vstack(sample), n):
            widest = self.scale_.max()
            self.scale_ = np.full(d, widest * np.sqrt(np.square(self.scale_ / widest).mean()))
            self.scaling_ = "block"

    def _source(self, block: Any, columns: Any, reset: bool) -> RowSource:
        if isinstance(block, list):
            raise ValueError(
                f"Modality {self.name!r} holds texts. Turn them into numbers first, for example "
                f"make_pipeline(PerModality({keyword(self.name, 'TfidfVectorizer()')}), model)."
            )
        try:
            if not reset:
                self._check_width(block)
            named = block if hasattr(block, "columns") else np.empty((1, block.shape[1]))
            if columns is not None:
                import pandas as pd  # which AnnData brings, and none else names columns so

                named = pd.DataFrame(named, columns=columns)
            names = _unique_names(named) if hasattr(named, "columns") else None
            warned = not reset and self._warn_of_names(names is not None)
            if reset or (names is not None and not warned):
                validate_data(self, named, reset=reset, skip_check_array=True)
        except (ValueError, TypeError) as error:
            raise about(f"Modality {self.name!r}", error) from error
        return RowSource(block, self.name)

    def _warn_of_names(self, named: bool) -> bool:
        # In scikit-learn's words, which would be about this object.
        learned = hasattr(self, "feature_names_in_")
        if named != learned:
            has, had = ("has", "without") if named else ("does not have valid", "with")
            warnings.warn(
                f"Modality {self.name!r}: X {has} feature names, but MixedModalClustering was "
                f"fitted {had} feature names",
                UserWarning,
                stacklevel=caller_level(),
            )
        return named != learned

    def _finite_chunks(self, source: RowSource) -> Iterator[tuple[int, Matrix]]:
        for start, rows in source.chunks():
            self._require_finite(np.arange(start, start + len(rows)), rows)
            yield start, rows

    def _require_finite(self, numbers: NDArray[np.intp], rows: Matrix) -> None:
        finite = np.isfinite(rows)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise ValueError(
                f"Modality {self.name!r}: the block contains NaN or infinity, first in row "
                f"{numbers[row]}, column {self._column_name(column)} ({rows[row, column]}). Impute "
                "or drop it first, for example with "
                f"PerModality({keyword(self.name, 'SimpleImputer()')})."
            )

    def _check_width(self, block: Any) -> None:
        if block.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {block.shape[1]} features, but MixedModalClustering is expecting "
                f"{self.n_features_in_} features as input."
            )

    def _column_name(self, column: int) -> str:
        names = getattr(self, "feature_names_in_", None)
        return str(column) if names is None else repr(str(names[column]))

    def _require_single(self, rows: Matrix, scaled: FloatRows) -> None:
        if not np.isfinite(scaled).all():
            column = np.argwhere(~np.isfinite(scaled))[0][1]
            raise ValueError(
                f"Modality {self.name!r}: column {self._column_name(column)} holds values up "
                f"to {np.abs(rows[:, column]).max():.3g}, too large for single precision. "
                + (
                    "They are far from those in fit: check their units."
                    if self.standardize
                    else "Keep standardize=True, or rescale the column."
                )
            )

    def _scaled_rows(self, source: RowSource) -> Rows:
        if source.n_rows * source.n_columns > MAX_HELD:
            return ScaledRows(source, self)
        held = np.empty((source.n_rows, source.n_columns), dtype=np.float32)
        for start, rows in source.chunks():
            stop = start + len(rows)
            self.scale(rows, np.arange(start, stop), held[start:stop])
        return held


def _unique_names(named: Any) -> Any:
    names = get_feature_names(named)
    if names is not None and len(set(names)) < len(names):  # older scikit-learn lets them pass
        raise ValueError(
            "Expected unique column names. Rename those that are the same (of an AnnData with "
            "var_names_make_unique())."
        )
    return names


class ScaledRows:
    """Rows of a large block, read and scaled when they are asked for, and not kept.

    Parameters
    ----------
    source : RowSource
    scaler : ModalityScaler
        Fitted.

    Attributes
    ----------
    shape : tuple of int

    Examples
    --------
    >>> block = np.array([[1.0], [3.0]])
    >>> scaler = ModalityScaler("a")
    >>> scaler.fit_transform(block).ravel()
    array([-1.,  1.], dtype=float32)
    >>> ScaledRows(RowSource(block, "a"), scaler)[1:]
    array([[1.]], dtype=float32)
    """

    def __init__(self, source: RowSource, scaler: ModalityScaler) -> None:
        self.shape = (source.n_rows, source.n_columns)
        self._source, self._door = source, scaler

    def __len__(self) -> int:
        """Count the rows."""
        return self.shape[0]

    def __getitem__(self, index: slice | NDArray[np.intp]) -> FloatRows:
        """Return the rows of a slice, or of an array of numbers."""
        if isinstance(index, slice):
            index = np.arange(*index.indices(len(self)))
        scaled = np.empty((len(index), self.shape[1]), dtype=np.float32)
        size = rows_per_chunk(self.shape[1], forms=4)
        for start in range(0, len(index), size):
            part = index[start : start + size]
            rows = self._source.take(part)
            self._door.scale(rows, part, scaled[start : start + size])
        return scaled


def is_component_scores(rows: Matrix, n_rows: int | None = None) -> bool:
    """Whether columns look like scores of a PCA or SVD: uncorrelated, and sorted by spread.

    Their spreads are the structure; to bring each to one would be to whiten the data.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        All of a block, or a sample.
    n_rows : int, default=None
        Rows of the whole block; None if these are all.

    Returns
    -------
    bool
        True where n ≥ 10, 5 ≤ d < n, no column is constant, the root mean square
        correlation of two columns is below 1.25 / √n (1 / √n is what independent columns
        have by chance) and Spearman's correlation of column number and spread below -0.8.

    Examples
    --------
    >>> rng = np.random.RandomState(0)
    >>> scores = rng.randn(200, 6) * [9, 5, 3, 2, 1, 0.5]
    >>> is_component_scores(scores), is_component_scores(scores[:, ::-1])
    (True, False)
    """
    d = rows.shape[1]
    if d < 5 or not max(10, d + 1) <= (n_rows or len(rows)):
        return False
    seen = rows[:, : MAX_SEEN[0]]
    n, d = seen.shape
    largest = np.abs(seen).max()
    if largest < SMALLEST:
        return False
    seen = seen / largest
    spread = seen.std(axis=0)
    # Spreads that differ by rounding alone are in no order, nor worth keeping.
    if (spread < 1e-12).any() or spread.max() < (1 + 1e-6) * spread.min():
        return False
    if spearmanr(np.arange(d), spread)[0] > -0.8:
        return False
    correlation = np.corrcoef(seen.T)
    others = (np.square(correlation).sum() - d) / (d * (d - 1))
    return bool(np.sqrt(max(others, 0.0) * n) < 1.25)
