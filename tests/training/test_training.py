"""The phases of training: batches, what each phase minimises, and when it stops."""

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from torch import nn

from skdm2c import MixedModalClustering
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.exceptions import TrainingDivergedError
from skdm2c.networks import Architecture, CrossModalSystem, ModalityAutoEncoder, apply_in_chunks
from skdm2c.networks.components import Basis, narrowed, widen_
from skdm2c.networks.losses import adversarial_value
from skdm2c.networks.modules import LEAKY_SLOPE
from skdm2c.training import (
    AdversarialTraining,
    Callback,
    Callbacks,
    DivergenceGuard,
    EarlyStop,
    Examples,
    History,
    Passes,
    Pretraining,
    ProgressLines,
    StratifiedBatches,
    TrainingState,
    adversarial_phase,
    fit_last_layer,
    pretraining_phase,
    regression_phase,
    run_phases,
)
from skdm2c.training.adversarial import map_batch
from skdm2c.training.loop import Phase, descend
from skdm2c.training.neighbors import NeighborSampler
from skdm2c.training.optimizers import make_optimizer, make_schedule

SETTINGS = {
    "epochs": 2,
    "lipschitz": "clip",
    "lambda_adversarial": 0.5,
    "lambda_cycle_reconstruction": 1.0,
    "autoencoder_learning_rate": 1e-3,
    "generator_learning_rate": 1e-3,
    "discriminator_learning_rate": 1e-3,
    "optimizer": "rmsprop",
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make_system(n_features=(4, 3), hub=0, spectral=False):
    arch = Architecture(2, (8,), (8, 4), (8,), "layer", spectral)
    return CrossModalSystem(arch, n_features, hub, seeded())


def make_blocks(system, n=40):
    return [torch.randn(n, d, generator=seeded(d)) for d in system.n_features]


def play(system, blocks, batch_size=20, **changes):
    history = History()
    settings = AdversarialTraining(**(SETTINGS | changes))
    passes = Passes(settings.epochs, batch_size, "constant")
    run_phases([adversarial_phase(system, blocks, settings, passes, rng=seeded(1))], history)
    return history.records


def weights_of(module):
    return torch.cat([p.detach().flatten().clone() for p in module.parameters()])


def test_batches_hold_every_modality_in_its_share():
    batches = StratifiedBatches([90, 30], 16, seeded())
    assert len(batches) == 8
    seen = [torch.cat(parts) for parts in zip(*batches, strict=True)]
    assert [len(x) for x in seen] == [8 * 12, 8 * 4]
    assert len(seen[0][:90].unique()) == 90  # every row once before any comes again


def test_a_tiny_modality_gives_two_rows_to_every_batch():
    batches = StratifiedBatches([1000, 3], 50, seeded())
    assert {tuple(len(x) for x in batch) for batch in batches} == {(50, 2)}


def test_few_rows_are_seen_several_times_an_epoch():
    batches = StratifiedBatches([30], 20, seeded(), min_steps=4)
    seen = torch.cat([x for (x,) in batches])
    assert len(batches) == 4
    assert seen.bincount().tolist() == pytest.approx([80 / 30] * 30, abs=0.7)


@pytest.mark.parametrize(
    ("n_rows", "max_rows", "steps"),
    [([1000], 100, 10), ([90], 100, 9), ([600, 400], 100, 20), ([1000], None, 100), ([1000], 1, 1)],
)
def test_an_epoch_of_many_rows_goes_through_some_of_them(n_rows, max_rows, steps):
    batches = StratifiedBatches(n_rows, 10, seeded(), max_rows=max_rows)
    assert len(batches) == steps
    one, two = (torch.cat([x[0] for x in batches]) for _ in range(2))
    assert len(one) == steps * batches.sizes[0]
    assert len(one.unique()) == len(one)
    assert not torch.equal(one, two)


def test_every_epoch_draws_anew_and_the_seed_decides():
    first, again = (StratifiedBatches([20], 5, seeded()) for _ in range(2))
    one, two = (torch.cat([x for (x,) in first]) for _ in range(2))
    assert not torch.equal(one, two)
    assert torch.equal(one, torch.cat([x for (x,) in again]))


def pretrain(net, x, graph=None, schedule="constant", **changes):
    history = History()
    settings = {"lambda_neighbors": 0.0, "input_noise": 0.0} | changes
    phase = pretraining_phase(
        net, x, graph if graph is None else lambda: graph, Pretraining(**settings),
        Passes(60, 20, schedule), learning_rate=1e-2, rng=seeded(), name="line",
    )  # fmt: skip
    run_phases([phase], history)
    return history.records


def test_pretraining_learns_a_line():
    t = torch.linspace(-1, 1, 200)[:, None]
    x = torch.cat([t, 2 * t, -t], dim=1)
    records = pretrain(ModalityAutoEncoder(3, 1, (16,), "layer", seeded()), x)
    assert records[-1]["reconstruction"] < 0.02
    assert {r["modality"] for r in records} == {"line"}


def test_pretraining_brings_neighbours_together():
    group = torch.arange(60) % 2
    same = group[:, None] == group
    x = torch.randn(60, 8, generator=seeded())
    x[:, 0] += 2 * group  # one column of eight tells the groups apart; the graph knows them
    graph = sp.csr_matrix(same.numpy() * (1.0 - np.eye(60)))

    def contrast(graph, **changes):
        net = ModalityAutoEncoder(8, 2, (32,), "layer", seeded())
        records = pretrain(net, x, graph, **changes)
        with torch.no_grad():
            distances = torch.cdist(net.encoder(x), net.encoder(x))
        return distances[~same].mean() / distances[same].mean(), records

    plain, _ = contrast(None)
    kept, records = contrast(graph, lambda_neighbors=1.0, schedule="linear")
    assert records[-1]["neighbors"] < records[0]["neighbors"]
    assert plain < 1.5
    assert kept > 2 * plain


def test_neighbours_are_drawn_by_the_weights_of_their_edges():
    graph = sp.csr_matrix(np.array([[0, 1, 0.5], [1, 0, 0], [0.5, 0, 0]]))
    sampler = NeighborSampler(graph, torch.device("cpu"))
    drawn = sampler.draw(torch.zeros(30000, dtype=torch.long), seeded())
    assert torch.bincount(drawn).tolist() == pytest.approx([0, 20000, 10000], abs=400)
    assert set(sampler.draw(torch.ones(50, dtype=torch.long), seeded()).tolist()) == {0}


def test_a_linear_schedule_ends_at_a_hundredth():
    optimizer = make_optimizer("adam", [(torch.nn.Linear(2, 1), 1.0)])
    schedule, rates = make_schedule("linear", optimizer, 100), []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[:51] == [1.0] * 51
    assert rates[-1] == pytest.approx(0.02)
    assert min(rates) >= 0.01


def test_a_network_learns_from_examples():
    z = torch.randn(100, 2, generator=seeded())
    x = torch.cat([z, -z], dim=1)
    network = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(), nn.Linear(16, 4))
    history = History()
    training = regression_phase(
        network, Examples("error", z, x), Passes(60, 20, "linear"),
        learning_rate=1e-2, rng=seeded(), name="a",
    )  # fmt: skip
    run_phases([training], history)
    assert history.records[-1]["error"] < 0.01
    assert (network(z) - x).square().mean() < 0.01
    assert {(r["phase"], r["modality"]) for r in history.records} == {("alignment", "a")}
    assert not network.training


