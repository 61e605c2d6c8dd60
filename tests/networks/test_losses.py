"""Equations (1) to (4) on cases with known answers."""

import math

import pytest
import torch
from torch import nn

from skdm2c.networks import losses


def rows(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_reconstruction_is_zero_for_a_perfect_decoder_and_known_for_a_shift():
    x = rows(7, 3)
    assert losses.reconstruction_loss(x, x) == 0
    shifted = x + torch.tensor([0.0, 1.0, 2.0])
    assert losses.reconstruction_loss(x, shifted).item() == pytest.approx(5 / 3, rel=1e-5)


def test_reconstruction_is_that_of_pytorch():
    x, y = rows(7, 3), rows(7, 3) * 2
    torch.testing.assert_close(losses.reconstruction_loss(x, y), nn.functional.mse_loss(x, y))


def neighborhood(z, z_neighbor, negatives=None, weight=1.0):
    if negatives is None:
        negatives = ~torch.eye(len(z), dtype=torch.bool)
    return losses.neighborhood_loss(z, z_neighbor, negatives, weight).item()


def test_neighbours_that_coincide_and_negatives_far_away_cost_nothing():
    z = torch.tensor([[0.0, 0.0], [1e4, 0.0]])
    assert neighborhood(z, z) == pytest.approx(0, abs=1e-6)


def test_neighbours_far_apart_cost_the_logarithm_of_their_distance():
    z = torch.zeros(2, 2)
    away = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    none = torch.zeros(2, 2, dtype=torch.bool)
    assert neighborhood(z, away, none) == pytest.approx(math.log(26) / 2, rel=1e-6)


def test_negatives_at_distance_one_cost_the_logarithm_of_two():
    z, z_neighbor = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [1.0]])
    assert neighborhood(z, z_neighbor, weight=5.0) == pytest.approx(5 * math.log(2), rel=1e-6)


def test_negatives_that_coincide_cost_much_but_have_no_infinite_slope():
    z = torch.zeros(2, 3, requires_grad=True)
    loss = losses.neighborhood_loss(z, z * 1, ~torch.eye(2, dtype=torch.bool), 1.0)
    assert loss.item() == pytest.approx(-math.log(1e-3), rel=1e-3)
    loss.backward()
    assert torch.isfinite(z.grad).all()


def test_the_neighbourhood_term_does_not_see_rotations_and_shifts():
    z, z_neighbor = rows(9, 3), rows(9, 3) + 0.1
    turn = torch.linalg.qr(rows(3, 3)).Q
    assert neighborhood(z @ turn + 7, z_neighbor @ turn + 7) == pytest.approx(
        neighborhood(z, z_neighbor), rel=1e-4
    )


def test_identity_generators_have_no_cycle_loss():
    z = rows(7, 3)
    there = back = nn.Identity()
    assert losses.cycle_loss(z, back(there(z))) == 0


def test_swapped_clusters_have_no_cycle_loss_either():
    z = torch.tensor([[1.0], [-1.0]])
    assert losses.cycle_loss(z, torch.neg(torch.neg(z))) == 0  # why cycles alone cannot align


def test_cycle_loss_is_the_mean_absolute_error():
    z = rows(7, 3)
    torch.testing.assert_close(losses.cycle_loss(z, 2 * z), z.abs().mean())


def test_a_linear_critic_on_two_point_masses():
    # D(z) = 2 z; real latents all at 3, mapped ones all at 1: E[D] - E[D] = 6 - 2.
    def critic(z):
        return 2 * z[:, 0]

    real, fake = torch.full((5, 1), 3.0), torch.full((4, 1), 1.0)
    assert losses.adversarial_value(critic(real), critic(fake)) == 4
    assert losses.wasserstein_discriminator_loss(critic(real), critic(fake)) == -4
    assert losses.wasserstein_generator_loss(critic(fake)) == -2


def test_the_game_is_zero_sum_in_the_mapped_latents():
    scores = rows(6).requires_grad_()
    (d,) = torch.autograd.grad(losses.wasserstein_discriminator_loss(rows(6), scores), scores)
    (g,) = torch.autograd.grad(losses.wasserstein_generator_loss(scores), scores)
    torch.testing.assert_close(d, -g)


def test_an_undecided_gan_has_the_entropy_of_a_coin():
    zero = torch.zeros(5)
    assert losses.gan_discriminator_loss(zero, zero).item() == pytest.approx(math.log(2))
    assert losses.gan_generator_loss(zero).item() == pytest.approx(math.log(2))


def test_gan_losses_are_cross_entropies():
    real, fake = rows(6), rows(6) * 3
    bce = nn.functional.binary_cross_entropy_with_logits
    expected = (bce(real, torch.ones(6)) + bce(fake, torch.zeros(6))) / 2
    torch.testing.assert_close(losses.gan_discriminator_loss(real, fake), expected)
    torch.testing.assert_close(losses.gan_generator_loss(fake), bce(fake, torch.ones(6)))


@pytest.mark.parametrize("slope", [0.0, 1.0, 3.0])
def test_gradient_penalty_of_a_linear_critic(slope):
    direction = torch.tensor([0.6, 0.8])
    penalty = losses.gradient_penalty(
        lambda z: slope * (z @ direction), rows(6, 2), rows(4, 2), torch.Generator().manual_seed(1)
    )
    assert penalty.item() == pytest.approx((slope - 1) ** 2, abs=1e-5)


def test_gradient_penalty_teaches_the_critic():
    critic = nn.Linear(2, 1)
    penalty = losses.gradient_penalty(
        lambda z: critic(z).squeeze(1), rows(6, 2), -rows(6, 2), torch.Generator()
    )
    penalty.backward()
    assert critic.weight.grad.abs().sum() > 0


def test_the_objective_is_the_weighted_sum():
    terms = torch.tensor([1.0, 10.0, 100.0])
    total = losses.total_objective(
        *terms, lambda_reconstruction=2, lambda_cycle=3, lambda_adversarial=0.5
    )
    assert total == 2 * 1 + 3 * 10 + 0.5 * 100
