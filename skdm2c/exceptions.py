"""The errors and warnings that are this package's own."""

from __future__ import annotations


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
