"""The hub: the modality into whose latent space all others are mapped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

MAX_ROWS = 2000


def best_separated(
    latents: Sequence[NDArray[np.floating]], labels: Sequence[NDArray[np.integer]], seed: int
) -> int:
    """Return the modality whose own clusters stand farthest apart: a hub chosen without labels.

    Parameters
    ----------
    latents : sequence of ndarray, the m-th of shape (n_m, n_components)
    labels : sequence of ndarray, the m-th of shape (n_m,)
        Each modality's own clusters, found in its own latent space.
    seed : int
        Draws at most 2000 rows a modality.

    Returns
    -------
    int
        Its number, that of the highest mean silhouette; the first of equals.

    Examples
    --------
    >>> noise, y = np.random.RandomState(0).randn(40, 2), np.repeat([0, 1], 20)
    >>> best_separated([noise, noise + 50 * y[:, None]], [y, y], seed=0)
    1
    """
    return int(np.argmax([_separation(z, y, seed) for z, y in zip(latents, labels, strict=True)]))


def _separation(z: NDArray[np.floating], y: NDArray[np.integer], seed: int) -> float:
    kept = np.random.RandomState(seed).permutation(len(z))[:MAX_ROWS]
    if not 2 <= len(np.unique(y[kept])) < len(kept):  # the silhouette is not defined
        return -1.0
    return float(silhouette_score(z[kept], y[kept]))
