"""How typical rows are of those of the fit: their density and their reconstruction error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]

MAD_OF_NORMAL = 0.6745  # median absolute deviation of a standard normal variable
MIN_ERROR_SPREAD = 0.25  # of the logarithms of reconstruction errors
MIN_WEIGHT = 1e-3  # of the responsibilities of a row that resembles none of the fit


@dataclass(frozen=True)
class Familiarity:
    """Typical log-densities and reconstruction errors of the rows of one modality.

    Log-densities and negative logarithms of errors are standardised by their medians and spreads
    in the fit. The score of a row is that of the two which is less typical.
    """

    center: Values  # of shape (2,), of log-density and negative logarithm of the error
    spread: Values  # of shape (2,)
    lowest: Values  # of shape (2,): standardised values down to which rows are familiar

    @classmethod
    def of(cls, log_density: Values, error: Values, n_axes: int, n_columns: int) -> Familiarity:
        """Describe n rows of a fit, by arrays of shape (n,).

        ``n_axes`` is the dimension of the space of the density, ``n_columns`` that of the rows.
        """
        # The log-density of a Gaussian in p dimensions has a standard deviation of √(p / 2);
        # that of latents which were drawn together may be nearly zero.
        least = np.array([np.sqrt(n_axes / 2), MIN_ERROR_SPREAD])
        if len(log_density) == 0:
            return cls(np.zeros(2), least, np.full(2, -3.0))
        values = _features(log_density, error)
        center = np.median(values, axis=1)
        deviation = np.median(np.abs(values - center[:, None]), axis=1)
        spread = np.maximum(deviation / MAD_OF_NORMAL, least)
        # The fewer rows there are, and the more columns, the better the fit knows its own rows.
        tolerance = 3 + 4 * np.sqrt(n_columns / len(log_density))
        observed = ((values - center[:, None]) / spread[:, None]).min(axis=1)
        return cls(center, spread, np.minimum(observed, -tolerance))

    def scores(self, log_density: Values, error: Values) -> Values:
        """Return the score of each of n rows, of shape (n,): the higher, the more typical.

        Examples
        --------
        >>> familiarity = Familiarity.of(np.array([-2.0, -1.0, 0.0]), np.ones(3), 2, 5)
        >>> familiarity.scores(np.array([-0.5, -9.0]), np.full(2, 0.5)).round(1)
        array([ 0.3, -5.4])
        """
        scores: Values = self._standardised(log_density, error).min(axis=0)
        return scores

    def weights(self, log_density: Values, error: Values) -> Values:
        """Return how far to believe the responsibilities of n rows, of shape (n,), in (0, 1].

        The weight is 1 for familiar rows; for others it falls with the square of the values.
        """
        lowest = self.lowest[:, None]
        ratios = lowest / np.minimum(self._standardised(log_density, error), lowest)
        weights: Values = np.square(ratios).min(axis=0)
        return np.maximum(weights, MIN_WEIGHT)

    def _standardised(self, log_density: Values, error: Values) -> Values:
        values: Values = _features(log_density, error) - self.center[:, None]
        return values / self.spread[:, None]


def _features(log_density: Values, error: Values) -> Values:
    return np.stack([log_density, -np.log(np.maximum(error, np.finfo(np.float32).tiny))])
