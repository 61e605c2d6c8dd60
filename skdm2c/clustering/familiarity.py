"""How usual rows are, compared with those of the fit: their density and reconstruction error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]

MAD_OF_NORMAL = 0.6745  # median absolute deviation of a standard normal variable
MIN_SPREAD = 1e-6  # of the rows of a fit, whose densities or errors may all be equal
MIN_WEIGHT = 1e-3  # of the responsibilities of a row that resembles none of the fit


@dataclass(frozen=True)
class Familiarity:
    """Typical log-densities and logarithms of reconstruction errors of a modality's rows.

    Both are standardised by their medians and spreads in the fit; the score of a row is that of
    the two which is less usual.
    """

    center: Values  # of shape (2,), of log-density and logarithm of the error
    spread: Values  # of shape (2,)
    lowest: float  # score of the rows of the fit

    @classmethod
    def of(cls, log_density: Values, error: Values) -> Familiarity:
        """Describe the n rows of a fit, by arrays of shape (n,)."""
        if len(log_density) == 0:
            return cls(np.zeros(2), np.ones(2), -1.0)
        values = _features(log_density, error)
        center = np.median(values, axis=1)
        deviation = np.median(np.abs(values - center[:, None]), axis=1)
        spread = np.maximum(deviation / MAD_OF_NORMAL, MIN_SPREAD)
        typical = cls(center, spread, -1.0)
        return cls(center, spread, min(-1.0, float(typical.scores(log_density, error).min())))

    def scores(self, log_density: Values, error: Values) -> Values:
        """Return the score of each of n rows, of shape (n,): the higher, the more usual.

        Examples
        --------
        >>> density, error = np.array([-2.0, -1.0, 0.0]), np.ones(3)
        >>> familiarity = Familiarity.of(density, error)
        >>> familiarity.scores(np.array([-0.5, -9.0]), np.full(2, 0.5)).round(1)
        array([ 0.3, -5.4])
        """
        features = _features(log_density, error)
        scores: Values = ((features - self.center[:, None]) / self.spread[:, None]).min(axis=0)
        return scores

    def weights(self, scores: Values) -> Values:
        """Return how far to believe the responsibilities of rows with these scores, in (0, 1].

        The weight is 1 for scores that occur in the fit; below them it falls with the square.
        """
        weights: Values = np.square(self.lowest / np.minimum(scores, self.lowest))
        return np.maximum(weights, MIN_WEIGHT)


def _features(log_density: Values, error: Values) -> Values:
    return np.stack([log_density, -np.log(np.maximum(error, np.finfo(np.float32).tiny))])