def with_last_layer(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out), nn.LeakyReLU(LEAKY_SLOPE))


def test_the_last_layer_is_fitted_to_targets_of_either_sign():
    z = torch.randn(500, 3, generator=seeded())
    true = with_last_layer(3, 7)
    network = with_last_layer(3, 7)
    fit_last_layer(network, [Examples("error", z, true(z).detach())], 1e-3)
    explained = 1 - (network(z) - true(z)).square().mean() / true(z).var()
    assert explained > 0.99


@pytest.mark.parametrize("n_repeats", [1, 100])
def test_examples_that_disagree_are_weighed(n_repeats):
    z = torch.rand(1000, 2, generator=seeded()) + 1
    network = with_last_layer(2, 1)
    total = z.sum(dim=1, keepdim=True)
    others = z[:200].repeat(n_repeats, 1)
    fit_last_layer(
        network,
        [Examples("first", z, total), Examples("other", others, 3 + 0 * others[:, :1], 1e3)],
        1e-2,
    )
    assert (network(z) - 3).abs().mean() < 0.05  # the heavier examples
    fit_last_layer(
        network,
        [Examples("first", z, total), Examples("other", others, 3 + 0 * others[:, :1], 0)],
        1e-2,
    )
    assert (network(z) - total).abs().mean() < 0.05


