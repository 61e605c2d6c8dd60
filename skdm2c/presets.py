"""Named configurations of the estimator."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from .networks import Networks
from .training import AdversarialTraining, Pretraining

PUBLISHED: MappingProxyType[str, Any] = MappingProxyType(
    {
        "unify_to": 0,  # images, in the paper
        "alignment": None,
        "standardize": False,  # the authors do not scale their principal components
        "n_components": 128,
        "networks": Networks(
            autoencoder_hidden_sizes=(1024, 256),
            generator_hidden_sizes=(128, 256, 128),
            discriminator_hidden_sizes=(32,),
            normalization="batch",
        ),
        "lambda_pairs": 0.0,
        "pretraining": Pretraining(
            learning_rate=(1e-4, 1e-5),  # images, texts
            weight_decay=1e-4,
            lambda_neighbors=0.0,
            input_noise=0.0,
            n_components=None,
        ),
        "pretrain_epochs": 150,
        "batch_size": 128,
        "max_epoch_rows": None,
        "learning_rate_schedule": "constant",
        "adversarial": AdversarialTraining(
            epochs=220,
            autoencoder_learning_rate=1e-4,
            generator_learning_rate=5e-4,
            discriminator_learning_rate=5e-5,
            optimizer="rmsprop",
            generator_steps=5,
            discriminator_steps=1,
            loss="wasserstein",
            lipschitz="clip",
            clip_value=0.05,
            lambda_cycle=1.0,
            lambda_reconstruction=1.0,
            lambda_adversarial=0.5,
            lambda_cycle_reconstruction=1.0,
        ),
        "assignment": "kmeans",
        "kmeans_n_init": 20,
    }
)
"""Parameters of the authors' code for the Wikipedia dataset, for two modalities.

Both modalities were reduced to the same number of columns by PCA; the first is the hub. Use them
as ``MixedModalClustering(n_clusters=10, **PUBLISHED)``.
"""
