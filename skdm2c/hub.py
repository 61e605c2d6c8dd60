"""The hub: the modality into whose latent space all others are mapped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from ._threads import single_threaded
from .neighbors import principal_components

MAX_ROWS = 2000


@single_threaded
def best_separated(blocks: Sequence[NDArray[np.floating]], n_clusters: int, seed: int) -> int:
    """Return the modality whose own clusters stand farthest apart: a hub chosen without labels.

    Each modality is clustered by itself, by k-means on its leading principal
    components; the highest mean silhouette wins.

    Parameters
    ----------
    blocks : sequence of ndarray, the m-th of shape (n_m, d_m)
        Standardised rows.
    n_clusters, seed : int

    Returns
    -------
    int
        Its number; the first of equals.

    Examples
    --------
    >>> rng = np.random.RandomState(0)
    >>> noise = rng.randn(40, 2)
    >>> best_separated([noise, noise + np.repeat([[0], [50]], 20, axis=0)], 2, seed=0)
    1
    """
    return int(np.argmax([_separation(block, n_clusters, seed) for block in blocks]))


def _separation(block: NDArray[np.floating], n_clusters: int, seed: int) -> float:
    rows = np.random.RandomState(seed).permutation(len(block))[:MAX_ROWS]
    points = principal_components(block[rows], seed)
    k = min(n_clusters, len(np.unique(points, axis=0)))
    if not 2 <= k < len(points):
        return -1.0
    labels = KMeans(k, n_init=10, random_state=seed).fit_predict(points)
    return float(silhouette_score(points, labels))
