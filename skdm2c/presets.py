"""Whole configurations by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from .networks import Networks
from .training import AdversarialTraining, Pretraining

PUBLISHED: MappingProxyType[str, Any] = MappingProxyType(
    {
        "unify_to": 0,  # the paper's images
        "alignment": None,
        "standardize": False,  # the authors' inputs are principal components as they are
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
        ),
        "pretrain_epochs": 150,
        "decoder_epochs": 0,
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
"""The configuration of the authors' code for their Wikipedia run, for two modalities.

Their inputs were reduced by PCA to one width; the first modality is the hub.
Use as ``MixedModalClustering(n_clusters=10, **PUBLISHED)``.
"""
