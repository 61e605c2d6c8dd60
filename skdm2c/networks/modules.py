"""The three kinds of module of DM2C. No loss, no loop.

Every constructor takes the ``torch.Generator`` its weights are drawn from, so
that PyTorch's global generator is never touched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Normalization = Literal["batch", "layer", "none"]

LEAKY_SLOPE = 0.2
FIRST_STEPS = 15  # of power iteration, before a spectral layer is used
SMALLEST = 1e-12  # that a spectral norm counts as


class PlainLinear(nn.Linear):
    """A linear layer in single precision, whose weights are drawn by whoever makes it."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out, dtype=torch.float32)

    def reset_parameters(self) -> None:
        """Do nothing: PyTorch would draw from its global generator."""


class SpectralLinear(PlainLinear):
    """A linear layer divided by its largest singular value, so that it is 1-Lipschitz.

    One step of power iteration a forward pass in training follows the largest singular
    value (Miyato et al., ICLR 2018).
    """

    left: Tensor

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        self.register_buffer("left", torch.empty(n_out, dtype=torch.float32))

    def start(self, rng: torch.Generator) -> None:
        """Find the largest singular value of the first weights."""
        nn.init.normal_(self.left, generator=rng)
        for _ in range(FIRST_STEPS):
            self._follow()

    def forward(self, x: Tensor) -> Tensor:
        """Apply the normalised layer to ``x``, shape (n, n_in)."""
        right = self._follow() if self.training else self._right()
        left = self.left.clone()  # the next pass writes into the buffer
        sigma = torch.dot(left, self.weight @ right).clamp(min=SMALLEST)
        return F.linear(x, self.weight / sigma, self.bias)

    @torch.no_grad()
    def _right(self) -> Tensor:
        return F.normalize(self.weight.t() @ self.left, dim=0)

    @torch.no_grad()
    def _follow(self) -> Tensor:
        right = self._right()
        self.left.copy_(F.normalize(self.weight @ right, dim=0))
        return right


def _linear(n_in: int, n_out: int, rng: torch.Generator, spectral: bool = False) -> nn.Linear:
    # PyTorch's usual initialisation, drawn from the generator given.
    linear = (SpectralLinear if spectral else PlainLinear)(n_in, n_out)
    bound = 1 / math.sqrt(n_in)
    nn.init.uniform_(linear.weight, -bound, bound, generator=rng)
    nn.init.uniform_(linear.bias, -bound, bound, generator=rng)
    if isinstance(linear, SpectralLinear):
        linear.start(rng)
    return linear


def _normalization(kind: Normalization, width: int) -> list[nn.Module]:
    if kind == "batch":
        return [nn.BatchNorm1d(width, dtype=torch.float32)]
    if kind == "layer":  # no scale and shift: the next linear layer has its own
        return [nn.LayerNorm(width, elementwise_affine=False)]
    return []


def _perceptron(
    widths: Sequence[int], normalization: Normalization, rng: torch.Generator
) -> list[nn.Module]:
    # linear -> activation -> normalisation between all widths, and a linear end.
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        if layers:
            layers += [nn.LeakyReLU(LEAKY_SLOPE), *_normalization(normalization, n_in)]
        layers.append(_linear(n_in, n_out, rng))
    return layers


class ModalityAutoEncoder(nn.Module):
    """Encoder and decoder of one modality: z = Enc(x), x̂ = Dec(z).

    Parameters
    ----------
    n_features : int
        Columns of the modality.
    n_components : int
        Width of the latent space.
    hidden_sizes : sequence of int
        Widths from input to latent; the decoder mirrors them.
    normalization : {"batch", "layer", "none"}
    rng : torch.Generator
        Source of the initial weights.

    Notes
    -----
    As in the authors' code the decoder ends with the activation; a leaky
    rectifier is one-to-one, so nothing becomes unreachable.

    Examples
    --------
    >>> import torch
    >>> from skdm2c.networks import ModalityAutoEncoder
    >>> net = ModalityAutoEncoder(5, 2, (8,), "layer", torch.Generator().manual_seed(0))
    >>> net(torch.zeros(3, 5)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self,
        n_features: int,
        n_components: int,
        hidden_sizes: Sequence[int],
        normalization: Normalization,
        rng: torch.Generator,
    ) -> None:
        super().__init__()
        widths = [n_features, *hidden_sizes, n_components]
        self.encoder = nn.Sequential(*_perceptron(widths, normalization, rng))
        self.decoder = nn.Sequential(
            *_perceptron(widths[::-1], normalization, rng), nn.LeakyReLU(LEAKY_SLOPE)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct ``x``, shape (n, n_features)."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction


class CrossModalGenerator(ModalityAutoEncoder):
    """Map latents of one modality into the latent space of another: G(z).

    Built like an auto-encoder whose input and output are latents: the hidden
    sizes are gone through and mirrored back; the last of them is the bottleneck.

    Parameters
    ----------
    n_components : int
        Width of both latent spaces.
    hidden_sizes : sequence of int
    normalization : {"batch", "layer", "none"}
    rng : torch.Generator
        Source of the initial weights.

    Examples
    --------
    >>> import torch
    >>> from skdm2c.networks import CrossModalGenerator
    >>> net = CrossModalGenerator(4, (8, 4), "none", torch.Generator().manual_seed(0))
    >>> net(torch.zeros(3, 4)).shape
    torch.Size([3, 4])
    """

    def __init__(
        self,
        n_components: int,
        hidden_sizes: Sequence[int],
        normalization: Normalization,
        rng: torch.Generator,
    ) -> None:
        *outer, bottleneck = hidden_sizes
        super().__init__(n_components, bottleneck, outer, normalization, rng)


class ModalityDiscriminator(nn.Module):
    """Score latents of one modality: high for its own, low for those mapped into it.

    Parameters
    ----------
    n_components : int
        Width of the latent space.
    hidden_sizes : sequence of int
    spectral : bool
        Divide every layer by its spectral norm.
    rng : torch.Generator
        Source of the initial weights.

    Examples
    --------
    >>> import torch
    >>> from skdm2c.networks import ModalityDiscriminator
    >>> net = ModalityDiscriminator(4, (8,), False, torch.Generator().manual_seed(0))
    >>> net(torch.zeros(3, 4)).shape
    torch.Size([3])
    """

    def __init__(
        self,
        n_components: int,
        hidden_sizes: Sequence[int],
        spectral: bool,
        rng: torch.Generator,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise([n_components, *hidden_sizes, 1]):
            if layers:
                layers.append(nn.LeakyReLU(LEAKY_SLOPE))
            layers.append(_linear(n_in, n_out, rng, spectral))
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """Scores, shape (n,), of latents ``z``, shape (n, n_components)."""
        scores: Tensor = self.layers(z).squeeze(1)
        return scores
