"""Which modality becomes the hub, without labels: its own clusters stand farthest apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from ..data.pairs import NumberedPairs
from ..data.rows import subsample

MAX_ROWS = 2000


def separation(latents: NDArray[np.floating], labels: NDArray[np.integer], seed: int) -> float:
    """Mean silhouette of a modality's own clusters in its own latent space.

    The hub, into whose latent space all others are mapped, is the modality where it is
    highest: there clusters are told apart best.

    Parameters
    ----------
    latents : ndarray of shape (n, n_components)
    labels : ndarray of shape (n,)
    seed : int
        Draws at most 2000 rows.

    Returns
    -------
    float
        Between -1 and 1; -1 where there are no two clusters to tell apart.

    Examples
    --------
    >>> noise, y = np.random.RandomState(0).randn(40, 2), np.repeat([0, 1], 20)
    >>> separation(noise + 50 * y[:, None], y, seed=0) > separation(noise, y, seed=0)
    True
    """
    kept = subsample(len(latents), MAX_ROWS, np.random.RandomState(seed))
    if not 2 <= len(np.unique(labels[kept])) < len(kept):  # the silhouette is not defined
        return -1.0
    return float(silhouette_score(latents[kept], labels[kept]))


def best_hub(separations: Sequence[float], pairs: NumberedPairs, numbers: Sequence[int]) -> int:
    """Choose the modality that the others are matched with.

    One that has pairs with most others, as matchings are with the hub; then the one whose
    clusters stand farthest apart. Clusters that the hub lacks would have no place.

    Parameters
    ----------
    separations : sequence of float
        Of each modality.
    pairs : mapping of (int, int) to ndarray of shape (m, 2)
        By modalities.
    numbers : sequence of int
        Clusters of each modality.

    Returns
    -------
    int

    Examples
    --------
    >>> best_hub([0.1, 0.9, 0.5], {}, (3, 2, 3))
    2
    """
    known = [sum(m in key for key in pairs) for m in range(len(separations))]
    complete = [m for m, n in enumerate(numbers) if n == max(numbers)]
    return max(complete, key=lambda m: (known[m], separations[m]))
