"""The front door of a modality: how rows are scaled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA, TruncatedSVD

from skdm2c import MixedModalClustering
from skdm2c.inputs import ModalityInput, is_component_scores


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
    "x", [np.zeros((50, 6)), np.ones((50, 6)), np.eye(6), np.full((50, 6), 1e-300)]
)
def test_blocks_without_structure_are_no_scores(x):
    assert not is_component_scores(x)


@pytest.mark.parametrize(("standardize", "scaling"), [("auto", "block"), (True, "columns")])
def test_scores_keep_their_spreads_or_lose_them(standardize, scaling):
    x = PCA(10).fit_transform(features()) + 3
    door = ModalityInput("a", standardize)
    rows = door.fit_transform(x)
    assert door.scaling_ == scaling
    spread = rows.std(axis=0)
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
    if scaling == "block":
        np.testing.assert_allclose(np.square(spread).mean(), 1, rtol=1e-5)
        np.testing.assert_allclose(spread / spread[0], x.std(axis=0) / x.std(axis=0)[0], rtol=1e-4)
    else:
        np.testing.assert_allclose(spread, 1, rtol=1e-5)
    np.testing.assert_allclose(door.inverse_transform(rows), x, rtol=1e-4, atol=1e-4)


def test_the_estimator_says_what_it_did(tiny):
    x = features()
    model = tiny.fit(PCA(10).fit_transform(x), x)
    assert model.scaling_ == {"a": "block", "b": "columns"}
    assert tiny.set_params(standardize=False).fit(x, x).scaling_ == {"a": "none", "b": "none"}
    assert MixedModalClustering().standardize == "auto"
