"""What a fit will do, in frozen settings: one object a phase, made before anything is trained."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np

from .alignment import Aligner
from .networks import Architecture
from .training import (
    AdversarialSettings,
    PretrainingSettings,
    RegressionSettings,
)

LARGEST = float(np.finfo(np.float32).max)  # weights and rates meet single precision
MOST_UNITS = 1_000_000  # of a layer: more would be a slip, and not fit into memory

AssignmentName = Literal["mixture", "kmeans"]


@dataclass(frozen=True)
class ClusteringSettings:
    """How points become clusters; see :class:`skdm2c.MixedModalClustering`."""

    n_clusters: int
    assignment: AssignmentName
    n_init: int


@dataclass(frozen=True)
class FitPlan:
    """All settings of a fit.

    Attributes
    ----------
    hub : int or None
        None is for the modality whose own clusters are best separated.
    n_neighbors : int
        Of the graphs that pretraining keeps.
    learning_rates : tuple of float
        Of each modality's auto-encoder, in pretraining and decoding.
    aligner : Aligner or None
        What teaches the generators; None is for generators that start at random.
    lambda_pairs : float
        How far known pairs are trusted.
    own_numbers : tuple of int
        Of clusters that each modality has.
    networks, clustering, pretraining, teaching, adversarial, decoding
        Settings of the parts.
    """

    hub: int | None
    n_neighbors: int
    learning_rates: tuple[float, ...]
    aligner: Aligner | None
    lambda_pairs: float
    own_numbers: tuple[int, ...]
    networks: Architecture
    clustering: ClusteringSettings
    pretraining: PretrainingSettings
    teaching: RegressionSettings
    adversarial: AdversarialSettings
    decoding: RegressionSettings

    @property
    def n_epochs(self) -> int:
        """Epochs of all phases together, if none is cut short."""
        n_modalities = len(self.learning_rates)
        own = n_modalities * (self.pretraining.n_epochs + self.decoding.n_epochs)
        taught = 2 * (n_modalities - 1) * self.teaching.n_epochs if self.aligner else 0
        return own + taught + self.adversarial.n_epochs


def positive_sizes(name: str, sizes: Sequence[int], at_least: int = 0) -> tuple[int, ...]:
    """Check widths of hidden layers.

    Parameters
    ----------
    name : str
        Of the parameter.
    sizes : sequence of int
    at_least : int, default=0
        How many there must be.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If one is not a positive integer, or there are too few.

    Examples
    --------
    >>> positive_sizes("sizes", [8, 4])
    (8, 4)
    """
    in_order = not isinstance(sizes, Set | Mapping) and hasattr(sizes, "__len__")
    given: list[Any] = list(sizes) if in_order and getattr(sizes, "ndim", 1) == 1 else [None]
    if not all(
        isinstance(size, Integral) and not isinstance(size, bool) and 0 < int(size) <= MOST_UNITS
        for size in given
    ):
        raise ValueError(
            f"{name} must be a sequence of positive integers up to {MOST_UNITS:,}, got "
            f"{reprlib.repr(sizes)}."
        )
    if len(given) < at_least:
        raise ValueError(f"{name} needs at least one size, that of the bottleneck.")
    return tuple(int(s) for s in given)


def rates_per_modality(name: str, rates: float | Sequence[float], n: int) -> tuple[float, ...]:
    """Check learning rates, one for all modalities or one each.

    Parameters
    ----------
    name : str
        Of the parameter.
    rates : float or sequence of float
    n : int
        How many modalities there are.

    Returns
    -------
    tuple of float
        One a modality.

    Raises
    ------
    ValueError
        If there are too few or too many, or one is not positive.

    Examples
    --------
    >>> rates_per_modality("rates", 0.1, 2), rates_per_modality("rates", (0.1, 0.2), 2)
    ((0.1, 0.1), (0.1, 0.2))
    """
    single = isinstance(rates, Real | str) or getattr(rates, "ndim", 1) == 0
    given: list[Any] = [np.asarray(rates)[()]] * n if single else list(rates)  # type: ignore[arg-type]
    numbers = [rate for rate in given if isinstance(rate, Real) and not isinstance(rate, bool)]
    if len(given) != n or len(numbers) != n or not all(0 < r <= LARGEST for r in numbers):  # type: ignore[operator]
        raise ValueError(
            f"{name} must be a positive number or one for each of the {n} modalities, "
            f"got {reprlib.repr(rates)}."
        )
    return tuple(float(rate) for rate in numbers)


def clusters_per_modality(
    name: str, numbers: int | Mapping[str, int], names: tuple[str, ...]
) -> tuple[int, ...]:
    """Check numbers of clusters, one for all modalities or one each.

    Parameters
    ----------
    name : str
        Of the parameter.
    numbers : int or mapping of str to int
    names : tuple of str
        Of the modalities.

    Returns
    -------
    tuple of int
        One a modality.

    Raises
    ------
    ValueError
        If a mapping has other names, or a value that is no positive integer.

    Examples
    --------
    >>> clusters_per_modality("n", 3, ("a", "b")), clusters_per_modality(
    ...     "n", {"b": 3, "a": 4}, ("a", "b"))
    ((3, 3), (4, 3))
    """
    if not isinstance(numbers, Mapping):
        return (numbers,) * len(names)
    if set(numbers) != set(names):
        raise ValueError(
            f"{name} must have a number for each of the modalities {', '.join(map(repr, names))}, "
            f"got {reprlib.repr(dict(numbers))}."
        )
    for value in numbers.values():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(
                f"{name} must have positive integers as values, got {reprlib.repr(dict(numbers))}."
            )
    return tuple(int(numbers[modality]) for modality in names)
