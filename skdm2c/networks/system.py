"""All networks of one model, joined at the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

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
    """Layers of all networks, but for the width of the latent spaces.

    Parameters
    ----------
    autoencoder_hidden_sizes : sequence of int, default=(256,)
        Widths of the encoders' hidden layers; the decoders mirror them.
    generator_hidden_sizes : sequence of int, default=(128, 64)
        Widths of the generators' hidden layers down to the bottleneck; mirrored on the way out.
    discriminator_hidden_sizes : sequence of int, default=(64,)
        Widths of the discriminators' hidden layers.
    normalization : {"batch", "layer", "none"}, default="layer"
        What follows the activations of auto-encoders and generators.

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
    """What the networks are, whatever the data.

    Attributes
    ----------
    n_components : int
        Width of the latent spaces.
    autoencoder_hidden_sizes, generator_hidden_sizes, discriminator_hidden_sizes : tuple of int
        Widths between input and output; the first two are mirrored on the way back.
    normalization : {"batch", "layer", "none"}
        What follows the activations of auto-encoders and generators.
    spectral : bool
        Whether the discriminators' layers are divided by their spectral norm.
    """

    n_components: int
    autoencoder_hidden_sizes: tuple[int, ...]
    generator_hidden_sizes: tuple[int, ...]
    discriminator_hidden_sizes: tuple[int, ...]
    normalization: Normalization
    spectral: bool


def build_autoencoders(
    architecture: Architecture, n_features: Sequence[int], rng: torch.Generator
) -> nn.ModuleList:
    """One auto-encoder a modality, untrained.

    Parameters
    ----------
    architecture : Architecture
    n_features : sequence of int
        Columns of each modality.
    rng : torch.Generator
        Source of the initial weights.

    Returns
    -------
    ModuleList of ModalityAutoEncoder

    Examples
    --------
    >>> rng = torch.Generator().manual_seed(0)
    >>> len(build_autoencoders(Architecture(2, (8,), (8, 4), (8,), "layer", False), [3, 5], rng))
    2
    """
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
    """All networks of one model: M modalities joined at one hub.

    Modalities are numbered in the order of the data. Every modality has an
    auto-encoder and a discriminator; every *spoke* (a modality that is not the
    hub) has a generator into the hub's latent space and one back. With two
    modalities that is the system of the paper.

    Parameters
    ----------
    architecture : Architecture
    n_features : sequence of int
        Columns of each modality.
    hub : int
        The modality whose latent space all others are mapped into.
    rng : torch.Generator
        Source of all initial weights.
    autoencoders : ModuleList, default=None
        One a modality, as :func:`build_autoencoders` makes them; new ones if None. (The hub
        is chosen by what they have learned.)

    Attributes
    ----------
    architecture, n_features, hub
        As given.
    edges : list of (int, int)
        (source, target) of every generator.
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
        """Where the weights are."""
        return next(self.parameters()).device

    def generator_of(self, source: int, target: int) -> nn.Module:
        """Return the generator that maps ``source``'s latents to ``target``'s."""
        return self.generators[_key((source, target))]

    def encode(self, x: Tensor, modality: int) -> Tensor:
        """Latents, shape (n, n_components), of rows of one modality."""
        autoencoder = self.autoencoders[modality]
        assert isinstance(autoencoder, ModalityAutoEncoder)
        latents: Tensor = autoencoder.encoder(x)
        return latents

    def decode(self, z: Tensor, modality: int) -> Tensor:
        """Rows in the features of ``modality``, from its latents."""
        autoencoder = self.autoencoders[modality]
        assert isinstance(autoencoder, ModalityAutoEncoder)
        rows: Tensor = autoencoder.decoder(z)
        return rows

    def unify(self, x: Tensor, modality: int) -> Tensor:
        """Rows of one modality in the hub's latent space, shape (n, n_components)."""
        z = self.encode(x, modality)
        return z if modality == self.hub else self.generator_of(modality, self.hub)(z)

    def translate(self, x: Tensor, source: int, target: int) -> Tensor:
        """Rows of ``source`` in the features of ``target``: Enc, G (through the hub), Dec."""
        if source == target:
            return self.decode(self.encode(x, source), target)
        z = self.unify(x, source)
        if target != self.hub:
            z = self.generator_of(self.hub, target)(z)
        return self.decode(z, target)


def _key(edge: tuple[int, int]) -> str:
    return f"{edge[0]} to {edge[1]}"


def system_to_arrays(system: CrossModalSystem) -> dict[str, Any]:
    """Describe a system in plain values and numpy arrays.

    Parameters
    ----------
    system : CrossModalSystem
        On any device.

    Returns
    -------
    dict
        With keys "architecture", "n_features", "hub" and "weights" (arrays by name).
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
    """Build the system that :func:`system_to_arrays` described, on the CPU, ready to use.

    Parameters
    ----------
    state : dict

    Returns
    -------
    CrossModalSystem

    Raises
    ------
    ValueError
        If something is missing, or the weights do not fit the architecture.

    Examples
    --------
    >>> arch = Architecture(2, (8,), (8, 4), (8,), "layer", False)
    >>> system = CrossModalSystem(arch, (3, 5), 0, torch.Generator().manual_seed(0)).eval()
    >>> copy = system_from_arrays(system_to_arrays(system))
    >>> x = torch.ones(2, 5)
    >>> bool((copy.unify(x, 1) == system.unify(x, 1)).all())
    True
    """
    try:
        arch = Architecture(**state["architecture"])
        system = CrossModalSystem(arch, state["n_features"], state["hub"], torch.Generator())
        weights = {k: torch.from_numpy(v.copy()) for k, v in state["weights"].items()}
        for name, tensor in system.state_dict().items():  # loading would convert them
            if name in weights and weights[name].dtype != tensor.dtype:
                raise TypeError(f"{name} is of {weights[name].dtype}")
        system.load_state_dict(weights)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ValueError(f"The networks of this saved model are damaged: {error}") from error
    return system.eval()
