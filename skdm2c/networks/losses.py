"""Equations (1) to (4) of the paper as pure functions of tensors.

Source: Jiang, Xu, Yang, Cao, Huang, "DM2C: Deep Mixed-Modal Clustering",
NeurIPS 2019. As in the authors' code, norms are averaged over the columns, so
that one set of weights fits narrow and wide data alike.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

SMALLEST_SQUARE = 1e-3  # of a distance between rows that are to stay apart


def reconstruction_loss(x: Tensor, x_hat: Tensor) -> Tensor:
    """Equation (1): mean squared error between rows and their reconstruction.

    Parameters
    ----------
    x, x_hat : Tensor of shape (n, d)

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> reconstruction_loss(torch.zeros(4, 3), torch.full((4, 3), 2.0))
    tensor(4.)
    """
    return F.mse_loss(x_hat, x)


def neighborhood_loss(
    z: Tensor, z_neighbor: Tensor, negatives: Tensor, negative_weight: float
) -> Tensor:
    """Cross-entropy of neighbours in the latent space: what equation (1) does not keep.

    Two latents are neighbours with probability q = 1 / (1 + d²), d their distance.
    Known neighbours make -log q small, other pairs -log(1 - q).

    Source: the objective of McInnes, Healy, Melville, "UMAP: Uniform Manifold Approximation
    and Projection", arXiv 1802.03426, with the rest of the batch as negatives.

    Parameters
    ----------
    z, z_neighbor : Tensor of shape (n, n_components)
        Row r of the one is a neighbour of row r of the other.
    negatives : Tensor of bool of shape (n, n)
        Which pairs (row of ``z``, row of ``z_neighbor``) are to stay apart.
    negative_weight : float
        Weight of their mean beside the mean over neighbours.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    Neighbours at distance 3, no negatives: log(1 + 9).

    >>> z, none = torch.zeros(1, 2), torch.tensor([[False]])
    >>> neighborhood_loss(z, z + torch.tensor([3.0, 0.0]), none, negative_weight=5.0)
    tensor(2.3026)
    """
    squares = z.square().sum(1)[:, None] + z_neighbor.square().sum(1) - 2 * z @ z_neighbor.t()
    # 1 - q is kept from 0, where two rows coincide.
    apart = squares.clamp(min=SMALLEST_SQUARE)
    log_not_q = apart.log() - apart.log1p()
    repulsion = (log_not_q * negatives).sum() / negatives.sum().clamp(min=1)
    attraction = (z - z_neighbor).square().sum(1).log1p().mean()
    return attraction - negative_weight * repulsion


def cycle_loss(z: Tensor, z_cycled: Tensor) -> Tensor:
    """Equation (2): mean absolute error between latents and the cycled ones, G(G(z)).

    Parameters
    ----------
    z, z_cycled : Tensor of shape (n, n_components)

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> cycle_loss(torch.ones(4, 3), torch.ones(4, 3))
    tensor(0.)
    """
    return F.l1_loss(z_cycled, z)


def adversarial_value(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Equation (3): E[D(z)] - E[D(G(z'))], what the Wasserstein discriminator maximises.

    Parameters
    ----------
    real_scores, fake_scores : Tensor of shape (n,) and (m,)
        Scores of a modality's own latents, and of those mapped into it.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> adversarial_value(torch.tensor([3.0, 1.0]), torch.tensor([-1.0]))
    tensor(3.)
    """
    return real_scores.mean() - fake_scores.mean()


def wasserstein_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Equation (3) turned round, for a discriminator that minimises.

    Parameters
    ----------
    real_scores, fake_scores : Tensor of shape (n,) and (m,)

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> wasserstein_discriminator_loss(torch.tensor([3.0, 1.0]), torch.tensor([-1.0]))
    tensor(-3.)
    """
    return -adversarial_value(real_scores, fake_scores)


def wasserstein_generator_loss(fake_scores: Tensor) -> Tensor:
    """Return what a generator can change of equation (3): -E[D(G(z'))].

    Equation (4) has the encoder minimise E[D(z)] as well; the authors' code leaves
    that out, and so do we: latents would run from the critic without end.

    Parameters
    ----------
    fake_scores : Tensor of shape (n,)

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> wasserstein_generator_loss(torch.tensor([1.0, 3.0]))
    tensor(-2.)
    """
    return -fake_scores.mean()


def gan_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Cross-entropy of the plain GAN, half for the real and half for the mapped latents.

    Parameters
    ----------
    real_scores, fake_scores : Tensor of shape (n,) and (m,)
        Logits.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> gan_discriminator_loss(torch.zeros(2), torch.zeros(3))
    tensor(0.6931)
    """
    return (F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()) / 2


def gan_generator_loss(fake_scores: Tensor) -> Tensor:
    """Loss of a plain GAN's generator that does not saturate: -E[log sigmoid(D(G(z')))].

    Parameters
    ----------
    fake_scores : Tensor of shape (n,)
        Logits.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> gan_generator_loss(torch.zeros(2))
    tensor(0.6931)
    """
    return F.softplus(-fake_scores).mean()


def gradient_penalty(
    discriminator: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    rng: torch.Generator,
) -> Tensor:
    """Mean of (‖∇D(z)‖₂ - 1)² at random points between real and mapped latents.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017.

    Parameters
    ----------
    discriminator : callable
        Scores of shape (n,) for latents of shape (n, n_components).
    real, fake : Tensor of shape (n, n_components) and (m, n_components)
        The longer is cut to the length of the shorter.
    rng : torch.Generator
        Draws the points, on the device of the latents.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    A linear critic of slope 3 is 2 too steep everywhere:

    >>> g = torch.Generator().manual_seed(0)
    >>> gradient_penalty(lambda z: 3 * z[:, 0], torch.zeros(4, 2), torch.ones(4, 2), g)
    tensor(4.)
    """
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
    """Equation (4) for the networks that minimise it.

    Parameters
    ----------
    reconstruction, cycle, adversarial : Tensor of shape ()
        Equations (1) to (3), each summed over modalities.
    lambda_reconstruction : float
        λ₂ of the paper.
    lambda_cycle : float
        λ₁ of the paper.
    lambda_adversarial : float
        Weight of the adversarial part; 1 in the paper's print, 0.5 in its code.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> one = torch.tensor(1.0)
    >>> total_objective(one, one, one, lambda_reconstruction=1, lambda_cycle=2,
    ...                 lambda_adversarial=0.5)
    tensor(3.5000)
    """
    return (
        lambda_adversarial * adversarial
        + lambda_cycle * cycle
        + lambda_reconstruction * reconstruction
    )
