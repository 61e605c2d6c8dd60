"""The same seed gives the same model, wherever it runs; nothing global is touched."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY
from joblib import Parallel, delayed, parallel_config
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from skdm2c import MixedModalClustering, MixedModalData, Networks
from skdm2c.alignment import GeometricAlignment, ModalityView
from skdm2c.datasets import load_handwritten, make_mixed_modal_blobs
from skdm2c.runtime.isolation import isolated

# Shapes that matrix libraries split among threads: narrow data, and wide layers.
NARROW = TINY | {
    "networks": Networks((256,), (8, 4), (8,)),
    "pretrain_epochs": 30,
    "batch_size": 256,
}
# Wide enough for PyTorch and BLAS to use several threads.
WIDE = TINY | {"networks": Networks((400,), (8, 4), (8,)), "pretrain_epochs": 4, "batch_size": 300}


def fit(normalization="layer", random_state=0, n_jobs=None):
    X, _ = make_mixed_modal_blobs(500, n_features=(150, 120), random_state=0)
    model = (
        MixedModalClustering(3, random_state=random_state, n_jobs=n_jobs, **WIDE)
        .set_params(networks__normalization=normalization)
        .fit(X)
    )
    losses = [{k: v for k, v in r.items() if k != "seconds"} for r in model.history_]
    told = {"losses": losses, "confidence": model.alignment_confidence_}
    return model.labels_, model.embedding_, model.cluster_centers_, told


def assert_same(one, other):
    for a, b in zip(one[:3], other[:3], strict=True):
        np.testing.assert_array_equal(a, b)
    assert one[3] == other[3]


@pytest.fixture(scope="module")
def in_main():
    return fit()


def test_in_the_main_process_again(in_main):
    assert_same(in_main, fit())


def test_in_a_thread(in_main):
    results = []
    thread = threading.Thread(target=lambda: results.append(fit()))
    thread.start()
    thread.join()
    assert_same(in_main, results[0])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_in_joblib_workers(in_main, backend):
    for result in Parallel(n_jobs=2, backend=backend)(delayed(fit)() for _ in range(2)):
        assert_same(in_main, result)


@pytest.mark.parametrize("normalization", ["layer", "batch"])
def test_with_any_number_of_threads(normalization):
    before, results = torch.get_num_threads(), []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            results.append(fit(normalization))
    finally:
        torch.set_num_threads(before)
    assert_same(*results)


@pytest.mark.parametrize("n_jobs", [2, -1])
def test_with_any_number_of_jobs(in_main, n_jobs):
    assert_same(in_main, fit(n_jobs=n_jobs))
    with parallel_config("threading", n_jobs=n_jobs):
        assert_same(in_main, fit())


def test_three_modalities_with_any_number_of_jobs(random_blocks, tiny):
    a, b = random_blocks
    X = MixedModalData(a, b, b[:, ::-1])
    expected = tiny.fit_transform(X)
    for n_jobs in (2, 3):
        np.testing.assert_array_equal(tiny.set_params(n_jobs=n_jobs).fit_transform(X), expected)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_threads_are_as_before_after_a_fit(blobs, tiny, n_jobs):
    before = torch.get_num_threads(), [p["num_threads"] for p in threadpool_info()]
    tiny.set_params(n_jobs=n_jobs).fit(blobs[0]).predict(blobs[0])
    assert (torch.get_num_threads(), [p["num_threads"] for p in threadpool_info()]) == before


def test_narrow_data_with_any_number_of_threads():
    X, _ = make_mixed_modal_blobs(600, n_features=(10, 19), random_state=0)
    before, embeddings = torch.get_num_threads(), []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            embeddings.append(MixedModalClustering(3, random_state=0, **NARROW).fit_transform(X))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*embeddings)


def test_alignment_with_any_number_of_blas_threads():
    views, _ = load_handwritten()
    a, b = (StandardScaler().fit_transform(view[::2]) for view in views.values())
    labels, aligner = np.arange(len(a)) % 10, GeometricAlignment(scalings=("unit",))

    @isolated  # as in fit
    def match():
        found = [
            aligner.describe(ModalityView(x, x, labels, 10), np.random.RandomState(0))
            for x in (a, b)
        ]
        return aligner.match(*found, np.random.RandomState(0))

    results = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            results.append(match())
    np.testing.assert_array_equal(results[0].mass, results[1].mass)
    assert results[0].confidence == results[1].confidence


@pytest.mark.parametrize("n_components", [1, 2, 5, 6, 7, 10, 32])
@pytest.mark.parametrize("hidden", [(16,), (30,), (20, 10)])
def test_a_row_gets_the_same_whatever_rows_it_came_with(n_components, hidden):
    X, _ = make_mixed_modal_blobs(1200, n_features=(10, 7), random_state=0)
    sizes = {"n_components": n_components, "networks__autoencoder_hidden_sizes": hidden}
    short = dict.fromkeys(["pretrain_epochs", "alignment_epochs", "adversarial__epochs"], 1)
    model = MixedModalClustering(3, random_state=0, **TINY).set_params(**short | sizes).fit(X)
    order = np.random.RandomState(0).permutation(len(X))[:700]
    found, expected = model.transform(X[order]), model.embedding_[order]
    # To the rounding of single precision, as docs/promises.md says.
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_another_seed_is_another_model(in_main):
    assert not np.array_equal(in_main[1], fit(random_state=1)[1])


def test_a_random_state_moves_on_and_an_int_does_not(blobs):
    X, _ = blobs
    rng = np.random.RandomState(0)
    one, two = (
        MixedModalClustering(3, random_state=rng, **TINY).fit(X).embedding_ for _ in range(2)
    )
    assert not np.array_equal(one, two)


def test_global_generators_are_left_alone(blobs, tiny):
    torch.manual_seed(5)
    np.random.seed(5)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    for change in ({}, {"adversarial__lipschitz": "gradient_penalty"}, {"random_state": None}):
        tiny.set_params(**change).fit(blobs[0]).predict(blobs[0])
    assert torch.equal(torch_state, torch.get_rng_state())
    np.testing.assert_array_equal(numpy_state, np.random.get_state()[1])


def test_in_a_new_process_with_one_thread(in_main, tmp_path):
    code = (
        "import sys, numpy as np; sys.path[:0] = sys.argv[2:];"
        "from test_reproducibility import fit; np.save(sys.argv[1], fit()[1])"
    )
    out = tmp_path / "embedding.npy"
    subprocess.run(
        [sys.executable, "-c", code, out, *map(str, Path(__file__).parents[:2])],
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    np.testing.assert_array_equal(np.load(out), in_main[1])
