"""Loss functions: equations (1) to (4) of the paper and the neighbourhood loss.

Source: Jiang, Xu, Yang, Cao, Huang, "DM2C: Deep Mixed-Modal Clustering", NeurIPS 2019. As in
the authors' code, norms are averaged over the columns, so that the same weights suit narrow and
wide data.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

MIN_SQUARED_DISTANCE = 1e-3  # lower bound for negative pairs, whose repulsion diverges at 0


def reconstruction_loss(x: Tensor, x_hat: Tensor) -> Tensor:
    """Return the mean squared error of reconstructions ``x_hat`` of rows ``x``: equation (1)."""
    return F.mse_loss(x_hat, x)


def neighborhood_loss(
    z: Tensor, z_neighbor: Tensor, negatives: Tensor, negative_weight: float
) -> Tensor:
    """Return the UMAP cross-entropy of latents ``z`` and their neighbours, both of shape (n, k).

    Row i of ``z_neighbor`` is a neighbour of row i of ``z``; ``negatives``, a mask of shape
    (n, n), marks the pairs (row of ``z``, row of ``z_neighbor``) that repel each other.
    """
    # McInnes, Healy, Melville, "UMAP: Uniform Manifold Approximation and Projection",
    # arXiv 1802.03426, with the rest of the batch as negatives. Two latents at distance d are
    # neighbours with probability q = 1 / (1 + d²): neighbours minimise -log q, negatives
    # -log(1 - q), each averaged.
    squares = z.square().sum(1)[:, None] + z_neighbor.square().sum(1) - 2 * z @ z_neighbor.t()
    clamped = squares.clamp(min=MIN_SQUARED_DISTANCE)
    log_not_q = clamped.log() - clamped.log1p()
    repulsion = (log_not_q * negatives).sum() / negatives.sum().clamp(min=1)
    attraction = (z - z_neighbor).square().sum(1).log1p().mean()
    return attraction - negative_weight * repulsion


def cycle_loss(z: Tensor, z_cycled: Tensor) -> Tensor:
    """Return the mean absolute error of cycled latents G(G(z)): equation (2)."""
    return F.l1_loss(z_cycled, z)


def adversarial_value(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Return E[D(z)] - E[D(G(z'))], which a Wasserstein discriminator maximises: equation (3)."""
    return real_scores.mean() - fake_scores.mean()


def wasserstein_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Return the negative of equation (3), which the discriminator minimises."""
    return -adversarial_value(real_scores, fake_scores)


def wasserstein_generator_loss(fake_scores: Tensor) -> Tensor:
    """Return the part of equation (3) that depends on the generator: -E[D(G(z'))]."""
    # In equation (4) the encoder minimises E[D(z)], too. The authors' code leaves this out, and
    # so do we: latents would move away from the discriminator without bound.
    return -fake_scores.mean()


def gan_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Return the cross-entropy of a plain GAN; real and mapped latents each count one half."""
    return (F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()) / 2


def gan_generator_loss(fake_scores: Tensor) -> Tensor:
    """Return the non-saturating loss of a plain GAN's generator, -E[log sigmoid(D(G(z')))]."""
    return F.softplus(-fake_scores).mean()


def gradient_penalty(
    discriminator: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    rng: torch.Generator,
) -> Tensor:
    """Return the mean of (‖∇D(z)‖₂ - 1)² at random points between real and mapped latents.

    ``real`` of shape (n, k) and ``fake`` of shape (m, k) are cut to the same length.
    """
    # Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017.
    n = min(len(real), len(fake))
    mix = torch.rand(n, 1, generator=rng, dtype=real.dtype, device=real.device)
    points = torch.lerp(real[:n].detach(), fake[:n].detach(), mix).requires_grad_()
    (slopes,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
    penalty: Tensor = (slopes.norm(dim=1) - 1).square().mean()
    return penalty


def total_objective(
    reconstruction: Tensor,
    cycle: Tensor,
    adversarial: Tensor,
    *,
    lambda_reconstruction: float,
    lambda_cycle: float,
    lambda_adversarial: float,
) -> Tensor:
    """Return the weighted sum of equations (1) to (3), each summed over modalities: equation (4).

    ``lambda_cycle`` and ``lambda_reconstruction`` are λ₁ and λ₂ of the paper;
    ``lambda_adversarial`` is 1 in the paper and 0.5 in its code.
    """
    return (
        lambda_adversarial * adversarial
        + lambda_cycle * cycle
        + lambda_reconstruction * reconstruction
    )
