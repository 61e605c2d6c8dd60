"""What a fit will do: checked parameters, and the plan that is made of them before any training."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator

from ._sklearn import (
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)
from .alignment import Aligner, GeometricAlignment
from .clustering.clusters import ClusteringSettings
from .networks import Architecture, Networks
from .training import (
    AdversarialTraining,
    Passes,
    Pretraining,
)
from .training.batches import ScheduleName

LARGEST = float(np.finfo(np.float32).max)  # weights and rates meet single precision
MOST_UNITS = 1_000_000  # of a layer: more would be a slip, and not fit into memory

LONGEST_MESSAGE = 500  # characters

# Parameters of the estimator that are objects with parameters, and what they are by default.
OBJECTS: dict[str, type[BaseEstimator]] = {
    "alignment": GeometricAlignment,
    "networks": Networks,
    "pretraining": Pretraining,
    "adversarial": AdversarialTraining,
}

Settings = TypeVar("Settings", bound=BaseEstimator)


class Number(Interval):  # type: ignore[misc]
    """An interval of numbers that True and False are not in, nor what no float can hold."""

    def is_satisfied_by(self, value: Any) -> bool:
        """Whether a value is in it."""
        if not isinstance(value, self.type) or isinstance(value, bool | np.bool_):
            return False
        try:
            return float(value) in self
        except OverflowError:
            return False


COUNT = Number(Integral, 1, None, closed="left")
NATURAL = Number(Integral, 0, None, closed="left")
WEIGHT = Number(Real, 0, LARGEST, closed="both")
POSITIVE = Number(Real, 0, LARGEST, closed="right")

_CONSTRAINTS: dict[type, dict[str, list[Any]]] = {
    Networks: {
        "autoencoder_hidden_sizes": ["array-like"],
        "generator_hidden_sizes": ["array-like"],
        "discriminator_hidden_sizes": ["array-like"],
        "normalization": [StrOptions({"batch", "layer", "none"})],
    },
    Pretraining: {
        "learning_rate": [POSITIVE, "array-like"],
        "weight_decay": [WEIGHT],
        "lambda_neighbors": [WEIGHT],
        "negative_weight": [WEIGHT],
        "input_noise": [WEIGHT],
    },
    AdversarialTraining: {
        "epochs": [NATURAL],
        "loss": [StrOptions({"wasserstein", "gan"})],
        "lipschitz": [StrOptions({"clip", "gradient_penalty", "spectral_norm"}), None],
        "clip_value": [POSITIVE],
        "gradient_penalty_weight": [WEIGHT],
        "lambda_cycle": [WEIGHT],
        "lambda_reconstruction": [WEIGHT],
        "lambda_adversarial": [WEIGHT],
        "lambda_cycle_reconstruction": [WEIGHT],
        "generator_steps": [COUNT],
        "discriminator_steps": [COUNT],
        "autoencoder_learning_rate": [WEIGHT],
        "generator_learning_rate": [POSITIVE],
        "discriminator_learning_rate": [POSITIVE],
        "optimizer": [StrOptions({"adam", "rmsprop"})],
        "weight_decay": [WEIGHT],
    },
}


@contextmanager
def short_messages() -> Iterator[None]:
    """Cut the middle out of long messages about parameters: there lies the value, say an array."""
    try:
        yield
    except InvalidParameterError as error:
        said, half = str(error), LONGEST_MESSAGE // 2
        if len(said) < LONGEST_MESSAGE:
            raise
        raise InvalidParameterError(f"{said[:half]} ... {said[-half:]}") from None


def checked_settings(settings: Settings) -> Settings:
    """Check the parameters of a parameter object, and copy it with Python's own numbers.

    Parameters
    ----------
    settings : Networks, Pretraining or AdversarialTraining

    Returns
    -------
    Networks, Pretraining or AdversarialTraining

    Raises
    ------
    ValueError
        If a parameter is not what it must be.

    Examples
    --------
    >>> checked_settings(AdversarialTraining(epochs=np.int64(3)))
    AdversarialTraining(epochs=3)
    """
    given = settings.get_params(deep=False)
    (constraints,) = (known for kind, known in _CONSTRAINTS.items() if isinstance(settings, kind))
    with short_messages():
        validate_parameter_constraints(constraints, given, caller_name=type(settings).__name__)
    checked: Settings = type(settings)(
        **{name: plain_number(value) for name, value in given.items()}
    )
    return checked


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
    pretrain_epochs, alignment_epochs, decoder_epochs, batch_size : int
    schedule : {"constant", "linear"}
        Course of the learning rate in all phases but the adversarial.
    max_epoch_rows : int or None
        Rows of a modality that an epoch goes through at most; None is for all.
    own_numbers : tuple of int
        Number of clusters of each modality.
    networks, clustering, pretraining, adversarial
        Settings of the parts.
    """

    hub: int | None
    n_neighbors: int
    learning_rates: tuple[float, ...]
    aligner: Aligner | None
    lambda_pairs: float
    pretrain_epochs: int
    alignment_epochs: int
    decoder_epochs: int
    batch_size: int
    schedule: ScheduleName
    max_epoch_rows: int | None
    own_numbers: tuple[int, ...]
    networks: Architecture
    clustering: ClusteringSettings
    pretraining: Pretraining
    adversarial: AdversarialTraining

    def passes(self, n_epochs: int) -> Passes:
        """How a phase of so many epochs goes through the rows."""
        return Passes(n_epochs, self.batch_size, self.schedule, self.max_epoch_rows)

    @property
    def n_epochs(self) -> int:
        """Epochs of all phases together, if none is cut short."""
        n_modalities = len(self.learning_rates)
        own = n_modalities * (self.pretrain_epochs + self.decoder_epochs)
        taught = 2 * (n_modalities - 1) * self.alignment_epochs if self.aligner else 0
        return own + taught + self.adversarial.epochs


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


def plain_number(value: Any) -> Any:
    """Make a number Python's own, as NumPy's narrow integers overflow; leave all else.

    Parameters
    ----------
    value : object

    Returns
    -------
    object
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)
