"""The errors and warnings that are this package's own."""

from __future__ import annotations

import sys


class TrainingDivergedError(FloatingPointError):
    """A loss became NaN or infinite, so that the networks are of no use.

    Raised by :meth:`skdm2c.MixedModalClustering.fit` at the end of the epoch in
    which it happened. The message names the phase and the likely cause; the
    estimator keeps whatever it held before the call.

    Examples
    --------
    >>> from skdm2c.exceptions import TrainingDivergedError
    >>> issubclass(TrainingDivergedError, ArithmeticError)
    True
    """


class AlignmentWarning(UserWarning):
    """The clusters of different modalities could not be matched with confidence.

    Labels still mean something within each modality; that cluster 3 of one
    modality is cluster 3 of the other is then little better than a guess.

    Examples
    --------
    >>> from skdm2c.exceptions import AlignmentWarning
    >>> issubclass(AlignmentWarning, UserWarning)
    True
    """


def caller_level() -> int:
    """Return the ``stacklevel`` at which a warning points at the user's line, not at ours.

    Returns
    -------
    int
        For ``warnings.warn`` in the function that calls this one.
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        level, frame = level + 1, frame.f_back
    return level


_INSIDE = {__name__.split(".")[0], "sklearn"}
