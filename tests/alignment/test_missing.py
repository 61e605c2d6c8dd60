"""Modalities that lack clusters: which ones, in matching, labels and all that tells of them."""

import numpy as np
import pytest
from conftest import TINY
from scipy.stats import special_ortho_group

from skdm2c import Checkpoint, MixedModalClustering, MixedModalData, load_model, save_model
from skdm2c.alignment import GeometricAlignment, KnownPairs, ModalityView
from skdm2c.alignment.missing import Trial, certainty
from skdm2c.alignment.prototypes import Prototypes

# No two distances between them are alike, nor any two directions.
CENTERS = (
    4 * np.random.RandomState(7).randn(6, 5) * np.array([0.5, 0.8, 1.2, 1.8, 2.5, 3.5])[:, None]
)


def views(lacking):
    """Six clusters, and another sample of them, turned, that lacks some."""
    y, rng = np.repeat(np.arange(6), 60), np.random.RandomState(0)
    X, other = (CENTERS[y] + rng.randn(360, 5) for _ in range(2))
    kept = ~np.isin(y, lacking)
    turned = (other @ special_ortho_group.rvs(5, random_state=0))[kept]
    numbers = np.unique(y[kept], return_inverse=True)[1]
    return ModalityView(X, X, y, 6), ModalityView(turned, turned, numbers, 6 - len(lacking))


def find(left, right, pairs=None):
    aligner = GeometricAlignment(scalings=("block", "unit"), n_matches=3)
    described = [
        aligner.describe(view, np.random.RandomState(m)) for m, view in enumerate((left, right))
    ]
    return aligner.match(*described, np.random.RandomState(0), pairs)


@pytest.mark.parametrize("lacking", [0, 1, 2, 4])
def test_what_one_side_lacks_stays_without_a_partner(lacking):
    whole, part = views([lacking])
    found = find(part, whole)
    others = np.delete(np.arange(6), lacking)
    np.testing.assert_array_equal(found.partners, [*others, lacking])
    np.testing.assert_array_equal(found.mass.any(axis=0), np.arange(6) != lacking)
    np.testing.assert_array_equal(found.mass.any(axis=1), np.arange(6) < 5)
    assert found.mass.sum() == pytest.approx(1)
    assert found.confidence > 0.5


def test_it_does_not_matter_on_which_side_one_stands():
    whole, part = views([1, 4])
    aligner = GeometricAlignment(kinds=(("cosine",), ("geodesic",)), n_matches=2)
    left, right = (aligner.describe(view, np.random.RandomState(0)) for view in (part, whole))
    found = aligner.match(left, right, np.random.RandomState(1))
    turned = aligner.match(right, left, np.random.RandomState(1)).turned()
    assert found.mass.any(axis=0).sum() == found.mass.any(axis=1).sum() == 4
    assert sorted(found.partners) == list(range(6))
    for name in ("partners", "mass", "confidence", "cluster_confidence"):
        np.testing.assert_array_equal(getattr(found, name), getattr(turned, name))


