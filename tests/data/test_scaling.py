"""Scaling of the rows of one modality."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD

from skdm2c import MixedModalClustering, MixedModalData
from skdm2c.clustering.neighbors import close_rows, principal_components, row_graph
from skdm2c.data import rows, scaling
from skdm2c.data.blocks import as_block
from skdm2c.data.scaling import ModalityScaler, is_component_scores
from skdm2c.networks import inference


def features(n=300, d=20, seed=0):
    """Correlated columns of odd scales, as measured features are."""
    rng = np.random.RandomState(seed)
    return (rng.randn(n, 6) @ rng.randn(6, d) + 0.3 * rng.randn(n, d)) * rng.lognormal(size=d)


def test_scores_of_components_are_told_from_features():
    x = features()
    assert not is_component_scores(x)
    for scores in (PCA(10).fit_transform(x), TruncatedSVD(10).fit_transform(x - x.mean(axis=0))):
        assert is_component_scores(scores)
        assert not is_component_scores(scores[:, ::-1])  # not sorted
        assert not is_component_scores(scores / scores.std(axis=0))  # whitened: nothing to keep
        assert is_component_scores(scores[::2])  # a half of the rows will do


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.floats(1e-9, 1e9), st.integers(60, 300))
def test_the_verdict_does_not_depend_on_units(seed, unit, n):
    x = PCA(8).fit_transform(features(n, seed=seed))
    assert is_component_scores(x) == is_component_scores(unit * x + unit)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((50, 6)),
        np.ones((50, 6)),
        np.eye(6),
        np.full((50, 6), 1e-300),
        np.random.RandomState(0).choice([-1.0, 1.0], size=(64, 6)) + 0.0,
        hadamard(64)[:, 1:7].astype(float),
    ],
)
def test_blocks_without_structure_are_no_scores(x):
    assert not is_component_scores(x)


@pytest.mark.parametrize(("standardize", "scaling"), [("auto", "block"), (True, "columns")])
def test_scores_keep_their_spreads_or_lose_them(standardize, scaling):
    x = PCA(10).fit_transform(features()) + 3
    scaler = ModalityScaler("a", standardize)
    scaled = scaler.fit_transform(x)
    assert scaler.scaling_ == scaling
    spread = scaled.std(axis=0)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    if scaling == "block":
        np.testing.assert_allclose(np.square(spread).mean(), 1, rtol=1e-5)
        np.testing.assert_allclose(spread / spread[0], x.std(axis=0) / x.std(axis=0)[0], rtol=1e-4)
    else:
        np.testing.assert_allclose(spread, 1, rtol=1e-5)
    np.testing.assert_allclose(scaler.inverse_transform(scaled), x, rtol=1e-4, atol=1e-4)


def test_the_estimator_says_what_it_did(tiny):
    x = features()
    model = tiny.fit(PCA(10).fit_transform(x), x)
    assert model.scaling_ == {"a": "block", "b": "columns"}
    assert tiny.set_params(standardize=False).fit(x, x).scaling_ == {"a": "none", "b": "none"}
    assert MixedModalClustering().standardize == "auto"


FORMS = {
    "array": lambda x, path: x,
    "float32": lambda x, path: x.astype(np.float32),
    "memmap": lambda x, path: np.lib.format.open_memmap(path, "w+", x.dtype, x.shape),
    "csr": lambda x, path: sp.csr_matrix(x),
    "csc": lambda x, path: sp.csc_matrix(x),
    "pandas": lambda x, path: pd.DataFrame(x),
    "polars": lambda x, path: pl.DataFrame(x),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("standardize", ["auto", True, False])
def test_passes_over_parts_find_what_one_look_finds(form, standardize, tmp_path, monkeypatch):
    x = np.round(features(97), 3) * (np.random.RandomState(0).rand(97, 20) < 0.5)
    block = FORMS[form](x, tmp_path / "x.npy")
    if form == "memmap":
        block[:] = x
    block = as_block(block, "a")
    whole = ModalityScaler("a", standardize)
    expected = whole.fit_transform(x)
    monkeypatch.setattr(rows, "CHUNK_ELEMENTS", 10 * 20)
    scaler = ModalityScaler("a", standardize)
    np.testing.assert_allclose(scaler.fit_transform(block), expected, atol=2e-4)
    np.testing.assert_allclose(scaler.scale_, whole.scale_, rtol=1e-5)
    np.testing.assert_allclose(scaler.transform(block), expected, atol=2e-4)


@pytest.fixture
def widest(monkeypatch):
    """How many rows of 30 columns were made numbers at a time, with chunks of 20 rows."""
    seen = []
    as_numbers = rows.RowSource._as_numbers

    def watched(self, block):
        if self.n_columns == 30:
            seen.append(block.shape[0])
        return as_numbers(self, block)

    monkeypatch.setattr(rows, "CHUNK_ELEMENTS", 600)
    monkeypatch.setattr(rows.RowSource, "_as_numbers", watched)
    return seen


@pytest.mark.parametrize("standardize", ["auto", True, False])
def test_sparse_rows_are_never_dense_all_at_once(standardize, widest):
    ModalityScaler("a", standardize).fit_transform(
        sp.random(200, 30, 0.2, format="csr", random_state=0)
    )
    assert max(widest) == 20


def test_a_fit_of_a_large_block_holds_only_what_it_reads(tiny, widest, monkeypatch):
    monkeypatch.setattr(scaling, "MAX_HELD", 200 * 30 - 1)
    monkeypatch.setattr(inference, "CHUNK", 20)
    block = sp.random(200, 30, 0.5, format="csr", random_state=0)
    X = MixedModalData(block, np.random.RandomState(0).randn(60, 5))
    tiny.set_params(batch_size=15).fit(X)
    tiny.predict(X), tiny.transform(X)
    assert max(widest) == 20


@pytest.mark.parametrize("form", FORMS)
def test_rows_that_are_not_held_give_the_same_labels(form, tiny, blobs, tmp_path, monkeypatch):
    a, b = blobs[0].blocks.values()
    a = np.round(a, 2).astype(np.float32)
    expected = clone(tiny).fit(a, b)
    block = FORMS[form](a, tmp_path / "x.npy")
    if form == "memmap":
        block[:] = a
    monkeypatch.setattr(scaling, "MAX_HELD", 0)
    tiny.fit(block, b)
    np.testing.assert_array_equal(tiny.labels_, expected.labels_)
    np.testing.assert_array_equal(tiny.embedding_, expected.embedding_)
    np.testing.assert_array_equal(tiny.transform(block, b), expected.embedding_)
    assert tiny.score(MixedModalData(block, b)) == expected.score(MixedModalData(a, b))


@pytest.mark.parametrize(("value", "message"), [(np.inf, "row 57, column 3"), (1e300, "column 3")])
@pytest.mark.parametrize("standardize", [True, False])
def test_bad_values_of_rows_that_are_not_held(value, message, standardize, monkeypatch):
    monkeypatch.setattr(scaling, "MAX_HELD", 0)
    x = features(97)
    scaler = ModalityScaler("a", standardize)
    scaler.fit_transform(x)
    x[57, 3] = value
    with pytest.raises(ValueError, match=f"Modality 'a'.*{message}"):
        scaler.transform(x)[50:60]
    if not (standardize and value == 1e300):
        with pytest.raises(ValueError, match=f"Modality 'a'.*{message}"):
            ModalityScaler("a", standardize).fit_transform(x)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (57, 3), (96, 19)])
def test_a_bad_value_is_named_by_its_row_in_the_whole_block(row, column, monkeypatch):
    monkeypatch.setattr(rows, "CHUNK_ELEMENTS", 10 * 20)
    x = features(97)
    x[row, column] = np.nan
    with pytest.raises(ValueError, match=f"row {row}, column {column} "):
        ModalityScaler("a").fit_transform(x)


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 40))
def test_chunks_are_all_rows_in_order(n, d, elements):
    x = np.arange(n * d, dtype=float).reshape(n, d)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "CHUNK_ELEMENTS", elements)
        parts = list(rows.RowSource(x, "a").chunks())
    np.testing.assert_array_equal(np.vstack([part for _, part in parts]), x)
    assert all((x[start] == part[0]).all() for start, part in parts)
    assert max(len(part) for _, part in parts) <= max(1, elements // d)


@pytest.mark.parametrize("elements", [2**24, 70, 7])
def test_scores_are_told_from_a_sample_of_the_rows(elements, monkeypatch):
    x = PCA(7).fit_transform(features(997))
    seen = []

    def watched(sample, n_rows):
        seen.append((sample, n_rows))
        return is_component_scores(sample, n_rows)

    monkeypatch.setattr(rows, "CHUNK_ELEMENTS", elements)
    monkeypatch.setattr(scaling, "MAX_INSPECTED", (6, 100))
    monkeypatch.setattr(scaling, "is_component_scores", watched)
    assert ModalityScaler("a", "auto").fit_transform(x).shape == x.shape
    ((sample, n_rows),) = seen
    np.testing.assert_array_equal(sample, x[::9, :6])
    assert n_rows == 997


@pytest.mark.parametrize("held", [True, False])
def test_wide_blocks_are_looked_at_in_as_many_rows_as_narrow_ones(held, monkeypatch):
    # Chunks of one row say nothing of how many are looked at together.
    x = features(300)
    monkeypatch.setattr(rows, "CHUNK_ELEMENTS", 20)
    if not held:
        monkeypatch.setattr(scaling, "MAX_HELD", 0)
    scaled = ModalityScaler("a").fit_transform(x)
    assert len(rows.sample_rows(scaled, seed=0)[0]) == 300
    expected = close_rows(
        principal_components(ModalityScaler("a").fit_transform(x)[:], 30, seed=0), 15
    )
    assert abs(row_graph(scaled, 15, 30, seed=0) - expected).max() == 0


def test_rows_are_scaled_the_same_a_few_numbers_at_a_time(monkeypatch):
    x = np.random.RandomState(0).randn(20, 3) * [1, 50, 1e-3] + [0, 9, 1]
    whole = ModalityScaler("a").fit_transform(x)
    np.testing.assert_allclose(whole, (x - x.mean(axis=0)) / x.std(axis=0), rtol=1e-5, atol=1e-6)
    monkeypatch.setattr(scaling, "CACHE_ELEMENTS", 7)
    np.testing.assert_array_equal(ModalityScaler("a").fit_transform(x), whole)


@pytest.mark.parametrize("numbers", [[5, 6, 7], [7, 5, 6], [3], [-2, -1]])
def test_rows_are_taken_by_number(numbers):
    x = np.random.RandomState(0).randn(8, 2)
    source = rows.RowSource(x, "a")
    np.testing.assert_array_equal(source.take(np.array(numbers)), x[numbers])
    with pytest.raises(IndexError):
        source.take(np.array([6, 7, 8]))