def test_an_auto_encoder_of_components_does_what_that_of_rows_does():
    rng = np.random.RandomState(0)
    rows = (rng.randn(50, 3) @ rng.randn(3, 20) + rng.randn(20)).astype(np.float32)
    mean = rows.mean(axis=0)
    components = np.linalg.svd(rows - mean, full_matrices=False)[2][:3].T
    basis = Basis(components.astype(np.float32), mean)
    wide = ModalityAutoEncoder(20, 2, (8,), "layer", seeded()).eval()
    small = narrowed(wide, basis)
    x, coordinates = (
        torch.from_numpy(rows),
        torch.from_numpy(basis.coordinates(rows, np.arange(50))),
    )
    torch.testing.assert_close(small.encoder(coordinates), wide.encoder(x), rtol=1e-4, atol=1e-4)
    other = ModalityAutoEncoder(20, 2, (8,), "layer", seeded(1)).eval()
    widen_(other, small, basis)
    torch.testing.assert_close(other.encoder(x), wide.encoder(x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        other.decoder[:-1](wide.encoder(x)) @ torch.from_numpy(basis.components),
        small.decoder[:-1](wide.encoder(x)) + torch.from_numpy(mean @ basis.components),
        rtol=1e-4,
        atol=1e-4,
    )


def test_autoencoders_without_a_learning_rate_stay_as_they_are():
    system = make_system()
    before = [weights_of(net) for net in (system.autoencoders, system.generators)]
    play(system, make_blocks(system), autoencoder_learning_rate=0.0)
    assert torch.equal(before[0], weights_of(system.autoencoders))
    assert not torch.equal(before[1], weights_of(system.generators))
    assert all(p.requires_grad for p in system.parameters())


def test_a_batch_goes_there_and_back():
    system = make_system((4, 3, 5), hub=1)
    batch = make_blocks(system, 6)
    image = map_batch(system, batch)
    assert set(image.mapped) == {(0, 1), (1, 0), (2, 1), (1, 2)}
    there, back = system.generator_of(2, 1), system.generator_of(1, 2)
    torch.testing.assert_close(image.cycled[2, 1], back(there(image.latents[2])))


@pytest.mark.parametrize("lipschitz", ["clip", "gradient_penalty", "spectral_norm", None])
@pytest.mark.parametrize("game", ["wasserstein", "gan"])
def test_every_game_trains_every_network(lipschitz, game):
    system = make_system(spectral=lipschitz == "spectral_norm")
    parts = (system.autoencoders, system.generators, system.discriminators)
    before = [weights_of(part) for part in parts]
    records = play(system, make_blocks(system), lipschitz=lipschitz, loss=game)
    assert [r["epoch"] for r in records] == [0, 1]
    assert all(
        np.isfinite(r[k]) for r in records for k in ("reconstruction", "cycle", "adversarial")
    )
    for part, old in zip(parts, before, strict=True):
        assert not torch.equal(weights_of(part), old)


def test_clipping_bounds_the_discriminators():
    system = make_system()
    play(system, make_blocks(system), clip_value=0.01)
    assert weights_of(system.discriminators).abs().max() <= 0.01


def test_discriminators_rest_while_generators_step():
    system = make_system()
    before = weights_of(system.discriminators)
    play(system, make_blocks(system), discriminator_learning_rate=1e-30, lipschitz=None)
    torch.testing.assert_close(before, weights_of(system.discriminators))


@pytest.mark.parametrize(("generator_steps", "expected"), [(1, 8), (2, 4), (3, 2), (50, 2)])
def test_discriminator_steps_are_counted_within_an_epoch(monkeypatch, generator_steps, expected):
    # 80 rows in batches of 20 are 4 steps an epoch, and there are 2 epochs.
    from skdm2c.training import adversarial

    calls = []
    original = adversarial._maximize
    monkeypatch.setattr(adversarial, "_maximize", lambda *args: (calls.append(1), original(*args)))
    system = make_system()
    play(system, make_blocks(system), generator_steps=generator_steps)
    assert len(calls) == expected


def test_the_critic_learns_to_tell_mapped_latents():
    # With everything else at rest, E[D(z)] - E[D(G(z'))] must grow: it is what D maximises.
    system = make_system()
    blocks = make_blocks(system, 200)

    def value():
        image = map_batch(system, blocks)
        return sum(
            adversarial_value(
                system.discriminators[t](image.latents[t]), system.discriminators[t](z)
            )
            for (_, t), z in image.mapped.items()
        ).item()

    before = value()
    play(
        system, blocks, epochs=20, generator_learning_rate=1e-30,
        autoencoder_learning_rate=1e-30, discriminator_learning_rate=1e-2, clip_value=0.5,
    )  # fmt: skip
    assert value() > before + 0.01


def test_cycle_training_makes_generators_inverses():
    system = make_system()
    records = play(
        system, make_blocks(system, 100), epochs=60, lambda_adversarial=0.0,
        generator_learning_rate=5e-3, lambda_reconstruction=0.0, lambda_cycle_reconstruction=0.0,
        autoencoder_learning_rate=1e-30,
    )  # fmt: skip
    assert records[-1]["cycle"] < 0.6 * records[0]["cycle"]


def run(losses, callback, phase="adversarial", where=None, n_epochs=2):
    """A phase whose steps give these losses and learn nothing."""
    state = TrainingState(phase, nn.Linear(1, 1), {}, {}, seeded(), where or {})
    tensors = [{k: torch.tensor(v) for k, v in step.items()} for step in losses]
    run_phases([Phase(state, tensors, n_epochs, lambda: lambda batch: batch)], callback)
    return state


def test_the_loop_averages_over_steps_and_tells_what_when():
    told = []

    class Listener(Callback):
        def on_phase_begin(self, state):
            told.append(("begin", state.epoch))

        def on_epoch_end(self, state, record):
            told.append((record["epoch"], record["cycle"]))
            return state.epoch == 2

        def on_phase_end(self, state):
            told.append(("end", state.epoch))

    run([{"cycle": 1.0}, {"cycle": 4.0}], Listener(), n_epochs=5)
    assert told == [("begin", 0), (0, 2.5), (1, 2.5), ("end", 2)]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_training_is_stopped(bad):
    history = History()
    guarded = Callbacks([history, DivergenceGuard()])
    with pytest.raises(TrainingDivergedError, match=r"cycle loss.*epoch 1 of the adversarial"):
        run([{"reconstruction": 1.0, "cycle": bad}], guarded)
    assert len(history.records) == 1  # what happened is kept
    with pytest.raises(TrainingDivergedError, match="modality 'rna'.*learning_rate"):
        run([{"reconstruction": bad}], guarded, "pretraining", {"modality": "rna"})


def test_one_callback_of_several_can_end_a_phase_and_all_are_told():
    class Enough(Callback):
        def on_epoch_end(self, state, record):
            return True

    history = History()
    state = run([{"cycle": 1.0}], Callbacks([Enough(), history]), n_epochs=9)
    assert state.epoch == len(history.records) == 1


@pytest.mark.parametrize(("verbose", "n_lines"), [(0, 0), (1, 5), (2, 20)])
def test_progress_is_as_loud_as_asked(verbose, n_lines):
    lines = []
    progress = ProgressLines(verbose, lines.append)
    run([{"reconstruction": 0.5}], progress, "pretraining", {"modality": "a"}, n_epochs=20)
    assert len(lines) == n_lines
    assert lines[-1:] == ["pretraining a    20/20  reconstruction 0.5000"][:n_lines]


def test_three_epochs_and_three_from_a_saved_state_are_six():
    x = torch.randn(40, 3, generator=seeded())

    def begin():
        net = ModalityAutoEncoder(3, 2, (8,), "batch", seeded())
        optimizer = make_optimizer("adam", [(net, 1e-2)])
        batches = StratifiedBatches([len(x)], 8, rng := seeded(1))
        schedule = make_schedule("linear", optimizer, 6 * len(batches))
        state = TrainingState("pretraining", net, {"adam": optimizer}, {"adam": schedule}, rng)

        def step(batch):
            noisy = x[batch[0]] + torch.randn(len(batch[0]), 3, generator=rng)
            loss = (net(noisy) - x[batch[0]]).square().mean()
            descend(state, "adam", loss)
            return {"reconstruction": loss.detach()}

        return state, lambda n: run_phases([Phase(state, batches, n, lambda: step)], Callback())

    whole, train = begin()
    train(6)
    half, train = begin()
    train(3)
    file = io.BytesIO()
    torch.save(half.state_dict(), file)
    file.seek(0)
    other, train = begin()
    other.load_state_dict(torch.load(file, weights_only=True))
    assert other.epoch == 3
    train(6)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, other.network.state_dict()[name]), name
    assert torch.equal(whole.rng.get_state(), other.rng.get_state())


