"""The three networks of DM2C: auto-encoder, generator and discriminator.

Every constructor takes the ``torch.Generator`` from which its weights are drawn, so that
PyTorch's global generator is never touched.
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
N_INITIAL_ITERATIONS = 15  # of power iteration, before a spectral layer is used
MIN_SPECTRAL_NORM = 1e-12  # avoids a division by zero


class PlainLinear(nn.Linear):
    """Linear layer in single precision, whose weights are initialised by the caller."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out, dtype=torch.float32)

    def reset_parameters(self) -> None:
        """Do nothing, as PyTorch would draw from its global generator."""


class SpectralLinear(PlainLinear):
    """Linear layer divided by its largest singular value, so that it is 1-Lipschitz.

    In training, each forward pass makes one step of power iteration to update the estimate of
    that singular value (Miyato et al., ICLR 2018).
    """

    left: Tensor  # estimate of the left singular vector, shape (n_out,)

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        self.register_buffer("left", torch.empty(n_out, dtype=torch.float32))

    def start(self, rng: torch.Generator) -> None:
        """Estimate the largest singular value of the initial weights."""
        nn.init.normal_(self.left, generator=rng)
        for _ in range(N_INITIAL_ITERATIONS):
            self._iterate()

    def forward(self, x: Tensor) -> Tensor:
        """Apply the normalised layer to ``x`` of shape (n, n_in)."""
        right = self._iterate() if self.training else self._right_vector()
        left = self.left.clone()  # the next pass writes into the buffer
        sigma = torch.dot(left, self.weight @ right).clamp(min=MIN_SPECTRAL_NORM)
        return F.linear(x, self.weight / sigma, self.bias)

    @torch.no_grad()
    def _right_vector(self) -> Tensor:
        return F.normalize(self.weight.t() @ self.left, dim=0)

    @torch.no_grad()
    def _iterate(self) -> Tensor:
        right = self._right_vector()
        self.left.copy_(F.normalize(self.weight @ right, dim=0))
        return right


def _linear(n_in: int, n_out: int, rng: torch.Generator, spectral: bool = False) -> nn.Linear:
    # The default initialisation of PyTorch, but drawn from ``rng``.
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
    if kind == "layer":  # without scale and shift: the next linear layer learns these
        return [nn.LayerNorm(width, elementwise_affine=False)]
    return []


def _perceptron(
    widths: Sequence[int], normalization: Normalization, rng: torch.Generator
) -> list[nn.Module]:
    # Linear, activation, normalisation for each hidden width; the output layer is linear.
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        if layers:
            layers += [nn.LeakyReLU(LEAKY_SLOPE), *_normalization(normalization, n_in)]
        layers.append(_linear(n_in, n_out, rng))
    return layers


class ModalityAutoEncoder(nn.Module):
    """Auto-encoder of one modality: z = Enc(x), x̂ = Dec(z).

    Parameters
    ----------
    n_features : int
        Number of columns of the modality.
    n_components : int
        Dimension of the latent space.
    hidden_sizes : sequence of int
        Widths of the encoder's hidden layers; the decoder mirrors them.
    normalization : {"batch", "layer", "none"}
        Normalisation after each activation.
    rng : torch.Generator
        Source of the initial weights.

    Notes
    -----
    As in the authors' code, the decoder ends with the activation. A leaky rectifier is
    one-to-one, so the decoder can still output any value.

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
        """Reconstruct rows.

        Parameters
        ----------
        x : Tensor of shape (n, n_features)
            Rows of the modality.

        Returns
        -------
        Tensor of shape (n, n_features)
            Reconstructed rows.
        """
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction


class CrossModalGenerator(ModalityAutoEncoder):
    """Generator that maps latents of one modality into the latent space of another: G(z).

    It is built like an auto-encoder whose input and output are latents.

    Parameters
    ----------
    n_components : int
        Dimension of both latent spaces.
    hidden_sizes : sequence of int
        Widths of the hidden layers down to the bottleneck; mirrored on the way out.
    normalization : {"batch", "layer", "none"}
        Normalisation after each activation.
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
    """Discriminator of one modality, which scores its own latents high and mapped ones low.

    Parameters
    ----------
    n_components : int
        Dimension of the latent space.
    hidden_sizes : sequence of int
        Widths of the hidden layers.
    spectral : bool
        Whether every layer is divided by its spectral norm.
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
        """Score latents.

        Parameters
        ----------
        z : Tensor of shape (n, n_components)
            Latents, of the modality itself or mapped into its latent space.

        Returns
        -------
        Tensor of shape (n,)
            Unbounded scores.
        """
        scores: Tensor = self.layers(z).squeeze(1)
        return scores
