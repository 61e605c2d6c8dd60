"""The data in the box, and how pairing is dropped."""

from importlib.resources import files

import numpy as np
import pytest
from scipy.stats import spearmanr

from skdm2c.datasets import drop_pairing, load_handwritten, make_mixed_modal_blobs
from skdm2c.datasets.handwritten import VIEWS


def test_handwritten_digits():
    views, y = load_handwritten(VIEWS)
    assert {n: v.shape[1] for n, v in views.items()} == {
        "fou": 76, "fac": 216, "kar": 64, "pix": 240, "zer": 47, "mor": 6,
    }  # fmt: skip
    assert all(v.shape[0] == 2000 and np.isfinite(v).all() for v in views.values())
    assert list(np.bincount(y)) == [200] * 10
    assert list(load_handwritten()[0]) == ["fac", "pix"]


def test_handwritten_is_the_benchmarks_set(benchmark_data):
    with np.load(benchmark_data / "mfeat.npz") as file:
        views, y = load_handwritten(VIEWS)
        np.testing.assert_array_equal(file["y"], y)
        for name in VIEWS:
            np.testing.assert_array_equal(file[f"view_{name}"], views[name])


def test_the_file_is_small_and_states_its_source():
    folder = files("skdm2c.datasets") / "data"
    assert len((folder / "handwritten.npz").read_bytes()) < 3_000_000
    readme = (folder / "README.md").read_text()
    assert "CC BY 4.0" in readme
    assert "Duin" in readme


@pytest.mark.parametrize("views", [["fac", "colour"], "fac"])
def test_unknown_views_are_refused(views):
    with pytest.raises(ValueError, match="views must be"):
        load_handwritten(views)


def test_pairing_is_dropped_as_the_protocol_draws_it():
    a, b, y = np.arange(7)[:, None], 100 + np.arange(7)[:, None], np.arange(7) * 10
    X, labels = drop_pairing({"rna": a, "atac": b}, y, random_state=3)
    order = np.random.RandomState(3).permutation(7)
    np.testing.assert_array_equal(X.blocks["rna"][:, 0], order[:3])
    np.testing.assert_array_equal(X.blocks["atac"][:, 0], 100 + order[3:])
    np.testing.assert_array_equal(labels, 10 * order)
    assert X.pairs.shape == (0, 2)


def test_three_views_keep_a_third_each():
    x = np.arange(9)[:, None]
    X, y = drop_pairing([x, x, x], np.arange(9), random_state=0)
    seen = np.concatenate([block[:, 0] for block in X.blocks.values()])
    assert [len(block) for block in X.blocks.values()] == [3, 3, 3]
    np.testing.assert_array_equal(seen, y)


def test_views_must_be_row_aligned():
    with pytest.raises(ValueError, match="inconsistent"):
        drop_pairing([np.zeros((3, 1)), np.zeros((4, 1))], np.zeros(3))


@pytest.mark.parametrize("difficulty", ["easy", "hard"])
def test_blobs_have_the_same_geometry_in_every_modality(difficulty):
    X, y = make_mixed_modal_blobs(
        3000, centers=4, n_features=(6, 9, 12), difficulty=difficulty, random_state=0
    )
    assert X.shape == (3000, 27)
    distances = []
    for name, block in X.blocks.items():
        labels = y[X.modality == name]
        centers = np.array([block[labels == c].mean(axis=0) for c in range(4)])
        distances.append(np.linalg.norm(centers[:, None] - centers, axis=2)[np.triu_indices(4, 1)])
    if difficulty == "easy":
        np.testing.assert_allclose(distances[0], distances[1], atol=0.3)
    assert spearmanr(*distances[:2]).statistic > 0.8


def test_the_seed_decides_the_blobs():
    one, two = (make_mixed_modal_blobs(60, random_state=1) for _ in range(2))
    np.testing.assert_array_equal(one[0].blocks["b"], two[0].blocks["b"])
    np.testing.assert_array_equal(one[1], two[1])
    other = make_mixed_modal_blobs(60, random_state=2)
    assert not np.array_equal(one[0].blocks["b"], other[0].blocks["b"])


@pytest.mark.parametrize(
    "kwargs", [{"n_features": (2, 9)}, {"n_samples": 8}, {"difficulty": "medium"}]
)
def test_impossible_blobs_are_refused(kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        make_mixed_modal_blobs(**({"random_state": 0} | kwargs))
