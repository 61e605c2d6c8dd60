"""Data with more rows than are looked at together, at toy size: the bound is lowered."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import normalize

from skdm2c import MixedModalClustering, MixedModalData
from skdm2c.clustering.mixture import Clusters
from skdm2c.clustering.neighbors import principal_components, row_graph
from skdm2c.data import rows, scaling
from skdm2c.data.prepared import prepare
from skdm2c.data.sample import draw_sample
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.runtime.processes import SINGLE_PROCESS

SEEN = 80


@pytest.fixture
def few_seen(monkeypatch):
    monkeypatch.setattr(rows, "MAX_SAMPLED_ROWS", SEEN)


def test_neighbours_of_many_rows_are_the_nearest_of_those_drawn(few_seen):
    x = np.random.RandomState(0).randn(300, 6).astype(np.float32)
    graph = row_graph(x, 5, 30, seed=0)
    drawn = np.unique(graph.indices)
    assert len(drawn) <= SEEN
    assert (np.diff(graph.indptr) == 5).all()
    assert (graph.diagonal() == 0).all()
    # All 6 components are kept, so that directions are those of the rows less a mean.
    unit = normalize(x - x[drawn].mean(axis=0)).astype(np.float64)
    farther = unit @ unit[drawn].T
    farther[drawn, np.arange(len(drawn))] = -2
    nearest = np.sort(farther, axis=1)[:, -5:].mean()
    found = np.einsum("nd,nkd->nk", unit, unit[graph.indices.reshape(300, 5)]).mean()
    assert found == pytest.approx(nearest, abs=1e-3)


def test_a_graph_of_few_rows_is_of_all(few_seen):
    x = np.random.RandomState(0).randn(SEEN, 6).astype(np.float32)
    assert len(np.unique(row_graph(x, 5, 30, seed=0).indices)) == SEEN


def test_a_sample_knows_which_rows_it_holds(few_seen):
    x, y = np.arange(200.0)[:, None], -np.arange(100.0)[:, None] - 1
    data = MixedModalData(x, y)[np.random.RandomState(0).permutation(300)]
    sample = draw_sample(prepare(data, (2, 2), False), {}, seed=0, processes=SINGLE_PROCESS)
    assert [len(part) for part in sample.rows] == [SEEN, SEEN]
    together = np.empty(len(sample.at))
    for code, part in enumerate(sample.rows):
        together[sample.codes == code] = part.ravel()
    given = np.empty(300)
    for code, block in enumerate(data.blocks.values()):
        given[data.codes == code] = block.ravel()
    np.testing.assert_array_equal(together, given[sample.at])
    np.testing.assert_array_equal(sample.codes, data.codes[sample.at])


@pytest.mark.parametrize("assignment", ["mixture", "kmeans"])
@pytest.mark.parametrize("held", [True, False])
def test_all_rows_get_labels_though_some_are_looked_at(few_seen, monkeypatch, assignment, held):
    if not held:
        monkeypatch.setattr(scaling, "MAX_HELD", 0)
        monkeypatch.setattr(rows, "MIN_SAMPLED_ROWS", SEEN)
    X, y = make_mixed_modal_blobs(600, random_state=0)
    model = MixedModalClustering(
        3, max_epoch_rows=SEEN, assignment=assignment, batch_size=32, random_state=0
    ).fit(X)
    assert adjusted_rand_score(y, model.labels_) > 0.95
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert len(model.embedding_) == 600


def test_points_are_assigned_part_by_part_as_at_once(monkeypatch):
    rng = np.random.RandomState(0)
    points = rng.randn(50, 4).astype(np.float32)
    clusters = Clusters(np.zeros(4), np.eye(4), rng.randn(3, 4), np.zeros(3))
    whole = (
        clusters.assign(points),
        clusters.responsibilities(points, 2.0),
        clusters.centers(points),
    )
    monkeypatch.setattr("skdm2c.clustering.mixture.MAX_CHUNK_POINTS", 7)
    parts = (
        clusters.assign(points),
        clusters.responsibilities(points, 2.0),
        clusters.centers(points),
    )
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_principal_components_do_not_depend_on_the_part(monkeypatch):
    x = np.random.RandomState(0).randn(40, 5).astype(np.float32)
    whole = principal_components(x, 30, seed=0)
    monkeypatch.setattr(rows, "CHUNK_ELEMENTS", 30)
    np.testing.assert_allclose(principal_components(x, 30, seed=0), whole, rtol=1e-12)


FIT_IN_LITTLE_MEMORY = """
import resource, sys
import numpy as np
from skdm2c import MixedModalClustering, MixedModalData

large = np.load(sys.argv[1], mmap_mode="r")
y = np.load(sys.argv[2])
small = np.random.RandomState(0).randn(500, 10) + 6 * np.eye(3, 10)[np.arange(500) % 3]
# Memory of its own, which the pages of a file that is mapped are not.
resource.setrlimit(resource.RLIMIT_DATA, (960 * 2**20,) * 2)
model = MixedModalClustering(3, pretrain_epochs=2, random_state=0)
model.fit(MixedModalData(large, small))
labels = model.labels_[: len(large)]
np.testing.assert_array_equal(labels[-1000:], model.predict(large[-1000:], modality="a"))
agree = [np.bincount(labels[y == k]).max() / (y == k).sum() for k in range(3)]
assert min(agree) > 0.95, agree
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does it")
def test_a_block_is_fitted_in_less_memory_than_it_takes_in_single_precision(tmp_path):
    n, d = 262_400, 1024  # one byte each on disk; held in memory they would take 1 GiB
    rng = np.random.RandomState(0)
    centers, y = rng.randint(-40, 40, (3, d)), rng.randint(0, 3, n)
    files = tmp_path / "large.npy", tmp_path / "y.npy"
    large = np.lib.format.open_memmap(files[0], "w+", dtype=np.int8, shape=(n, d))
    for start in range(0, n, 2**14):
        part = slice(start, start + 2**14)
        large[part] = centers[y[part]] + rng.randint(-40, 40, (len(y[part]), d))
    large.flush()
    np.save(files[1], y)
    command = [sys.executable, "-W", "ignore", "-c", FIT_IN_LITTLE_MEMORY, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