def test_pairs_tell_what_distances_cannot():
    # Six clusters all equally far from each other, of which one is lacking.
    rng = np.random.RandomState(0)
    y, of = np.repeat(np.arange(6), 40), np.repeat([0, 1, 2, 4, 5], 40)
    X, other = 6 * np.eye(6)[y] + rng.randn(240, 6), 6 * np.eye(6)[of] + rng.randn(200, 6)
    rows = np.concatenate([40 * np.arange(5) + i for i in range(4)])
    of_left = 40 * np.unique(of)[rows // 40] + rows % 40
    order = np.sort(of_left)
    whole = ModalityView(X, X, y, 6, order)
    part = ModalityView(other, other, np.repeat(np.arange(5), 40), 5, np.sort(rows))
    found = find(whole, part, KnownPairs(np.column_stack([of_left, rows])))
    np.testing.assert_array_equal(found.partners, [0, 1, 2, 5, 3, 4])


def test_a_rival_as_good_takes_away_what_it_contradicts():
    sizes = np.array([0.5, 0.25, 0.25])
    best = Trial(0.8, np.array([0, 1, 2]))
    assert certainty(best, Trial(0.8, np.array([0, 1, 2])), sizes) == 1
    assert certainty(best, Trial(0.8, np.array([0, 2, 1])), sizes) == pytest.approx(0.5)
    assert certainty(best, Trial(0.4, np.array([0, 2, 1])), sizes) == pytest.approx(0.75)
    assert certainty(best, Trial(0.0, np.array([1, 2, 0])), sizes) == 1


def test_prototypes_that_hold_little_else_go_with_their_cluster():
    clusters = np.array([[0.4, 0.0], [0.3, 0.1], [0.0, 0.2]])
    distances = np.arange(9.0).reshape(3, 3)
    p = Prototypes(clusters.sum(axis=1), {"cosine": distances}, clusters, 0, {"cosine": distances})
    left = p.without([0])
    np.testing.assert_allclose(left.masses, [1 / 3, 2 / 3])
    np.testing.assert_allclose(left.clusters, [[1 / 3], [2 / 3]])
    np.testing.assert_array_equal(left.distances["cosine"], [[4, 5], [7, 8]])
    np.testing.assert_array_equal(left.anchors["cosine"], [[3, 4, 5], [6, 7, 8]])


def test_prototypes_of_nothing_else_say_nothing():
    clusters = np.array([[0.5, 0.0, 0.0], [0.5, 0.0, 0.0]])
    p = Prototypes(clusters.sum(axis=1), {"cosine": np.eye(2)}, clusters, 0, {})
    left = p.without([0])
    np.testing.assert_allclose(left.masses, [0.5, 0.5])
    np.testing.assert_allclose(left.clusters, 0.25)
    np.testing.assert_array_equal(left.distances["cosine"], np.eye(2))


# --- In a fit -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data():
    whole, part = views([2])
    return MixedModalData(whole.rows, part.rows, names=("rna", "atac"))


@pytest.fixture(scope="module")
def model(data):
    settings = TINY | {"pretrain_epochs": 60, "alignment_epochs": 300}
    return MixedModalClustering({"rna": 6, "atac": 5}, random_state=0, **settings).fit(data)


def test_a_fit_keeps_apart_what_one_modality_alone_has(data, model):
    (lacked,) = model.matching_["atac"].unmatched
    assert model.unified_modality_ == "rna"
    assert np.mean(model.labels_[data.modality == "rna"] == lacked) > 0.1
    # A few rows of others may come to lie there.
    assert np.mean(model.labels_[data.modality == "atac"] == lacked) < 0.02
    assert model.matching_["atac"].partners[lacked] == lacked
    assert len(model.cluster_confidence_) == len(model.cluster_centers_) == 6


def test_all_that_tells_of_a_matching_names_what_is_unmatched(model):
    (lacked,) = model.matching_["atac"].unmatched
    (line,) = [line for line in repr(model.matching_).splitlines() if "unmatched" in line]
    assert line.split()[0] == str(lacked)
    assert "none in 'atac'" in line
    assert "unmatched in 'atac'" in str(model.report())


def test_it_is_there_again_when_a_model_is_read(model, data, tmp_path):
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert again.n_clusters == {"rna": 6, "atac": 5}
    np.testing.assert_array_equal(
        again.matching_["atac"].unmatched, model.matching_["atac"].unmatched
    )
    np.testing.assert_array_equal(again.predict(data), model.predict(data))


def test_a_fit_kept_on_disk_goes_on_whatever_the_order_of_the_numbers(blobs, tmp_path):
    settings = {"random_state": 0, "callbacks": [Checkpoint(tmp_path)]} | TINY
    first = MixedModalClustering({"a": 3, "b": 2}, **settings).fit(blobs[0])
    again = MixedModalClustering({"b": 2, "a": 3}, **settings).fit(blobs[0])
    np.testing.assert_array_equal(first.embedding_, again.embedding_)
    with pytest.raises(ValueError, match="another fit, which differs in n_clusters"):
        MixedModalClustering({"a": 3, "b": 3}, **settings).fit(blobs[0])


def test_three_modalities_of_which_one_lacks_a_cluster():
    (whole, part), (other, _) = views([2]), views([])
    X = MixedModalData(whole.rows, part.rows, other.rows[:, ::-1])
    settings = TINY | {"pretrain_epochs": 60}
    model = MixedModalClustering({"a": 6, "b": 5, "c": 6}, random_state=0, **settings).fit(X)
    assert model.unified_modality_ != "b"
    assert len(model.matching_["b"].unmatched) == 1
    assert not any(len(m.unmatched) for name, m in model.matching_.items() if name != "b")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"alignment_epochs": 0}, "n_clusters=.*alignment_epochs=0"),
        ({"unify_to": "atac"}, "n_clusters=.*'atac'.*unify_to"),
        ({"n_clusters": {"rna": 6, "adt": 5}}, "each of the modalities 'rna', 'atac', got"),
    ],
)
def test_numbers_that_cannot_be_are_refused(data, settings, said):
    model = MixedModalClustering(**{"n_clusters": {"rna": 6, "atac": 5}} | TINY | settings)
    with pytest.raises(ValueError, match=said):
        model.fit(data)


def test_the_same_number_for_all_is_that_number(blobs):
    settings = {"random_state": 0, **TINY}
    one = MixedModalClustering(3, **settings).fit(blobs[0])
    each = MixedModalClustering({"a": 3, "b": 3}, **settings).fit(blobs[0])
    np.testing.assert_array_equal(one.labels_, each.labels_)