def test_the_state_of_another_phase_is_refused():
    rna, atac = (
        TrainingState("pretraining", nn.Linear(1, 1), {}, {}, seeded(), {"modality": m})
        for m in ("rna", "atac")
    )
    with pytest.raises(ValueError, match="'atac'.*'rna'"):
        atac.load_state_dict(rna.state_dict())


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 511, 512, 513, 1100])
def test_chunks_put_together_are_the_whole(n):
    x = np.random.RandomState(0).randn(n, 3).astype(np.float32)
    out = apply_in_chunks(lambda t: 2 * t[:, :2], x, torch.device("cpu"))
    np.testing.assert_array_equal(out, 2 * x[:, :2])


def test_a_rows_result_does_not_depend_on_its_company():
    net = ModalityAutoEncoder(30, 8, (300,), "layer", seeded()).eval()
    x = np.random.RandomState(0).randn(700, 30).astype(np.float32)
    whole = apply_in_chunks(net.encoder, x, torch.device("cpu"))
    alone = np.concatenate(
        [apply_in_chunks(net.encoder, x[i : i + 1], torch.device("cpu")) for i in range(40)]
    )
    np.testing.assert_array_equal(whole[:40], alone)


def test_optimisers_have_a_rate_for_each_module():
    opt = make_optimizer("adam", [(nn.Linear(2, 2), 0.1), (nn.Linear(2, 2), 0.2)], 0.01)
    assert [g["lr"] for g in opt.param_groups] == [0.1, 0.2]
    assert opt.defaults["betas"] == (0.5, 0.999)
    assert opt.defaults["weight_decay"] == 0.01


