"""Errors and warnings of this package."""

from __future__ import annotations

import sys

__all__ = ["AlignmentWarning", "TrainingDivergedError"]


class TrainingDivergedError(FloatingPointError):
    """Error that is raised when a loss becomes NaN or infinite during training.

    It is raised by :meth:`skdm2c.MixedModalClustering.fit` at the end of the epoch in
    which it happened. The message names the phase and the likely cause. The estimator
    keeps the state that it had before the call.

    Examples
    --------
    >>> from skdm2c.exceptions import TrainingDivergedError
    >>> issubclass(TrainingDivergedError, ArithmeticError)
    True
    """


class AlignmentWarning(UserWarning):
    """Warning that the clusters of different modalities were not matched with confidence.

    Labels are still meaningful within each modality, but that cluster 3 of one modality
    corresponds to cluster 3 of another is then little better than a guess.

    Examples
    --------
    >>> from skdm2c.exceptions import AlignmentWarning
    >>> issubclass(AlignmentWarning, UserWarning)
    True
    """


def caller_level() -> int:
    """Return the ``stacklevel`` at which ``warnings.warn``, called next, points at user code."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INTERNAL_PACKAGES:
        level, frame = level + 1, frame.f_back
    return level


_INTERNAL_PACKAGES = {__name__.split(".")[0], "sklearn", "joblib"}
