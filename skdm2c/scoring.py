"""How good a clustering looks without labels: the estimator's ``score``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mutual_info_score, silhouette_samples

from .data.rows import Rows
from .sampling import subsample

WORST_SCORE = -2.0
MAX_ROWS = 2000


def label_free_score(
    blocks: Sequence[Rows], labels: Sequence[NDArray[np.integer]], seed: int = 0
) -> float:
    """Separation of the clusters in the data minus what clusters tell of the modality.

    Parameters
    ----------
    blocks : sequence of Rows, the m-th of shape (n_m, d_m)
        Standardised rows of each modality: the data, not a learned space, which a
        model could shrink until any score looks good.
    labels : sequence of ndarray, the m-th of shape (n_m,)
    seed : int, default=0
        Draws at most 2000 rows a modality.

    Returns
    -------
    float
        Mean silhouette over clusters and modalities less I(cluster; modality) /
        H(modality); between -2 and 1. A clustering that puts all rows into one cluster gets -2,
        one that splits the modalities at most 0.

    Examples
    --------
    >>> x = np.array([[0.0], [0.1], [9.0], [9.1]])
    >>> y = np.array([0, 0, 1, 1])
    >>> round(label_free_score([x, x], [y, y]), 2)
    0.99
    >>> label_free_score([x, x], [0 * y, 0 * y + 1]) < 0
    True
    >>> label_free_score([x, x], [0 * y, 0 * y])
    -2.0
    """
    joint = np.concatenate(labels)
    if len(np.unique(joint)) < 2:
        return WORST_SCORE
    modality = np.repeat(np.arange(len(labels)), [len(y) for y in labels])
    shares = np.bincount(modality) / len(modality)
    leak = mutual_info_score(joint, modality) / -(shares * np.log(shares)).sum()
    separation = [_silhouette(x, y, seed) for x, y in zip(blocks, labels, strict=True)]
    return float(np.mean(separation) - leak)


def _silhouette(x: Rows, y: NDArray[np.integer], seed: int) -> float:
    # A mean over clusters, not rows: all rows against one outlier is no good clustering.
    kept = subsample(len(x), MAX_ROWS, np.random.RandomState(seed))
    names = np.unique(y[kept])
    if not 2 <= len(names) < len(kept):  # the silhouette is not defined: nothing is separated
        return -1.0
    widths = silhouette_samples(x[kept], y[kept])
    return float(np.mean([widths[y[kept] == name].mean() for name in names]))
