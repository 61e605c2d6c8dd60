"""All networks of one model, connected through the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from ..runtime.isolation import isolated
from .modules import (
    CrossModalGenerator,
    ModalityAutoEncoder,
    ModalityDiscriminator,
    Normalization,
)


@dataclass(repr=False)
class Networks(BaseEstimator):  # type: ignore[misc]
    """Layer sizes and normalisation of the networks.

    The dimension of the latent spaces is ``n_components`` of the estimator.

    Parameters
    ----------
    autoencoder_hidden_sizes : sequence of int, default=(256,)
        Widths of the encoders' hidden layers; the decoders mirror them.
    generator_hidden_sizes : sequence of int, default=(128, 64)
        Widths of the generators' hidden layers down to the bottleneck; mirrored on the way out.
    discriminator_hidden_sizes : sequence of int, default=(64,)
        Widths of the discriminators' hidden layers.
    normalization : {"batch", "layer", "none"}, default="layer"
        Normalisation after each activation of the auto-encoders and generators.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering, Networks
    >>> model = MixedModalClustering(3, networks=Networks(autoencoder_hidden_sizes=(64,)))
    """

    autoencoder_hidden_sizes: Sequence[int] = (256,)
    generator_hidden_sizes: Sequence[int] = (128, 64)
    discriminator_hidden_sizes: Sequence[int] = (64,)
    normalization: Normalization = "layer"


@dataclass(frozen=True)
class Architecture:
    """Layers of all networks, except for the widths that depend on the data.

    It adds two fields to those of :class:`Networks`.
    """

    n_components: int  # dimension of the latent spaces
    autoencoder_hidden_sizes: tuple[int, ...]
    generator_hidden_sizes: tuple[int, ...]
    discriminator_hidden_sizes: tuple[int, ...]
    normalization: Normalization
    spectral: bool  # whether the discriminators' layers are divided by their spectral norm

    def n_layers(self, n_modalities: int) -> int:
        """Return the number of linear layers in the networks of so many modalities."""
        encoder = 1 + len(self.autoencoder_hidden_sizes)
        generator = 2 * len(self.generator_hidden_sizes)
        discriminator = 1 + len(self.discriminator_hidden_sizes)
        return n_modalities * (2 * encoder + discriminator) + 2 * (n_modalities - 1) * generator

    def n_weights(self, n_features: Sequence[int]) -> int:
        """Return the number of weights and biases, for modalities with so many columns.

        Examples
        --------
        >>> architecture = Architecture(2, (), (3,), (), "none", False)
        >>> architecture.n_layers(2), architecture.n_weights([5, 4])
        (10, 89)
        """
        c, m = self.n_components, len(n_features)
        generator = _n_weights([c, *self.generator_hidden_sizes])
        generator += _n_weights([*self.generator_hidden_sizes[::-1], c])
        encoders = sum(
            _n_weights([d, *self.autoencoder_hidden_sizes, c])
            + _n_weights([c, *self.autoencoder_hidden_sizes[::-1], d])
            for d in n_features
        )
        discriminator = _n_weights([c, *self.discriminator_hidden_sizes, 1])
        return encoders + m * discriminator + (2 * m - 2) * generator


def _n_weights(widths: Sequence[int]) -> int:
    return sum(a * b + b for a, b in pairwise(widths))


def build_autoencoders(
    architecture: Architecture, n_features: Sequence[int], rng: torch.Generator
) -> nn.ModuleList:
    """Build one untrained ModalityAutoEncoder per modality, with weights drawn from ``rng``."""
    return nn.ModuleList(
        ModalityAutoEncoder(
            d,
            architecture.n_components,
            architecture.autoencoder_hidden_sizes,
            architecture.normalization,
            rng,
        )
        for d in n_features
    )


class CrossModalSystem(nn.Module):
    """All networks of one model.

    Modalities are numbered in the order of the data. Each has an auto-encoder and a
    discriminator; each *spoke* (a modality that is not the hub) also has a generator into the
    hub's latent space and one back: ``edges`` lists the (source, target) of every generator.
    ``autoencoders`` are built if None; a fit trains them first, and then chooses the hub.
    """

    def __init__(
        self,
        architecture: Architecture,
        n_features: Sequence[int],
        hub: int,
        rng: torch.Generator,
        autoencoders: nn.ModuleList | None = None,
    ) -> None:
        super().__init__()
        self.architecture, self.n_features, self.hub = architecture, tuple(n_features), hub
        arch, modalities = architecture, range(len(n_features))
        self.autoencoders = autoencoders or build_autoencoders(arch, n_features, rng)
        self.edges = [edge for m in modalities if m != hub for edge in ((m, hub), (hub, m))]
        self.generators = nn.ModuleDict(
            {
                _key(edge): CrossModalGenerator(
                    arch.n_components, arch.generator_hidden_sizes, arch.normalization, rng
                )
                for edge in self.edges
            }
        )
        self.discriminators = nn.ModuleList(
            ModalityDiscriminator(
                arch.n_components, arch.discriminator_hidden_sizes, arch.spectral, rng
            )
            for _ in modalities
        )

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.parameters()).device

    def generator_of(self, source: int, target: int) -> nn.Module:
        """Return the generator that maps latents of ``source`` to those of ``target``."""
        return self.generators[_key((source, target))]

    def encode(self, x: Tensor, modality: int) -> Tensor:
        """Return the latents, of shape (n, n_components), of rows of one modality."""
        autoencoder = cast(ModalityAutoEncoder, self.autoencoders[modality])
        latents: Tensor = autoencoder.encoder(x)
        return latents

    def decode(self, z: Tensor, modality: int) -> Tensor:
        """Return rows of ``modality``, of shape (n, n_features), decoded from its latents."""
        autoencoder = cast(ModalityAutoEncoder, self.autoencoders[modality])
        rows: Tensor = autoencoder.decoder(z)
        return rows

    def unify(self, x: Tensor, modality: int) -> Tensor:
        """Map rows of one modality into the hub's latent space, of shape (n, n_components)."""
        z = self.encode(x, modality)
        return z if modality == self.hub else self.generator_of(modality, self.hub)(z)

    def translate(self, x: Tensor, source: int, target: int) -> Tensor:
        """Map rows of ``source`` to rows of ``target``, by way of the hub's latent space."""
        if source == target:
            return self.decode(self.encode(x, source), target)
        z = self.unify(x, source)
        if target != self.hub:
            z = self.generator_of(self.hub, target)(z)
        return self.decode(z, target)


