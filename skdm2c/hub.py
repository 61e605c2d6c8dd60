"""How far apart a modality's own clusters stand: what makes one the hub, without labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from .sampling import subsample

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
