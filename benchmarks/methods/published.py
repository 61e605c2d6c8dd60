"""DM2C in the configuration of the authors' code (Jiang et al., NeurIPS 2019)."""

from __future__ import annotations

from skdm2c import MixedModalClustering
from skdm2c.presets import PUBLISHED

from ._spaces import at_one_width
from .interface import Clustering, Matrix


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Fit to principal components of one width, as the authors' inputs are."""
    model = MixedModalClustering(k, random_state=seed, **PUBLISHED)
    model.fit(*at_one_width(X_a, X_b, seed))
    return Clustering(model.labels_, model.embedding_)
