"""The estimator as a user gets it who sets nothing."""

from __future__ import annotations

import warnings

from skdm2c import AlignmentWarning, MixedModalClustering, MixedModalData

from .interface import Clustering, Matrix


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Fit, and keep what the model says of itself for the report."""
    X = MixedModalData(X_a, X_b)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)  # the confidence is in the report
        model = MixedModalClustering(k, random_state=seed).fit(X)
    says = {"confidence": model.alignment_confidence_, "score": model.score(X)}
    return Clustering(model.labels_, model.embedding_, says)