def test_a_phase_ends_when_losses_no_longer_fall():
    losses = [3.0, 2.0, 2.0 - 1e-6, 1.99, 1.99, 1.99, 1.0]
    history = History()
    records = iter(losses)

    class Step:
        def __call__(self, batch):
            return {"reconstruction": torch.tensor(next(records)), "adversarial": torch.tensor(0.0)}

    state = TrainingState("adversarial", torch.nn.Module(), {}, {}, seeded())
    run_phases([Phase(state, [None], 7, Step)], Callbacks([history, EarlyStop(2, tol=1e-4)]))
    assert [record["reconstruction"] for record in history.records] == pytest.approx(losses[:6])


def ends(stop, state, records):
    """Whether each of these epochs ends the phase."""
    stop.on_phase_begin(state)
    found = []
    for record in records:
        state.records.append(record)
        found.append(stop.on_epoch_end(state, record))
    return found


def phase_without_network(name):
    return TrainingState(name, torch.nn.Module(), {}, {}, seeded())


def test_the_adversarial_loss_does_not_end_a_phase():
    records = [{"cycle": 1 / n, "adversarial": n} for n in range(1, 9)]
    assert ends(EarlyStop(1), phase_without_network("adversarial"), records) == [False] * 8


def test_an_early_stop_begins_anew_with_each_phase():
    stop = EarlyStop(1)
    for _ in range(2):
        records = [{"cycle": 1.0}, {"cycle": 1.0}]
        assert ends(stop, phase_without_network("pretraining"), records) == [False, True]


