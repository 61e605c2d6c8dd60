"""Choose the hub without labels: the modality whose clusters are best separated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from ..data.pairs import NumberedPairs
from ..data.rows import subsample

MAX_ROWS = 2000


def separation(latents: NDArray[np.floating], labels: NDArray[np.integer], seed: int) -> float:
    """Return the mean silhouette of a modality's own clusters in its latent space.

    ``latents`` has shape (n, n_components), ``labels`` shape (n,); at most 2000 rows are used. The
    result lies between -1 and 1; it is -1 if there are fewer than two clusters.

    Examples
    --------
    >>> noise, y = np.random.RandomState(0).randn(40, 2), np.repeat([0, 1], 20)
    >>> separation(noise + 50 * y[:, None], y, seed=0) > separation(noise, y, seed=0)
    True
    """
    rows = subsample(len(latents), MAX_ROWS, np.random.RandomState(seed))
    if not 2 <= len(np.unique(labels[rows])) < len(rows):  # otherwise the silhouette is undefined
        return -1.0
    return float(silhouette_score(latents[rows], labels[rows]))


def best_hub(separations: Sequence[float], pairs: NumberedPairs, numbers: Sequence[int]) -> int:
    """Choose the index of the modality with which all others are matched.

    The hub needs all clusters, as a cluster that it lacks would have no place. Of such modalities
    it is the one paired with most others, then the best separated. ``numbers`` counts clusters;
    fewer pairs than clusters do not count, as they cannot tell how the clusters match.
    """
    enough = [key for key, rows in pairs.items() if len(rows) >= max(numbers)]
    n_paired = [sum(m in key for key in enough) for m in range(len(separations))]
    complete = [m for m, n in enumerate(numbers) if n == max(numbers)]
    return max(complete, key=lambda m: (n_paired[m], separations[m]))
