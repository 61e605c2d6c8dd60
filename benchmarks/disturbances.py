"""What a problem may be like in the field: each way to disturb one, at several levels.

A disturbance takes a draw that was preprocessed whole and gives it back disturbed; a method sees
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .methods.interface import Matrix
from .pairs import thinned

NONE = "none"  # what is not disturbed is called so in results
OUTLIER_SCALE = 5.0  # standard deviations
DEGREES_OF_FREEDOM = 2.0  # of t noise, which has no variance


class Draw(NamedTuple):
    """A problem and what it is scored by.

    Attributes
    ----------
    blocks : list of ndarray of shape (n_m, d_m)
        Of the two modalities.
    classes : list of ndarray of shape (n_m,)
    k : int
        The number of clusters that a method is told.
    scored : list of ndarray of bool of shape (n_m,)
    """

    blocks: list[Matrix]
    classes: list[NDArray[np.int64]]
    k: int
    scored: list[NDArray[np.bool_]]

    def at(self, rows: Sequence[NDArray[np.intp]]) -> Draw:
        """Of some rows of each modality."""
        blocks, classes, scored = (
            [part[kept] for part, kept in zip(parts, rows, strict=True)]
            for parts in (self.blocks, self.classes, self.scored)
        )
        return Draw(blocks, classes, self.k, scored)


def fewer_rows(draw: Draw, level: float, rng: np.random.RandomState) -> Draw:
    """Keep so many rows of both modalities together, half of each."""
    n = int(level) // 2
    return draw.at([rng.permutation(len(block))[:n] for block in draw.blocks])


def noise_columns(draw: Draw, level: float, rng: np.random.RandomState) -> Draw:
    """Add so many times as many columns of Gaussian noise, of the columns' mean deviation."""
    return draw._replace(
        blocks=[
            np.hstack([x, _spread(x).mean() * rng.randn(len(x), int(level * x.shape[1]))])
            for x in draw.blocks
        ]
    )


def wrong_k(draw: Draw, level: float, rng: np.random.RandomState) -> Draw:
    """Ask for so many clusters more than there are classes."""
    return draw._replace(k=max(2, draw.k + int(level)))


def unequal_shares(draw: Draw, level: float, rng: np.random.RandomState) -> Draw:
    """Thin out the classes of each modality to shares drawn from Dirichlet(level)."""
    return draw.at([thinned(y, level, rng) for y in draw.classes])


def without_classes(draw: Draw, level: float, rng: np.random.RandomState) -> Draw:
    """Take so many classes out of one of the modalities."""
    side = rng.randint(2)
    gone = rng.permutation(np.unique(draw.classes[side]))[: int(level)]
    return draw.at(
        [
            np.flatnonzero(~np.isin(y, gone)) if m == side else np.arange(len(y))
            for m, y in enumerate(draw.classes)
        ]
    )


def outliers(draw: Draw, level: float, rng: np.random.RandomState) -> Draw:
    """Put wide noise in the place of such a share of the rows; these are not scored."""
    blocks, scored = [], []
    for x in draw.blocks:
        out = rng.rand(len(x)) < level
        noise = x.mean(axis=0) + OUTLIER_SCALE * _spread(x) * rng.randn(*x.shape)
        blocks.append(np.where(out[:, None], noise, x))
        scored.append(~out)
    return draw._replace(blocks=blocks, scored=scored)


def rescaled_columns(draw: Draw, level: float, rng: np.random.RandomState) -> Draw:
    """Multiply each column by exp(level × a standard normal number)."""
    return draw._replace(
        blocks=[x * np.exp(level * rng.randn(x.shape[1])) for x in draw.blocks],
    )


def bent_columns(draw: Draw, level: float, rng: np.random.RandomState) -> Draw:
    """Raise what each value is in standard deviations to a power; signs stay."""
    bent = []
    for x in draw.blocks:
        spread = np.maximum(_spread(x), 1e-12)
        z = x / spread
        bent.append(spread * np.sign(z) * np.abs(z) ** level)
    return draw._replace(blocks=bent)


def heavy_tails(draw: Draw, level: float, rng: np.random.RandomState) -> Draw:
    """Add Student's t noise of 2 degrees of freedom, in parts of each column's deviation."""
    return draw._replace(
        blocks=[
            x + level * _spread(x) * rng.standard_t(DEGREES_OF_FREEDOM, size=x.shape)
            for x in draw.blocks
        ]
    )


def _spread(x: Matrix) -> Matrix:
    spread: Matrix = x.std(axis=0)
    return spread


@dataclass(frozen=True)
class Disturbance:
    """One way to disturb.

    Attributes
    ----------
    title : str
        What the levels are, for an axis.
    disturb : callable
        Of a draw, a level and a source of chance.
    levels : tuple of float
    neutral : float
        The level of a draw that is left as it is.
    """

    title: str
    disturb: Callable[[Draw, float, np.random.RandomState], Draw]
    levels: tuple[float, ...]
    neutral: float


DISTURBANCES = {
    "rows": Disturbance("rows, both modalities", fewer_rows, (100, 200, 400, 800), np.inf),
    "noise": Disturbance("noise columns, times as many", noise_columns, (1, 3, 10), 0),
    "k": Disturbance("clusters more than classes", wrong_k, (-3, -2, -1, 1, 2, 3), 0),
    "shares": Disturbance("class shares from Dirichlet(…)", unequal_shares, (4, 1), np.inf),
    "missing": Disturbance("classes missing on one side", without_classes, (1, 2), 0),
    "outliers": Disturbance("share of outliers", outliers, (0.01, 0.05), 0),
    "scales": Disturbance("columns rescaled, exp(… × N(0, 1))", rescaled_columns, (0.5, 1, 2), 0),
    "powers": Disturbance("columns bent, power", bent_columns, (1 / 3, 3), 1),
    "tails": Disturbance("t noise, times the deviation", heavy_tails, (0.1, 0.3, 1), 0),
}