# --- Together -----------------------------------------------------------------------------


class Witness(Callback):
    """Notes who is looked at, and whether anybody trains meanwhile."""

    def __init__(self, training, stop_at=None, error=None):
        self.training, self.stop_at, self.error = training, stop_at, error
        self.seen = []

    def note(self, *what):
        assert threading.current_thread() is threading.main_thread()
        assert not any(self.training.values())
        self.seen.append(what)
        if what == self.stop_at:
            raise self.error

    def on_phase_begin(self, state):
        self.note("begin", state.phase)

    def on_epoch_end(self, state, record):
        self.note(state.phase, record["epoch"])
        return state.phase == "b" and record["epoch"] == 1

    def on_phase_end(self, state):
        self.note("end", state.phase)


def phases_of(names, training, n_epochs=3):
    def step_of(name):
        def step(batch):
            training[name] = True
            time.sleep(0.001 * (5 - len(name)))
            training[name] = False
            return {"loss": torch.tensor(0.0)}

        return step

    return [
        Phase(phase_without_network(name), [None] * 2, n_epochs, partial(step_of, name))
        for name in names
    ]


@pytest.mark.parametrize("n_threads", [2, 3, 7])
def test_the_order_of_calls_does_not_depend_on_which_phase_is_faster(n_threads):
    def order(names, n_threads):
        training = {}
        witness = Witness(training)
        run_phases(phases_of(names, training), witness, n_threads)
        return witness.seen

    before = threading.active_count()
    calls = order(["aaaa", "b"], n_threads)
    assert calls == [
        ("begin", "aaaa"), ("begin", "b"), ("aaaa", 0), ("b", 0), ("aaaa", 1), ("b", 1),
        ("end", "b"), ("aaaa", 2), ("end", "aaaa"),
    ]  # fmt: skip
    one_by_one = order(["aaaa", "b"], 1)
    assert sorted(map(str, one_by_one)) == sorted(map(str, calls))
    assert threading.active_count() == before


@pytest.mark.parametrize("at", [("begin", "b"), ("a", 1), ("b", 0), ("end", "b")])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_a_callback_raises_ends_all_threads(at, error):
    before, training = threading.active_count(), {}
    with pytest.raises(error):
        run_phases(phases_of(["a", "b"], training), Witness(training, at, error), 2)
    assert threading.active_count() == before


def test_what_a_step_raises_ends_all_phases():
    def fail():
        raise ZeroDivisionError

    before, training = threading.active_count(), {}
    witness = Witness(training)
    phases = phases_of(["a"], training)
    phases.append(Phase(phase_without_network("b"), [None], 3, fail))
    with pytest.raises(ZeroDivisionError):
        run_phases(phases, witness, 2)
    assert witness.seen == [("begin", "a"), ("begin", "b")]
    assert threading.active_count() == before


def test_a_phase_that_is_over_prepares_nothing():
    def fail():
        pytest.fail("prepared")

    phase = Phase(phase_without_network("a"), [None], 0, fail)
    run_phases([phase], Callback())


def test_steps_without_training_are_reported_too(capsys, caplog):
    X, _ = make_mixed_modal_blobs(90, random_state=0)
    caplog.set_level("INFO", logger="skdm2c")
    model = MixedModalClustering(3, pretrain_epochs=1, verbose=1, random_state=0).fit(X)
    printed, logged = capsys.readouterr().out.splitlines(), caplog.messages
    for lines in (printed, logged):
        assert "matching 'b' with 'a'" in lines or "matching 'a' with 'b'" in lines
        assert "coupling rows" in lines or model.alignment_confidence_ < 0.3
        assert lines[-1].startswith("90 rows in 3 clusters, confidence 0.")


def test_lines_of_parallel_fits_name_their_fit(caplog):
    X, _ = make_mixed_modal_blobs(60, random_state=0)
    caplog.set_level("INFO", logger="skdm2c")
    quick = MixedModalClustering(2, alignment=None, pretrain_epochs=1, random_state=0)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: clone(quick).fit(X), range(2)))
    prefixes = {message.split("] ")[0] for message in caplog.messages}
    assert len(prefixes) == 2
    assert all("fit " in prefix for prefix in prefixes)
