"""Data with more rows than are looked at together, at toy size: the bound is lowered."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import normalize

from skdm2c import MixedModalClustering, MixedModalData
from skdm2c.clustering import Clusters
from skdm2c.data import rows, scaling
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.fitting import _draw_sample, check_data
from skdm2c.neighbors import principal_components, row_graph

SEEN = 80


@pytest.fixture
def few_seen(monkeypatch):
    monkeypatch.setattr(rows, "MOST_SEEN", SEEN)


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
    sample = _draw_sample(check_data(data, 2, False), seed=0)
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
        monkeypatch.setattr(rows, "LEAST_SEEN", SEEN)
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
    whole = clusters.assign(points), clusters.share(points, 2.0), clusters.centers(points)
    monkeypatch.setattr("skdm2c.clustering.MAX_PART", 7)
    parts = clusters.assign(points), clusters.share(points, 2.0), clusters.centers(points)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_principal_components_do_not_depend_on_the_part(monkeypatch):
    x = np.random.RandomState(0).randn(40, 5).astype(np.float32)
    whole = principal_components(x, 30, seed=0)
    monkeypatch.setattr(rows, "CHUNK_ELEMENTS", 30)
    np.testing.assert_allclose(principal_components(x, 30, seed=0), whole, rtol=1e-12)
