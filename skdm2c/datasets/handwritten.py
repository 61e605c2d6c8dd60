"""Real data in the box: six feature sets of the same handwritten digits."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

VIEWS = ("fou", "fac", "kar", "pix", "zer", "mor")


def load_handwritten(
    views: Sequence[str] = ("fac", "pix"),
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.int64]]:
    """Load row-aligned feature sets of 2,000 handwritten digits.

    Parameters
    ----------
    views : sequence of str, default=("fac", "pix")
        Of "fou" (76 Fourier coefficients), "fac" (216 profile correlations), "kar"
        (64 Karhunen-Loève coefficients), "pix" (240 pixel averages), "zer" (47
        Zernike moments) and "mor" (6 morphological features).

    Returns
    -------
    views : dict of str to ndarray of shape (2000, d)
    y : ndarray of shape (2000,)
        The digit, 0 to 9, 200 rows of each.

    Raises
    ------
    ValueError
        If there is no such view.

    Notes
    -----
    Source: R.P.W. Duin, "Multiple Features", UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C5HC70; licence CC BY 4.0.

    Examples
    --------
    >>> from skdm2c.datasets import load_handwritten
    >>> views, y = load_handwritten(["kar", "mor"])
    >>> views["kar"].shape, views["mor"].shape, y.shape
    ((2000, 64), (2000, 6), (2000,))
    """
    chosen = list(views) if isinstance(views, Iterable) and not isinstance(views, str) else []
    if not chosen or [view for view in chosen if view not in VIEWS]:
        raise ValueError(f"views must be a sequence of some of {VIEWS}, got {reprlib.repr(views)}.")
    with (
        (files(__package__) / "data" / "handwritten.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        return {view: arrays[view].astype(np.float32) for view in chosen}, arrays["y"]
