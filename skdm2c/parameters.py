"""The parameters of the estimator: names, defaults, what is allowed, what they build."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Hidden, Interval, StrOptions

from .system import Architecture
from .training import AdversarialSettings, PretrainingSettings

_COUNT = Interval(Integral, 1, None, closed="left")
_EPOCHS = Interval(Integral, 0, None, closed="left")
_WEIGHT = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")


class ModelParameters(BaseEstimator):  # type: ignore[misc]
    """Holds what users set; documented at :class:`skdm2c.MixedModalClustering`."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [_COUNT],
        "unify_to": [str, Interval(Integral, 0, None, closed="left")],
        "alignment": [StrOptions({"geometry"}), None],
        "standardize": ["boolean", StrOptions({"auto"})],
        "n_components": [_COUNT],
        "autoencoder_hidden_sizes": ["array-like"],
        "generator_hidden_sizes": ["array-like"],
        "discriminator_hidden_sizes": ["array-like"],
        "normalization": [StrOptions({"batch", "layer", "none"})],
        "pretrain_epochs": [_EPOCHS],
        "alignment_epochs": [_EPOCHS],
        "adversarial_epochs": [_EPOCHS],
        "learning_rate_schedule": [StrOptions({"constant", "linear"})],
        "lambda_neighbors": [_WEIGHT],
        "n_neighbors": [_COUNT],
        "negative_weight": [_WEIGHT],
        "input_noise": [_WEIGHT],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "pretrain_learning_rate": [_POSITIVE, "array-like"],
        "pretrain_weight_decay": [_WEIGHT],
        "autoencoder_learning_rate": [_POSITIVE],
        "generator_learning_rate": [_POSITIVE],
        "discriminator_learning_rate": [_POSITIVE],
        "weight_decay": [_WEIGHT],
        "optimizer": [StrOptions({"adam", "rmsprop"})],
        "generator_steps": [_COUNT],
        "discriminator_steps": [_COUNT],
        "adversarial_loss": [StrOptions({"wasserstein", "gan"})],
        "lipschitz": [StrOptions({"clip", "gradient_penalty", "spectral_norm"}), None],
        "clip_value": [_POSITIVE],
        "gradient_penalty_weight": [_WEIGHT],
        "lambda_cycle": [_WEIGHT],
        "lambda_reconstruction": [_WEIGHT],
        "lambda_adversarial": [_WEIGHT],
        "lambda_cycle_reconstruction": [_WEIGHT],
        "assignment": [StrOptions({"mixture", "kmeans"})],
        "kmeans_n_init": [_COUNT],
        "device": [str, Hidden(torch.device)],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        unify_to: str | int = "auto",
        alignment: str | None = "geometry",
        standardize: bool | str = "auto",
        n_components: int = 32,
        autoencoder_hidden_sizes: Sequence[int] = (256,),
        generator_hidden_sizes: Sequence[int] = (128, 64),
        discriminator_hidden_sizes: Sequence[int] = (64,),
        normalization: str = "layer",
        lambda_neighbors: float = 1.0,
        n_neighbors: int = 15,
        negative_weight: float = 5.0,
        input_noise: float = 0.5,
        pretrain_epochs: int = 80,
        alignment_epochs: int = 40,
        adversarial_epochs: int = 10,
        batch_size: int = 256,
        pretrain_learning_rate: float | Sequence[float] = 1e-3,
        pretrain_weight_decay: float = 0.0,
        learning_rate_schedule: str = "linear",
        autoencoder_learning_rate: float = 1e-4,
        generator_learning_rate: float = 1e-4,
        discriminator_learning_rate: float = 1e-4,
        weight_decay: float = 0.0,
        optimizer: str = "adam",
        generator_steps: int = 1,
        discriminator_steps: int = 1,
        adversarial_loss: str = "wasserstein",
        lipschitz: str | None = "spectral_norm",
        clip_value: float = 0.05,
        gradient_penalty_weight: float = 10.0,
        lambda_cycle: float = 1.0,
        lambda_reconstruction: float = 1.0,
        lambda_adversarial: float = 0.1,
        lambda_cycle_reconstruction: float = 0.0,
        assignment: str = "mixture",
        kmeans_n_init: int = 10,
        device: str | torch.device = "auto",
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.unify_to = unify_to
        self.alignment = alignment
        self.standardize = standardize
        self.n_components = n_components
        self.autoencoder_hidden_sizes = autoencoder_hidden_sizes
        self.generator_hidden_sizes = generator_hidden_sizes
        self.discriminator_hidden_sizes = discriminator_hidden_sizes
        self.normalization = normalization
        self.lambda_neighbors = lambda_neighbors
        self.n_neighbors = n_neighbors
        self.negative_weight = negative_weight
        self.input_noise = input_noise
        self.pretrain_epochs = pretrain_epochs
        self.alignment_epochs = alignment_epochs
        self.adversarial_epochs = adversarial_epochs
        self.batch_size = batch_size
        self.pretrain_learning_rate = pretrain_learning_rate
        self.pretrain_weight_decay = pretrain_weight_decay
        self.learning_rate_schedule = learning_rate_schedule
        self.autoencoder_learning_rate = autoencoder_learning_rate
        self.generator_learning_rate = generator_learning_rate
        self.discriminator_learning_rate = discriminator_learning_rate
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.generator_steps = generator_steps
        self.discriminator_steps = discriminator_steps
        self.adversarial_loss = adversarial_loss
        self.lipschitz = lipschitz
        self.clip_value = clip_value
        self.gradient_penalty_weight = gradient_penalty_weight
        self.lambda_cycle = lambda_cycle
        self.lambda_reconstruction = lambda_reconstruction
        self.lambda_adversarial = lambda_adversarial
        self.lambda_cycle_reconstruction = lambda_cycle_reconstruction
        self.assignment = assignment
        self.kmeans_n_init = kmeans_n_init
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def check_sequences(self, n_modalities: int) -> None:
        """Check what the constraints above cannot say: the contents of sequences.

        Parameters
        ----------
        n_modalities : int

        Raises
        ------
        ValueError
            If sizes are not positive integers, or learning rates do not fit.
        """
        for name in (
            "autoencoder_hidden_sizes",
            "generator_hidden_sizes",
            "discriminator_hidden_sizes",
        ):
            sizes = list(getattr(self, name))
            if not all(
                isinstance(s, Integral) and not isinstance(s, bool) and int(s) > 0 for s in sizes
            ):
                raise ValueError(
                    f"{name} must hold positive integers, got {getattr(self, name)!r}."
                )
        if len(list(self.generator_hidden_sizes)) == 0:
            raise ValueError(
                "generator_hidden_sizes needs at least one size, that of the bottleneck."
            )
        self.pretrain_rates(n_modalities)

    def architecture(self, n_features: Sequence[int], hub: int) -> Architecture:
        """Sizes of all networks.

        Parameters
        ----------
        n_features : sequence of int
            Columns of each modality.
        hub : int

        Returns
        -------
        Architecture
        """
        return Architecture(
            n_features=tuple(n_features),
            hub=hub,
            n_components=int(self.n_components),
            autoencoder_hidden_sizes=tuple(int(s) for s in self.autoencoder_hidden_sizes),
            generator_hidden_sizes=tuple(int(s) for s in self.generator_hidden_sizes),
            discriminator_hidden_sizes=tuple(int(s) for s in self.discriminator_hidden_sizes),
            normalization=self.normalization,  # type: ignore[arg-type]
            spectral=self.lipschitz == "spectral_norm",
        )

    def pretrain_rates(self, n_modalities: int) -> list[float]:
        """One learning rate a modality.

        Parameters
        ----------
        n_modalities : int

        Returns
        -------
        list of float

        Raises
        ------
        ValueError
            If there are too few or too many, or one is not positive.
        """
        given = self.pretrain_learning_rate
        rates: list[Any] = [given] * n_modalities if isinstance(given, Real) else list(given)  # type: ignore[arg-type]
        if len(rates) != n_modalities or not all(
            isinstance(r, Real) and float(r) > 0 for r in rates
        ):
            raise ValueError(
                "pretrain_learning_rate must be a positive number or one for each of the "
                f"{n_modalities} modalities, got {given!r}."
            )
        return [float(rate) for rate in rates]

    def n_epochs(self, n_modalities: int) -> int:
        """Epochs of all phases together, if none is cut short.

        Parameters
        ----------
        n_modalities : int

        Returns
        -------
        int
        """
        alignment = self.alignment_epochs if self.alignment == "geometry" else 0
        return n_modalities * self.pretrain_epochs + alignment + self.adversarial_epochs

    def pretraining_settings(self) -> PretrainingSettings:
        """Return the parameters of the first phase.

        Returns
        -------
        PretrainingSettings
        """
        return PretrainingSettings(
            n_epochs=self.pretrain_epochs,
            batch_size=self.batch_size,
            weight_decay=self.pretrain_weight_decay,
            schedule=self.learning_rate_schedule,  # type: ignore[arg-type]
            lambda_neighbors=self.lambda_neighbors,
            negative_weight=self.negative_weight,
            input_noise=self.input_noise,
        )

    def adversarial_settings(self) -> AdversarialSettings:
        """Return the parameters of the adversarial phase.

        Returns
        -------
        AdversarialSettings
        """
        same_names = set(AdversarialSettings.__dataclass_fields__) - {"n_epochs"}
        return AdversarialSettings(
            n_epochs=self.adversarial_epochs, **{name: getattr(self, name) for name in same_names}
        )
