"""Several processes fit one model: the same at each, and as good as one process's."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY
from distributed_program import data, part, regression, scaling
from sklearn.metrics import adjusted_rand_score
from torch import distributed

from skdm2c import (
    Checkpoint,
    MixedModalClustering,
)
from skdm2c.runtime.processes import SINGLE_PROCESS

PROGRAM = Path(__file__).with_name("distributed_program.py")
needs_gloo = pytest.mark.skipif(
    not (distributed.is_available() and distributed.is_gloo_available()),
    reason="needs PyTorch's gloo backend",
)
slow = pytest.mark.slow  # every process imports PyTorch


def torchrun(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def run(what, size, folder):
    child = torchrun("--standalone", f"--nproc-per-node={size}", PROGRAM, what, folder)
    said, _ = child.communicate(timeout=240)
    return child.returncode, said


def results(what, size, folder):
    """What each process has found."""
    code, said = run(what, size, folder)
    assert code == 0, said
    return [dict(np.load(folder / f"{rank}.npz")) for rank in range(size)]


@slow
@needs_gloo
@pytest.mark.parametrize("size", [2, 3])
def test_full_batches_give_what_one_process_gives(size, tmp_path):
    # The mean gradient of all rows is the mean of the processes', by their numbers of rows.
    alone = regression(0, 1, SINGLE_PROCESS)
    for found in results("regression", size, tmp_path):
        np.testing.assert_allclose(found["weights"], alone["weights"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found["losses"], alone["losses"], rtol=1e-5)


@slow
@needs_gloo
def test_all_learn_the_scale_of_all_rows(tmp_path):
    alone, together = scaling(0, 1, SINGLE_PROCESS), results("scaling", 2, tmp_path)
    for rank, found in enumerate(together):
        np.testing.assert_allclose(found["mean"], alone["mean"], rtol=1e-12)
        np.testing.assert_allclose(found["scale"], alone["scale"], rtol=1e-12)
        assert found["scaling"] == alone["scaling"] == "block"
        mine = part(500, rank, 2)
        np.testing.assert_allclose(found["rows"], alone["rows"][mine], rtol=1e-5, atol=1e-6)


@slow
@needs_gloo
@pytest.mark.parametrize("size", [2, 3])
def test_every_process_has_the_same_model_and_its_own_labels(size, tmp_path):
    X = data()
    alone = MixedModalClustering(3, random_state=0, **TINY).fit(X)
    found = results("fit", size, tmp_path)
    labels = np.empty(len(X), dtype=int)
    for rank, one in enumerate(found):
        for name in ("centers", "embedding", "probabilities", "losses"):
            np.testing.assert_array_equal(one[name], found[0][name], err_msg=name)
        labels[part(len(X), rank, size)] = one["labels"]
        np.testing.assert_array_equal(
            one["labels"], one["probabilities"][part(len(X), rank, size)].argmax(axis=1)
        )
    # Batches are others, and so is every weight; clusters are the same but for a few rows.
    for m in range(2):
        mine = X.codes == m
        assert adjusted_rand_score(alone.labels_[mine], labels[mine]) > 0.9


@slow
@needs_gloo
def test_all_learn_from_the_pairs_that_one_process_knows(tmp_path):
    one, other = results("pairs_in_one", 2, tmp_path)
    assert (one["known"], other["known"]) == (50, 0)
    for name in ("embedding", "pairs", "confidence"):
        np.testing.assert_array_equal(one[name], other[name])
    assert (one["pairs"] > 0).all()


@slow
@needs_gloo
def test_without_a_seed_all_draw_the_same(tmp_path):
    one, other = results("without_seed", 2, tmp_path)
    np.testing.assert_array_equal(one["embedding"], other["embedding"])


@slow
@needs_gloo
@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("one_lacks_a_modality", "Modality 'b' has n_samples = 0 here"),
        ("other_columns", "Modality 'b': the columns of this process are not those of"),
    ],
)
def test_what_does_not_fit_together_is_refused(what, message, tmp_path):
    start = time.monotonic()
    code, said = run(what, 2, tmp_path)
    assert code != 0
    assert message in said
    assert time.monotonic() - start < 60


@slow
@needs_gloo
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_process_that_dies_ends_the_job_within_a_minute(tmp_path):
    start = time.monotonic()
    code, said = run("killed", 2, tmp_path)
    assert code != 0
    assert "Signal 9 (SIGKILL)" in said
    assert time.monotonic() - start < 60


@slow
@needs_gloo
def test_an_error_of_the_first_process_is_raised_in_all(tmp_path):
    for rank, found in enumerate(results("aligner_fails", 3, tmp_path)):
        assert "no luck today" in str(found["message"]), rank
        assert found["seconds"] < 20


@slow
@needs_gloo
@pytest.mark.skipif(os.name != "posix", reason="needs SIGSTOP")
def test_a_process_that_is_stopped_is_given_up_at_the_timeout_of_the_group(tmp_path):
    code, said = run("stopped", 2, tmp_path)
    assert code != 0
    found = np.load(tmp_path / "stopped.npz")
    assert 4 < found["seconds"] < 20, said


@slow
@needs_gloo
def test_two_machines_differ_in_the_address_alone(tmp_path):
    # Two agents that meet at an address, here of one machine.
    where = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", "--rdzv-id=test"]
    where.append(f"--rdzv-endpoint=127.0.0.1:{free_port()}")
    agents = [torchrun(*where, PROGRAM, "regression", tmp_path) for _ in range(2)]
    said = [agent.communicate(timeout=240)[0] for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], said
    alone = regression(0, 1, SINGLE_PROCESS)
    for rank in range(2):
        found = np.load(tmp_path / f"{rank}.npz")
        np.testing.assert_allclose(found["weights"], alone["weights"], rtol=1e-5, atol=1e-6)


def free_port():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


# --- In one process -----------------------------------------------------------------------


def test_without_a_group_one_is_told_before_anything(blobs, tiny):
    with pytest.raises(ValueError, match="process_group.*torchrun"):
        tiny.set_params(process_group="world").fit(blobs[0])


@pytest.fixture
def group_of_one(tmp_path):
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@needs_gloo
def test_a_group_of_one_is_one_alone(blobs, tiny, fitted, group_of_one):
    found = tiny.set_params(process_group="world").fit(blobs[0])
    np.testing.assert_array_equal(found.embedding_, fitted.embedding_)
    np.testing.assert_array_equal(found.cluster_centers_, fitted.cluster_centers_)


@needs_gloo
@pytest.mark.parametrize(
    "settings",
    [
        {"callbacks": [Checkpoint("folder")]},
        {"warm_start": True},
        {"networks__normalization": "batch"},
    ],
)
def test_what_a_group_cannot_have_is_named(blobs, tiny, group_of_one, settings):
    name = next(iter(settings)).rpartition("__")[2].replace("callbacks", "Checkpoint")
    tiny.set_params(process_group="world", **settings)
    with pytest.raises(ValueError, match=f"{name}.*process_group='world'"):
        tiny.fit(blobs[0])


def test_alone_nothing_is_averaged():
    x = torch.ones(3)
    SINGLE_PROCESS.average_([x], 0.5)
    assert x.tolist() == [1.0, 1.0, 1.0]
