"""Validation of parameters, and the plan of a fit that is made from them."""

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
from .clustering.neighbors import enough_components
from .networks import Architecture, Networks
from .training import (
    AdversarialTraining,
    Passes,
    Pretraining,
)
from .training.batches import ScheduleName

MAX_FLOAT32 = float(np.finfo(np.float32).max)  # training is in single precision
MOST_UNITS = 1_000_000  # per layer: more are a mistake, and would not fit into memory
MOST_WEIGHTS = 2**31  # in all networks: 8 GiB, and four times as much while they are trained
MAX_MESSAGE_LENGTH = 500  # characters

# Parameters of the estimator that are objects with parameters, and the classes of the defaults.
OBJECTS: dict[str, type[BaseEstimator]] = {
    "alignment": GeometricAlignment,
    "networks": Networks,
    "pretraining": Pretraining,
    "adversarial": AdversarialTraining,
}

Settings = TypeVar("Settings", bound=BaseEstimator)


class Number(Interval):  # type: ignore[misc]
    """Interval of numbers which excludes booleans and integers too large for a float."""

    def is_satisfied_by(self, value: Any) -> bool:
        """Return whether the interval contains a value."""
        if not isinstance(value, self.type) or isinstance(value, bool | np.bool_):
            return False
        try:
            return float(value) in self
        except OverflowError:
            return False


COUNT = Number(Integral, 1, None, closed="left")
NATURAL = Number(Integral, 0, None, closed="left")
WEIGHT = Number(Real, 0, MAX_FLOAT32, closed="both")
POSITIVE = Number(Real, 0, MAX_FLOAT32, closed="right")

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
        "n_components": [COUNT, None],
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
    """Shorten long messages about invalid parameters, which may contain whole arrays."""
    try:
        yield
    except InvalidParameterError as error:
        message, half = str(error), MAX_MESSAGE_LENGTH // 2
        if len(message) < MAX_MESSAGE_LENGTH:
            raise
        raise InvalidParameterError(f"{message[:half]} ... {message[-half:]}") from None


def checked_settings(settings: Settings) -> Settings:
    """Copy a parameter object, with NumPy's numbers converted to Python's.

    Raise ValueError if a parameter is not valid.
    """
    parameters = settings.get_params(deep=False)
    (constraints,) = (
        constraints for kind, constraints in _CONSTRAINTS.items() if isinstance(settings, kind)
    )
    with short_messages():
        validate_parameter_constraints(constraints, parameters, caller_name=type(settings).__name__)
    checked: Settings = type(settings)(
        **{name: plain_number(value) for name, value in parameters.items()}
    )
    return checked


@dataclass(frozen=True)
class FitPlan:
    """Validated settings of a fit; see :class:`skdm2c.MixedModalClustering`."""

    hub: int | None  # None selects the modality whose clusters are separated best
    n_neighbors: int  # in the graphs that pretraining preserves
    learning_rates: tuple[float, ...]  # of each modality's auto-encoder, in pretraining
    aligner: Aligner | None  # None leaves the generators at their random initialisation
    lambda_pairs: float
    pretrain_epochs: int
    alignment_epochs: int
    batch_size: int
    schedule: ScheduleName  # of the learning rate, in all phases but the adversarial
    max_epoch_rows: int | None  # per modality; None for all rows
    cluster_counts: tuple[int, ...]  # number of clusters of each modality
    networks: Architecture
    clustering: ClusteringSettings
    pretraining: Pretraining
    adversarial: AdversarialTraining

    def passes(self, n_epochs: int) -> Passes:
        """Return how a phase of ``n_epochs`` epochs iterates over the rows."""
        return Passes(n_epochs, self.batch_size, self.schedule, self.max_epoch_rows)

    def of_pretraining(self) -> list[Any]:
        """Return all settings that pretraining depends on."""
        n_components = enough_components(self.clustering.n_clusters)
        return [
            self.pretraining.get_params(),
            self.passes(self.pretrain_epochs),
            self.learning_rates,
            self.networks.normalization,
            self.n_neighbors,
            n_components,
        ]

    @property
    def n_epochs(self) -> int:
        """Number of epochs of all phases together, if none stops early."""
        n_modalities = len(self.learning_rates)
        autoencoder_epochs = n_modalities * self.pretrain_epochs
        generator_epochs = 2 * (n_modalities - 1) * self.alignment_epochs if self.aligner else 0
        return autoencoder_epochs + generator_epochs + self.adversarial.epochs


def positive_sizes(name: str, sizes: Sequence[int], at_least: int = 0) -> tuple[int, ...]:
    """Return the sizes of hidden layers, passed as the parameter ``name``, as a tuple.

    Raise ValueError if one is not a positive integer, or if there are fewer than ``at_least``.
    """
    is_ordered = not isinstance(sizes, Set | Mapping) and hasattr(sizes, "__len__")
    values: list[Any] = list(sizes) if is_ordered and getattr(sizes, "ndim", 1) == 1 else [None]
    if not all(
        isinstance(size, Integral) and not isinstance(size, bool) and 0 < int(size) <= MOST_UNITS
        for size in values
    ):
        raise ValueError(
            f"{name} must be a sequence of positive integers up to {MOST_UNITS:,}, got "
            f"{reprlib.repr(sizes)}."
        )
    if len(values) < at_least:
        raise ValueError(f"{name} needs at least one size, that of the bottleneck.")
    return tuple(int(size) for size in values)


def require_small_networks(networks: Architecture, n_features: Sequence[int]) -> None:
    """Raise ValueError if the networks of modalities of these widths would not fit into memory."""
    n_weights = networks.n_weights(n_features)
    if n_weights > MOST_WEIGHTS:
        raise ValueError(
            f"networks: hidden sizes {reprlib.repr(networks.autoencoder_hidden_sizes)} of the "
            f"auto-encoders, {reprlib.repr(networks.generator_hidden_sizes)} of the generators and "
            f"{reprlib.repr(networks.discriminator_hidden_sizes)} of the discriminators, with "
            f"n_components={networks.n_components} and {reprlib.repr(list(n_features))} columns, "
            f"make {n_weights:,} weights; at most {MOST_WEIGHTS:,} are trained."
        )


def rates_per_modality(name: str, rates: float | Sequence[float], n: int) -> tuple[float, ...]:
    """Return the learning rates of n modalities, from one for all or one for each.

    Raise ValueError, naming the parameter ``name``, if their number is not n or one is not
    positive.
    """
    is_single = isinstance(rates, Real | str | Set | Mapping) or getattr(rates, "ndim", 1) == 0
    values: list[Any] = [np.asarray(rates)[()]] * n if is_single else list(rates)  # type: ignore[arg-type]
    numbers = [rate for rate in values if isinstance(rate, Real) and not isinstance(rate, bool)]
    if len(values) != n or len(numbers) != n or not all(0 < r <= MAX_FLOAT32 for r in numbers):  # type: ignore[operator]
        raise ValueError(
            f"{name} must be a positive number or one for each of the {n} modalities, "
            f"got {reprlib.repr(rates)}."
        )
    return tuple(float(rate) for rate in numbers)


def clusters_per_modality(
    name: str, numbers: int | Mapping[str, int], names: tuple[str, ...]
) -> tuple[int, ...]:
    """Return the number of clusters of each modality, from one for all or a mapping by name.

    Raise ValueError, naming the parameter ``name``, if the mapping has other keys than ``names``
    or a value that is not a positive integer.
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
    """Convert a number to Python's int or float, and return anything else unchanged.

    NumPy's narrow integers would overflow in later computations.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)
