"""Handwritten digits, described by six feature sets."""

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
        Names of the feature sets: "fou" (76 Fourier coefficients), "fac" (216 profile
        correlations), "kar" (64 Karhunen-Loève coefficients), "pix" (240 pixel
        averages), "zer" (47 Zernike moments) and "mor" (6 morphological features).

    Returns
    -------
    views : dict of str to ndarray of shape (2000, d)
        Feature sets by name; row i of all of them is the same digit.
    y : ndarray of shape (2000,)
        Digit of each row, from 0 to 9, with 200 rows of each.

    Raises
    ------
    ValueError
        If ``views`` is empty or has an unknown name.

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
    names = list(views) if isinstance(views, Iterable) and not isinstance(views, str) else []
    if not names or [name for name in names if name not in VIEWS]:
        raise ValueError(
            f"views must be a sequence of names out of {VIEWS}, got {reprlib.repr(views)}."
        )
    with (
        (files(__package__) / "data" / "handwritten.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        return {name: arrays[name].astype(np.float32) for name in names}, arrays["y"]
