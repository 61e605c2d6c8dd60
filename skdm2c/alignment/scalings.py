"""Four ways to scale the rows of a modality, as no one of them suits all data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from ..clustering.neighbors import enough_components, fit_pca
from ..data.rows import Matrix, subsample
from .rows import Points

SCALINGS = ("block", "columns", "unit", "centred unit")
MAX_FITTED = 2000  # rows that the components are fitted to


def scaled_rows(rows: NDArray[np.floating], scaling: str) -> Matrix:
    """Rows under one scaling.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        As they were given, in their own units.
    scaling : str
        "block" (centred, divided by one number), "columns" (each column standardised), "unit"
        (rows at unit length, then as a block) or "centred unit" (centred, rows at unit length,
        then as a block).

    Returns
    -------
    ndarray of shape (n, d)

    Examples
    --------
    >>> rows = np.array([[0.0, 10.0], [2.0, 10.0], [4.0, 40.0]])
    >>> [round(float(scaled_rows(rows, name).var(axis=0).mean()), 2) for name in SCALINGS]
    [1.0, 1.0, 1.0, 1.0]
    """
    x = np.asarray(rows, dtype=np.float64)
    if scaling == "columns":
        return _as_columns(x)
    if scaling == "unit":
        x = normalize(x)
    elif scaling == "centred unit":
        x = normalize(x - x.mean(axis=0))
    return _as_block(x)


def unit_components(rows: NDArray[np.floating], n_clusters: int, seed: int) -> Points:
    """Principal components of scaled rows, divided by one number: of mean square one.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
    n_clusters : int
        30 components, or as many as there are clusters where they are more.
    seed : int

    Returns
    -------
    ndarray of shape (n, c)
    """
    sample = subsample(len(rows), MAX_FITTED, np.random.RandomState(seed))
    z = fit_pca(rows[sample], enough_components(n_clusters), seed).transform(rows)
    points: Points = (z / max(np.sqrt(np.square(z).mean()), 1e-12)).astype(np.float32)
    return points


def _as_block(x: Matrix) -> Matrix:
    centred: Matrix = x - x.mean(axis=0)
    centred /= max(np.sqrt(centred.var(axis=0).mean()), 1e-12)
    return centred


def _as_columns(x: Matrix) -> Matrix:
    spread = x.std(axis=0)
    standard: Matrix = (x - x.mean(axis=0)) / np.where(spread < 1e-9, 1, spread)
    return standard
