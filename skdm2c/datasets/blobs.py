"""Synthetic data whose alignment is known."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from numbers import Integral
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from ..data import MixedModalData


def make_mixed_modal_blobs(
    n_samples: int = 600,
    *,
    centers: int = 3,
    n_features: Sequence[int] = (10, 15),
    difficulty: Literal["easy", "hard"] = "easy",
    random_state: int | np.random.RandomState | None = None,
) -> tuple[MixedModalData, NDArray[np.int64]]:
    """Generate unpaired blobs that each modality observes in features of its own.

    All instances lie in one hidden space. Each modality maps its rows into its own
    features by a random isometry, and adds noise. The distances between clusters are
    all different, so that geometry determines which clusters correspond; with four
    clusters or more, some seeds give data where two matchings are nearly tied.

    Parameters
    ----------
    n_samples : int, default=600
        Number of rows of all modalities together.
    centers : int, default=3
        Number of clusters, which differ in size.
    n_features : sequence of int, default=(10, 15)
        Number of columns of each modality, at least ``centers``.
    difficulty : {"easy", "hard"}, default="easy"
        In "hard" data the clusters overlap, the noise is stronger, and all modalities
        but the first are distorted nonlinearly.
    random_state : int, RandomState or None, default=None
        Seed of the data.

    Returns
    -------
    X : MixedModalData of n_samples rows
        Generated data; every instance is in one modality only.
    y : ndarray of shape (n_samples,)
        Cluster of each row.

    Raises
    ------
    ValueError
        If a parameter is not valid, a modality has fewer columns than there are
        clusters, or there are too few rows.

    Examples
    --------
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(100, random_state=0)
    >>> X
    MixedModalData(a: 50 x 10, b: 50 x 15)
    """
    if difficulty not in ("easy", "hard"):
        raise ValueError(f"difficulty must be 'easy' or 'hard', got {difficulty!r}.")
    sizes = [n_samples, centers, *n_features]
    if not all(isinstance(n, Integral) and n >= 1 for n in sizes) or not len(n_features):
        raise ValueError(
            "n_samples, centers and each of n_features must be positive integers, got "
            f"{n_samples!r}, {centers!r} and {reprlib.repr(n_features)}."
        )
    if min(n_features) < centers:
        raise ValueError(
            f"n_features must all be at least centers={centers}, got {reprlib.repr(n_features)}."
        )
    if n_samples < 2 * centers * len(n_features):
        raise ValueError(
            f"n_samples={n_samples} is too few for {centers} clusters in {len(n_features)} "
            "modalities; use at least two rows per cluster and modality."
        )
    rng = check_random_state(random_state)
    spread, noise = (0.5, 0.1) if difficulty == "easy" else (1.5, 1.0)
    # Each cluster lies on an axis of its own, farther out than the one before.
    hidden_centers = np.diag(4.0 + 2.0 * np.arange(centers))
    proportions = np.linspace(1.0, 2.0, centers)
    blocks, labels = [], []
    for m, part in enumerate(np.array_split(np.arange(n_samples), len(n_features))):
        counts = np.floor(proportions / proportions.sum() * len(part)).astype(int)
        counts[-1] += len(part) - counts.sum()
        y = rng.permutation(np.repeat(np.arange(centers), counts))
        hidden = hidden_centers[y] + spread * rng.standard_normal((len(part), centers))
        isometry = np.linalg.qr(rng.standard_normal((n_features[m], centers)))[0]
        features = hidden @ isometry.T
        if difficulty == "hard" and m > 0:
            features = np.sign(features) * np.abs(features) ** 0.8
        blocks.append(features + noise * rng.standard_normal(features.shape))
        labels.append(y)
    return MixedModalData(*blocks), np.concatenate(labels).astype(np.int64)
