"""Four ways to scale the rows of a modality, as no one of them suits all data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from ..data.rows import Matrix
from ..neighbors import enough_components, principal_components
from .rows import Points

SCALINGS = ("block", "columns", "unit", "centred unit")


def scaled_variants(rows: NDArray[np.floating]) -> dict[str, Matrix]:
    """Rows under every scaling.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        As they were given, in their own units.

    Returns
    -------
    dict of str to ndarray of shape (n, d)
        "block" (centred, divided by one number), "columns" (each column standardised), "unit"
        (rows at unit length, then as a block) and "centred unit" (centred, rows at unit length,
        then as a block).

    Examples
    --------
    >>> variants = scaled_variants(np.array([[0.0, 10.0], [2.0, 10.0], [4.0, 40.0]]))
    >>> {name: round(float(x.var(axis=0).mean()), 2) for name, x in variants.items()}
    {'block': 1.0, 'columns': 1.0, 'unit': 1.0, 'centred unit': 1.0}
    """
    x = np.asarray(rows, dtype=np.float64)
    return {
        "block": _as_block(x),
        "columns": _as_columns(x),
        "unit": _as_block(normalize(x)),
        "centred unit": _as_block(normalize(x - x.mean(axis=0))),
    }


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
    z = principal_components(rows, enough_components(n_clusters), seed)
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
