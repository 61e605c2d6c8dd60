"""What every method gives back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


class Clustering(NamedTuple):
    """One method's answer to one problem: labels, embedding or None, and what it says of itself.

    Attributes
    ----------
    labels : ndarray of shape (n_a + n_b,)
        A's rows first.
    embedding : ndarray of shape (n_a + n_b, c) or None
        All rows in one space, where the method has one.
    says : mapping of str to float
        Figures of its own, such as a confidence; kept with the run, never asked for.
    """

    labels: Labels
    embedding: Matrix | None = None
    says: Mapping[str, float] = {}
