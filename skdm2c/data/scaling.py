"""Validation and scaling of the rows of one modality."""

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
from .forms import describe_objects, require_2d
from .messages import about, keyword
from .rows import FloatRows, Matrix, Rows, RowSource, rows_per_chunk

ScalingName = Literal["columns", "block", "none"]

MIN_MAGNITUDE = 1e-290  # smaller columns count as zero, as their variance would underflow
MAX_INSPECTED = 1000, 10_000  # columns and rows inspected to recognise component scores
CACHE_ELEMENTS = 2**16  # numbers scaled at a time, few enough to stay in the CPU's cache
MIN_DEVIATION_OF_COUNTS = 0.25  # of the logarithms of the sums of rows
MAX_HELD = 2**28  # numbers of a block that is held in memory once scaled: 1 GiB


class ModalityScaler(BaseEstimator):  # type: ignore[misc]
    """Validate the rows of one modality and standardise their columns, constant ones to zero.

    With ``standardize="auto"``, columns for which :func:`is_component_scores` is true are all
    divided by the root of their mean variance. ``scaling_`` is "columns", "block" or "none";
    ``is_counts_`` is whether the rows look like raw counts.

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
        """Learn the scale of a block of shape (n, d) and return its scaled rows.

        ``columns`` are the names of its columns, if it does not carry them. Each process has a
        part of the rows; all learn the same scale. Raise ValueError or TypeError for bad values.
        """
        source = self._source(block, columns, reset=True)
        magnitude, sums = np.zeros(source.n_columns), [np.empty(0)]
        self.is_counts_ = True
        for _, rows in self._finite_chunks(source):
            magnitude = np.maximum(magnitude, np.abs(rows).max(axis=0, initial=0.0))
            self.is_counts_ = self.is_counts_ and is_whole(rows)
            if self.is_counts_:
                sums.append(rows.sum(axis=1))
        is_binary = magnitude.max(initial=0.0) <= 1
        self.is_counts_ = (
            self.is_counts_ and not is_binary and are_sums_of_counts(np.concatenate(sums))
        )
        self._require_same_columns(source.n_columns, processes)
        magnitude = np.max(processes.gather(magnitude), axis=0)
        self._learn_scale(source, magnitude, processes)
        if not self.standardize:  # standardised values are at most √n and cannot overflow
            with np.errstate(over="ignore"):
                self._require_single_precision(magnitude[None], magnitude[None].astype(np.float32))
        return self._scaled_rows(source)

    def transform(self, block: Any, columns: Any = None) -> Rows:
        """Check the columns of new rows of shape (n, d) and return the rows scaled.

        More than 2^28 numbers are returned as ScaledRows, which check values when read. Errors
        are those of ``fit_transform``, and ValueError if the columns are not the fitted ones.
        """
        return self._scaled_rows(self._source(block, columns, reset=False))

    def scale(self, rows: Matrix, numbers: NDArray[np.intp], out: FloatRows) -> None:
        """Scale rows of shape (m, d) into ``out``; ``numbers`` are their indices in the block.

        Raise ValueError if values are not finite, or exceed single precision once scaled.
        """
        self._require_finite(numbers, rows)
        size = max(1, CACHE_ELEMENTS // max(rows.shape[1], 1))
        with np.errstate(over="ignore"):
            for start in range(0, len(rows), size):
                # Both are halved, as the difference of two numbers near 1e308 may overflow.
                part = rows[start : start + size] / 2
                part -= self.mean_ / 2
                part /= self.scale_
                part *= 2
                out[start : start + size] = part
        self._require_single_precision(rows, out)

    def inverse_transform(self, rows: FloatRows) -> Matrix:
        """Return scaled rows of shape (n, d) in the original units."""
        return rows * self.scale_ + self.mean_

    def unscaled(self, rows: FloatRows) -> Matrix:
        """Return scaled rows of shape (n, d) in the original units, divided by one number.

        That number, the largest scale or mean of a column, keeps values near one.
        """
        unit = max(self.scale_.max(), np.abs(self.mean_).max())
        result: Matrix = rows * (self.scale_ / unit) + self.mean_ / unit
        return result

    def _require_same_columns(self, n_columns: int, processes: Processes) -> None:
        names = getattr(self, "feature_names_in_", None)
        columns = n_columns, None if names is None else [str(name) for name in names]
        for rank, other in enumerate(processes.gather(columns)):
            if other != columns:
                raise ValueError(
                    f"Modality {self.name!r}: the columns of this process are not those of the "
                    f"process of rank {rank}: {reprlib.repr(columns)}, {reprlib.repr(other)}."
                )

    def _learn_scale(self, source: RowSource, magnitude: Matrix, processes: Processes) -> None:
        n, d = sum(processes.gather(source.n_rows)), source.n_columns
        self.mean_, self.scale_ = np.zeros(d), np.ones(d)
        self.scaling_: ScalingName = "none"
        if not self.standardize:
            return
        # Columns are divided by their magnitude, since squares of 1e-300 or 1e300 underflow or
        # overflow. The variance takes a second pass: the mean of squares minus the squared mean
        # would cancel.
        magnitude = np.where(magnitude < MIN_MAGNITUDE, 1.0, magnitude)
        mean, variance, sample = np.zeros(d), np.zeros(d), []
        step = max(1, n // MAX_INSPECTED[1])
        for _, rows in source.chunks():
            mean += (rows / magnitude).sum(axis=0)
        mean = np.sum(processes.gather(mean), axis=0) / n
        for start, rows in source.chunks():
            variance += np.square(rows / magnitude - mean).sum(axis=0)
            if self.standardize == "auto" and d < n:
                # Every step-th row of the block: -start % step is the first one of this chunk.
                sample.append(rows[-start % step :: step, : MAX_INSPECTED[0]].copy())
        variance = np.sum(processes.gather(variance), axis=0)
        sample = [rows for part in processes.gather(sample) for rows in part]
        std = np.sqrt(variance / n)
        constant = std < 10 * np.finfo(np.float64).eps
        self.mean_ = mean * magnitude
        self.scale_ = np.where(constant, 1.0, std) * magnitude
        self.scaling_ = "columns"
        if sample and is_component_scores(np.vstack(sample), n):
            max_scale = self.scale_.max()
            self.scale_ = np.full(d, max_scale * np.sqrt(np.square(self.scale_ / max_scale).mean()))
            self.scaling_ = "block"

    def _source(self, block: Any, columns: Any, reset: bool) -> RowSource:
        if isinstance(block, list):
            raise ValueError(f"Modality {self.name!r} {describe_objects(block, self.name)}")
        require_2d(block.shape, self.name)
        try:
            if not reset:
                self._check_width(block)
            header = block if hasattr(block, "columns") else np.empty((1, block.shape[1]))
            if columns is not None:
                import pandas as pd  # installed with anndata, whose blocks alone have columns here

                header = pd.DataFrame(header, columns=columns)
            names = _unique_names(header) if hasattr(header, "columns") else None
            warned = not reset and self._warn_of_names(names is not None)
            if reset or (names is not None and not warned):
                validate_data(self, header, reset=reset, skip_check_array=True)
        except (ValueError, TypeError) as error:
            raise about(f"Modality {self.name!r}", error) from error
        return RowSource(block, self.name)

    def _warn_of_names(self, has_names: bool) -> bool:
        # The text is scikit-learn's, whose own warning would name this class, not the estimator.
        had_names = hasattr(self, "feature_names_in_")
        if has_names != had_names:
            has, had = ("has", "without") if has_names else ("does not have valid", "with")
            warnings.warn(
                f"Modality {self.name!r}: X {has} feature names, but MixedModalClustering was "
                f"fitted {had} feature names",
                UserWarning,
                stacklevel=caller_level(),
            )
        return has_names != had_names

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

    def _require_single_precision(self, rows: Matrix, scaled: FloatRows) -> None:
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
        scaled = np.empty((source.n_rows, source.n_columns), dtype=np.float32)
        for start, rows in source.chunks():
            stop = start + len(rows)
            self.scale(rows, np.arange(start, stop), scaled[start:stop])
        return scaled


def _unique_names(frame: Any) -> Any:
    names = get_feature_names(frame)
    if names is not None and len(set(names)) < len(names):  # older scikit-learn does not check
        raise ValueError(
            "Expected unique column names. Rename the duplicates (for an AnnData, call "
            "var_names_make_unique())."
        )
    return names


class ScaledRows:
    """Rows of a large block, read and scaled by a fitted scaler each time they are indexed."""

    def __init__(self, source: RowSource, scaler: ModalityScaler) -> None:
        self.shape = (source.n_rows, source.n_columns)
        self._source, self._scaler = source, scaler

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, index: slice | NDArray[np.intp]) -> FloatRows:
        """Return the rows of a slice or of an array of indices."""
        if isinstance(index, slice):
            index = np.arange(*index.indices(len(self)))
        scaled = np.empty((len(index), self.shape[1]), dtype=np.float32)
        size = rows_per_chunk(self.shape[1], forms=4)
        for start in range(0, len(index), size):
            part = index[start : start + size]
            rows = self._source.take(part)
            self._scaler.scale(rows, part, scaled[start : start + size])
        return scaled


def is_whole(rows: Matrix) -> bool:
    """Return whether all values are whole numbers and none is negative."""
    return bool((rows >= 0).all() and (rows == np.floor(rows)).all())


def are_sums_of_counts(sums: Matrix) -> bool:
    """Return whether the sums of n rows of whole numbers, of shape (n,), are those of raw counts.

    The sums of counts, of reads or of words, differ from row to row: their logarithms deviate by
    .36 to 1.1 in counts of single cells. Those of pixels are much alike (.05 to .13 in digits).

    Examples
    --------
    >>> are_sums_of_counts(np.array([100, 200, 400, 800])), are_sums_of_counts(np.full(4, 100))
    (True, False)
    """
    logarithms = np.log(sums[sums > 0])
    return len(logarithms) > 1 and float(logarithms.std()) > MIN_DEVIATION_OF_COUNTS


def is_component_scores(rows: Matrix, n_rows: int | None = None) -> bool:
    """Return whether columns look like scores of a PCA or SVD: uncorrelated, in order of variance.

    ``rows``, of shape (n, d), may be a sample of a block of ``n_rows`` rows. Standardising each
    column of such scores would whiten the data, and lose the structure in their variances.
    """
    d = rows.shape[1]
    if d < 5 or not max(10, d + 1) <= (n_rows or len(rows)):
        return False
    scores = rows[:, : MAX_INSPECTED[0]]
    n, d = scores.shape
    magnitude = np.abs(scores).max()
    if magnitude < MIN_MAGNITUDE:
        return False
    scores = scores / magnitude
    std = scores.std(axis=0)
    # Standard deviations that differ by rounding errors only have no meaningful order.
    if (std < 1e-12).any() or std.max() < (1 + 1e-6) * std.min():
        return False
    if spearmanr(np.arange(d), std)[0] > -0.8:
        return False
    correlation = np.corrcoef(scores.T)
    # The mean over pairs of different columns; it is about 1 / n if they are independent.
    squared_correlation = (np.square(correlation).sum() - d) / (d * (d - 1))
    return bool(np.sqrt(max(squared_correlation, 0.0) * n) < 1.25)