def _key(edge: tuple[int, int]) -> str:
    return f"{edge[0]} to {edge[1]}"


def system_to_arrays(system: CrossModalSystem) -> dict[str, Any]:
    """Return a system, on any device, as a dict of plain values and NumPy arrays.

    Its keys are "architecture", "n_features", "hub" and "weights" (arrays by name).
    """
    weights = {name: tensor.cpu().numpy() for name, tensor in system.state_dict().items()}
    return {
        "architecture": asdict(system.architecture),
        "n_features": system.n_features,
        "hub": system.hub,
        "weights": weights,
    }


@isolated
def system_from_arrays(state: dict[str, Any]) -> CrossModalSystem:
    """Rebuild a system from the dict of :func:`system_to_arrays`, on the CPU in evaluation mode.

    Raises ValueError if an entry is missing or the weights do not fit the architecture.
    """
    try:
        arch = Architecture(**state["architecture"])
        system = CrossModalSystem(arch, state["n_features"], state["hub"], torch.Generator())
        weights = {k: torch.from_numpy(v.copy()) for k, v in state["weights"].items()}
        for name, tensor in system.state_dict().items():  # load_state_dict would convert dtypes
            if name in weights and weights[name].dtype != tensor.dtype:
                raise TypeError(f"{name} is of {weights[name].dtype}")
        system.load_state_dict(weights)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ValueError(f"The networks of this saved model are damaged: {error}") from error
    return system.eval()
