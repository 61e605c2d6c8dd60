"""Four scalings of the rows of a modality, since no single scaling suits all data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from ..clustering.neighbors import enough_components, fit_pca
from ..data.rows import Matrix, subsample
from .rows import Points

SCALINGS = ("block", "columns", "unit", "centred unit")
MAX_FIT_ROWS = 2000  # rows that the principal components are fitted to


def scaled_rows(rows: NDArray[np.floating], scaling: str) -> Matrix:
    """Scale rows in their original units, of shape (n, d), in one of four ways.

    "block" centres the rows and divides all by one number; "columns" standardises each column;
    "unit" scales each row to length one, "centred unit" after centring, both followed by "block".
    """
    x = np.asarray(rows, dtype=np.float64)
    if scaling == "columns":
        return _as_columns(x)
    if scaling == "unit":
        x = normalize(x)
    elif scaling == "centred unit":
        x = normalize(x - x.mean(axis=0))
    return _as_block(x)


def leading_components(rows: Matrix, n_clusters: int, seed: int) -> Matrix:
    """Project scaled rows, of shape (n, d), to c principal components.

    There are 30 components, or as many as clusters if there are more clusters.
    """
    sample = subsample(len(rows), MAX_FIT_ROWS, np.random.RandomState(seed))
    components: Matrix = fit_pca(rows[sample], enough_components(n_clusters), seed).transform(rows)
    return components


def unit_mean_square(points: Matrix) -> Points:
    """Divide points by one number, so that their mean square is one."""
    scale = max(np.sqrt(np.square(points).mean()), 1e-12)
    scaled: Points = (points / scale).astype(np.float32)
    return scaled


def _as_block(x: Matrix) -> Matrix:
    centred: Matrix = x - x.mean(axis=0)
    centred /= max(np.sqrt(centred.var(axis=0).mean()), 1e-12)
    return centred


def _as_columns(x: Matrix) -> Matrix:
    spread = x.std(axis=0)
    standard: Matrix = (x - x.mean(axis=0)) / np.where(spread < 1e-9, 1, spread)
    return standard
