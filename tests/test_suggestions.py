"""Which rows are worth pairing next."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone

from skdm2c import MixedModalData, suggest_pairs
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.suggestions import _order, _spread

K = 3


class Found(BaseEstimator):
    """A fitted model of known answers: rows are their own latents."""

    modality_names_ = ("a", "b")
    unified_modality_ = "b"

    def __init__(self, confidence, mass=None):
        mass = np.eye(K) / K if mass is None else np.asarray(mass)
        spoke = SimpleNamespace(cluster_confidence=np.asarray(confidence), mass=mass)
        self.matching_ = {"a": spoke}

    def __sklearn_is_fitted__(self):
        return True

    def fit(self):
        """So that scikit-learn takes it for an estimator."""

    def transform(self, X):
        return np.concatenate([*X.blocks.values()])

    def predict(self, X):
        return (self.transform(X)[:, 0] // 10).astype(int)


def line(n=30, pairs=None):
    """Three clusters on a line, around 5, 15 and 25, in both modalities."""
    x = (np.repeat([0, 10, 20], n // K) + np.tile(np.linspace(1, 9, n // K), K))[:, None]
    return MixedModalData(x, x.copy(), pairs=pairs)


def clusters(suggestions):
    return [s.cluster for s in suggestions]


def test_the_unsure_are_asked_about_first():
    found = suggest_pairs(Found([0.9, 0.2, 0.6]), line(), n=3)
    assert clusters(found) == [1, 1, 2]  # doubt .8, .4 once one is known, .4
    assert found[0].confidence == 0.2
    everything = suggest_pairs(Found([1.0, 0.0, 1.0]), line(), n=30)
    assert len(everything) == len({s.row for s in everything}) == 30
    assert clusters(everything)[:10] == [1] * 10
    assert len(suggest_pairs(Found([1.0, 0.0, 1.0]), line(), n=31)) == 30


def test_the_middle_is_asked_about_first_and_then_far_from_it():
    order = _order(np.arange(11.0)[:, None], np.arange(11), np.array([], dtype=int), 11)
    assert order[0] == 5  # the mean
    assert set(order[:6]) == {3, 4, 5, 6, 7, 8} or set(order[:6]) == {2, 3, 4, 5, 6, 7}
    assert abs(order[1] - 5) == 3 or abs(order[1] - 5) == 2
    assert {order[-1], order[-2]} == {0, 10}


def test_what_is_known_is_not_asked_again_nor_what_lies_beside_it():
    z, rows = np.arange(11.0)[:, None], np.arange(11)
    order = _order(z, rows, np.array([3]), 11)
    assert 3 not in order
    assert order[0] == 7 or order[0] == 8
    pairs = [(i, i) for i in range(10, 20)]  # all of cluster 1
    found = suggest_pairs(Found([0.9, 0.0, 0.9]), line(pairs=pairs), n=4)
    assert set(clusters(found)) == {0, 2}


def test_candidates_are_of_the_cluster_and_of_its_rival_in_turn():
    mass = np.array([[0.2, 0.1, 0.0], [0.0, 0.3, 0.1], [0.1, 0.0, 0.2]])
    first = {s.cluster: s for s in suggest_pairs(Found([0, 0, 0], mass), line(), n=3)}
    assert {c: s.rival for c, s in first.items()} == {0: 1, 1: 2, 2: 0}
    s = first[1]
    assert [c // 10 for c in s.candidates] == [1, 2, 1, 2, 1, 2]
    # The same place in the cluster, and the same place where the rival lies.
    assert s.candidates[0] == s.row
    assert s.candidates[1] == s.row + 10
    assert f"Row {s.row} of 'a': is it 1 or 2 of 'b' (confidence 0.00)?" in repr(s)


def test_large_clusters_count_for_more():
    labels = np.repeat([0, 1], [90, 10])
    chosen = _spread(np.arange(100.0)[:, None], labels, np.array([0.5, 0.5]), np.array([]), 4)
    assert [labels[row] for _, row in chosen] == [0, 0, 0, 0]
    worth = [gained for gained, _ in chosen]
    np.testing.assert_allclose(worth, 0.45 / np.arange(1, 5))


def test_of_a_real_fit(tiny):
    X, _ = make_mixed_modal_blobs(120, random_state=0)
    model = tiny.fit(X)
    found = suggest_pairs(model, X, n=5, n_candidates=4)
    assert len({(s.modality, s.row) for s in found}) == 5
    of = {name: model.labels_[X.modality == name] for name in X.names}
    for s in found:
        assert {s.modality, s.hub} == {"a", "b"}
        assert of[s.modality][s.row] == s.cluster
        assert set(of[s.hub][s.candidates]) <= {s.cluster, s.rival}
        assert len(s.candidates) == 4
    assert [repr(s) for s in suggest_pairs(model, X, n=5, n_candidates=4)] == list(map(repr, found))


def test_of_three_modalities(tiny):
    X, _ = make_mixed_modal_blobs(120, random_state=0)
    a, b = X.blocks.values()
    every = MixedModalData(a, b, b[:, ::-1])
    found = suggest_pairs(tiny.fit(every), every, n=12)
    assert len({s.modality for s in found}) == 2
    assert tiny.unified_modality_ not in {s.modality for s in found}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n": 0}, "n must be an integer of 1 or more, got 0"),
        ({"n": 2.5}, "n must be"),
        ({"n_candidates": 0}, "n_candidates must be"),
        ({"n": True}, "n must be"),
    ],
)
def test_numbers_are_checked(settings, said):
    with pytest.raises(ValueError, match=said):
        suggest_pairs(Found([0, 0, 0]), line(), **settings)


def test_what_cannot_be_answered_is_refused(tiny):
    X = line()
    with pytest.raises(ValueError, match="X must be a MixedModalData, got ndarray"):
        suggest_pairs(Found([0, 0, 0]), X.blocks["a"])
    with pytest.raises(ValueError, match="X must have rows of 'b'"):
        suggest_pairs(Found([0, 0, 0]), X[:30])
    blobs = make_mixed_modal_blobs(120, random_state=0)[0]
    unmatched = clone(tiny.set_params(alignment=None)).fit(blobs)
    with pytest.raises(ValueError, match="needs a model that has matched clusters"):
        suggest_pairs(unmatched, blobs)
