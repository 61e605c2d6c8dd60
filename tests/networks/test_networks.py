"""Modules: shapes, where weights come from, and what normalises them."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from skdm2c import AdversarialTraining
from skdm2c.networks import Architecture, CrossModalSystem
from skdm2c.networks.modules import (
    CrossModalGenerator,
    ModalityAutoEncoder,
    SpectralLinear,
)
from skdm2c.runtime.processes import SINGLE_PROCESS
from skdm2c.training.adversarial import _maximize, map_batch


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def widths(module):
    return [(m.in_features, m.out_features) for m in module.modules() if isinstance(m, nn.Linear)]


def make_system(n_features=(5, 3, 4), hub=1, **kwargs):
    sizes = {
        "n_components": 2,
        "autoencoder_hidden_sizes": (8,),
        "generator_hidden_sizes": (6, 4),
        "discriminator_hidden_sizes": (7,),
        "normalization": "layer",
        "spectral": False,
    }
    return CrossModalSystem(Architecture(**(sizes | kwargs)), n_features, hub, rng())


def test_the_published_sizes():
    net = ModalityAutoEncoder(2048, 128, (1024, 256), "batch", rng())
    assert widths(net.encoder) == [(2048, 1024), (1024, 256), (256, 128)]
    assert widths(net.decoder) == [(128, 256), (256, 1024), (1024, 2048)]
    assert widths(CrossModalGenerator(128, (128, 256, 128), "batch", rng())) == [
        (128, 128), (128, 256), (256, 128), (128, 256), (256, 128), (128, 128),
    ]  # fmt: skip


def test_latents_are_a_linear_end():
    net = ModalityAutoEncoder(5, 2, (8,), "batch", rng())
    assert isinstance(net.encoder[-1], nn.Linear)
    assert isinstance(net.decoder[-1], nn.LeakyReLU)


def test_hub_and_spokes():
    system = make_system()
    assert system.edges == [(0, 1), (1, 0), (2, 1), (1, 2)]
    x = torch.randn(6, 5, generator=rng())
    assert system.unify(x, 0).shape == (6, 2)
    assert system.translate(x, 0, 2).shape == (6, 4)
    assert torch.equal(system.translate(x, 0, 0), system.autoencoders[0](x))
    hub_rows = torch.randn(6, 3, generator=rng())
    assert torch.equal(system.unify(hub_rows, 1), system.encode(hub_rows, 1))


def test_weights_come_from_the_generator_given_alone():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first, second = (make_system(spectral=True).state_dict() for _ in range(2))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_initial_weights_have_the_usual_scale():
    layer = ModalityAutoEncoder(400, 2, (50,), "none", rng()).encoder[0]
    bound = 400**-0.5
    assert layer.weight.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


@pytest.mark.parametrize("std", [3.0, 1e-20])
def test_spectral_layers_have_norm_one_from_the_start(std):
    layer = SpectralLinear(6, 5)
    nn.init.normal_(layer.weight, std=std, generator=rng())
    nn.init.zeros_(layer.bias)
    layer.start(rng())
    expected = min(1.0, torch.linalg.matrix_norm(layer.weight, 2).item() / 1e-12)
    for _ in range(2):
        matrix = layer(torch.eye(6)).detach()
        assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(expected, rel=0.02)


def test_a_spectral_layer_without_weights_gives_numbers():
    layer = SpectralLinear(3, 2)
    nn.init.zeros_(layer.weight), nn.init.zeros_(layer.bias)
    layer.start(rng())
    assert torch.equal(layer(torch.ones(1, 3)), torch.zeros(1, 2))


def test_spectral_layers_have_norm_one():
    layer = SpectralLinear(6, 5)
    nn.init.normal_(layer.weight, std=3.0, generator=rng())
    layer.start(rng())
    nn.init.zeros_(layer.bias)
    for _ in range(200):
        layer(torch.zeros(1, 6))
    layer.eval()
    matrix = layer(torch.eye(6)).detach()
    assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1.0, abs=1e-4)


def test_the_gradient_penalty_scales_with_the_adversarial_loss():
    def slopes(lambda_adversarial):
        """Gradients of the discriminators after one step on the same batch."""
        rng = torch.Generator().manual_seed(0)
        system = make_system()
        settings = AdversarialTraining(
            1, lipschitz="gradient_penalty", lambda_adversarial=lambda_adversarial
        )
        x = [torch.randn(8, width, generator=rng) for width in system.n_features]
        state = SimpleNamespace(
            rng=rng,
            optimizers={"maximizer": torch.optim.SGD(system.discriminators.parameters(), 0.0)},
            schedules={}, processes=SINGLE_PROCESS, weight=1.0,
        )  # fmt: skip
        _maximize(state, system, map_batch(system, x), settings)
        return [p.grad for p in system.discriminators.parameters() if p.grad is not None]

    for half, whole in zip(slopes(0.5), slopes(1.0), strict=True):
        torch.testing.assert_close(2 * half, whole)
