"""What steps do on the device that trains: nothing made elsewhere, nothing waited for."""

from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from test_training import SETTINGS, make_blocks, make_system, seeded
from torch.utils._python_dispatch import TorchDispatchMode

from skdm2c.networks import ModalityAutoEncoder
from skdm2c.training import (
    AdversarialTraining,
    Callback,
    Examples,
    Passes,
    Pretraining,
    adversarial_phase,
    pretraining_phase,
    regression_phase,
    run_phases,
)

N = 40
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_consecutive"}
WAITING |= {"equal", "allclose", "repeat_interleave", "index by a mask"}
FETCHING = ("tolist", "cpu", "numpy", "item")  # which on a CPU call nothing that can be watched


def pretraining(callback):
    graph = sp.csr_matrix(np.ones((N, N)) - np.eye(N))
    settings, passes = Pretraining(input_noise=0.1), Passes(2, 10, "constant")
    net = ModalityAutoEncoder(4, 2, (8,), "batch", seeded())
    x = torch.randn(N, 4, generator=seeded())

    def train():
        phase = pretraining_phase(
            net, x, lambda: graph, settings, passes, learning_rate=1e-3, rng=seeded(), name="a"
        )
        run_phases([phase], callback)

    return train


def regression(callback):
    net = ModalityAutoEncoder(4, 2, (8,), "layer", seeded()).decoder
    z, x = torch.randn(N, 2, generator=seeded()), torch.randn(N, 4, generator=seeded())
    passes = Passes(2, 10, "linear")

    def train():
        examples = Examples("reconstruction", z, x)
        phase = regression_phase(net, examples, passes, learning_rate=1e-3, rng=seeded(), name="a")
        run_phases([phase], callback)

    return train


def game(callback, **changes):
    system = make_system(spectral=changes.get("lipschitz") == "spectral_norm")
    blocks = make_blocks(system, N)
    settings = AdversarialTraining(**(SETTINGS | changes))

    def train():
        passes = Passes(settings.epochs, 20, "constant")
        run_phases([adversarial_phase(system, blocks, settings, passes, rng=seeded())], callback)

    return train


PHASES = {
    "pretraining": pretraining,
    "regression": regression,
    "clip": game,
    "gradient penalty": lambda callback: game(callback, lipschitz="gradient_penalty"),
    "spectral norm": lambda callback: game(callback, lipschitz="spectral_norm", optimizer="adam"),
    "gan": lambda callback: game(callback, loss="gan", autoencoder_learning_rate=0.0),
}


class Watched(TorchDispatchMode):
    """Notes, epoch by epoch, what is called and with what shapes."""

    def __init__(self):
        super().__init__()
        self.calls = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        shapes = tuple(tuple(a.shape) for a in args if isinstance(a, torch.Tensor))
        name = func._schema.name.removeprefix("aten::")
        if name in ("index", "index_put", "index_put_"):
            masks = [i for i in args[1] if i is not None and i.dtype in (torch.bool, torch.uint8)]
            name = "index by a mask" if masks else name
        self.calls[name, shapes] += 1
        return func(*args, **(kwargs or {}))


class Epochs(Callback):
    """Takes what was noted at the end of each epoch."""

    def __init__(self):
        self.watched, self.epochs = Watched(), []

    def on_epoch_end(self, state, record):
        self.epochs.append(self.watched.calls)
        self.watched.calls = Counter()
        return False


@pytest.mark.parametrize("phase", PHASES)
def test_every_tensor_is_made_where_the_networks_are(phase):
    # Where no device is named, tensors land on "meta", which computes with no other.
    train = PHASES[phase](Callback())
    with torch.device("meta"):
        assert torch.ones(1).is_meta
        train()


def test_a_tensor_made_elsewhere_is_noticed():
    with torch.device("meta"), pytest.raises(RuntimeError, match="meta"):
        torch.ones(3, device="cpu") + torch.ones(3)


@pytest.mark.parametrize("phase", PHASES)
def test_no_step_waits_for_the_device_and_all_have_the_same_shapes(phase, monkeypatch):
    noted = Epochs()
    train = PHASES[phase](noted)
    fetched = Counter()
    for name in FETCHING:
        monkeypatch.setattr(torch.Tensor, name, counted(name, fetched))
    with noted.watched:
        train()
    first, second = noted.epochs
    assert not {name for name, _ in first + second} & WAITING
    assert not second - first  # which has made the optimisers' state besides
    assert fetched == {"tolist": 2}  # the losses of an epoch


def counted(name, counter):
    method = getattr(torch.Tensor, name)

    def call(*args, **kwargs):
        counter[name] += 1
        return method(*args, **kwargs)

    return call


@pytest.mark.parametrize(
    "wait", [lambda x: x.item(), lambda x: x[x > 0], lambda x: x.unique(), lambda x: x.nonzero()]
)
def test_what_waits_is_noticed(wait):
    with Watched() as watched:
        wait(torch.ones(1))
    assert {name for name, _ in watched.calls} & WAITING
