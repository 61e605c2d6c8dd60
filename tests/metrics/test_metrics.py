"""The protocol's figures on cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdm2c import MixedModalData, metrics

Y = [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("y_pred", "acc", "purity", "f_score"),
    [
        ([5, 5, 3, 3, 4, 4], 1.0, 1.0, 1.0),  # names do not matter
        ([0] * 6, 1 / 3, 1 / 3, 2 * 3 / (15 + 3)),  # 15 pairs together, 3 of them rightly
        ([0, 1, 2, 3, 4, 5], 0.5, 1.0, 0.0),
        ([0, 0, 0, 1, 1, 1], 4 / 6, 4 / 6, 2 * 2 / (6 + 3)),
        ([0, 1, 0, 1, 0, 1], 2 / 6, 2 / 6, 0.0),
    ],
)
def test_figures_over_all_rows(y_pred, acc, purity, f_score):
    assert metrics.clustering_accuracy(Y, y_pred) == pytest.approx(acc)
    assert metrics.purity(Y, y_pred) == pytest.approx(purity)
    assert metrics.pairwise_f_score(Y, y_pred) == pytest.approx(f_score)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_purity_is_no_less_than_accuracy_and_both_are_shares(pairs):
    y_true, y_pred = zip(*pairs, strict=True)
    acc, pure = metrics.clustering_accuracy(y_true, y_pred), metrics.purity(y_true, y_pred)
    assert 0 < acc <= pure <= 1


def test_transfer_accuracy():
    source, y = np.array([[0.0]] * 10 + [[9.0]] * 10), [0] * 10 + [1] * 10
    assert metrics.transfer_accuracy(source, y, [[1.0], [8.0]], [0, 1]) == 1.0
    assert metrics.transfer_accuracy(source, y, [[1.0], [8.0]], [1, 0]) == 0.0


def test_bounds_of_perfect_clusters_matched_wrongly():
    y = np.tile(np.repeat(np.arange(3), 20), 2)
    modality = np.repeat(["a", "b"], 60)
    swapped = np.where(modality == "b", (y + 1) % 3, y)
    random, oracle = metrics.matching_bounds(y, swapped, modality, n_relabelings=300)
    assert oracle == 1.0
    # Of the 6 matchings one is right (ARI 1), three have one class right, two none.
    one, none = (
        metrics.evaluate(y, np.where(modality == "b", np.array(p)[y], y), modality)["ari"]
        for p in ([0, 2, 1], [1, 2, 0])
    )
    assert random == pytest.approx((1 + 3 * one + 2 * none) / 6, abs=0.06)
    assert metrics.evaluate(y, y, modality)["gain"] == 1.0
    assert metrics.evaluate(y, swapped, modality)["gain"] < 0


def test_shuffled_labels_gain_nothing():
    rng = np.random.RandomState(0)
    y = np.tile(np.repeat(np.arange(4), 50), 2)
    modality = np.repeat(["a", "b"], 200)
    gains = []
    for _ in range(40):
        renamed = np.where(modality == "b", rng.permutation(4)[y], y)
        gains.append(metrics.evaluate(y, renamed, modality)["gain"])
    assert abs(np.mean(gains)) < 0.15


def test_clusters_that_no_class_is_left_for_stay_apart():
    y, modality = [0, 0, 0, 0] * 2, ["a"] * 4 + ["b"] * 4
    _, oracle = metrics.matching_bounds(y, [0, 0, 1, 1, 2, 2, 3, 3], modality)
    assert oracle == 0.0


def test_gain_without_room_between_the_bounds():
    assert np.isnan(metrics.gain(0.3, 0.3, 0.3))


def test_evaluate_names_every_figure():
    y, modality = np.array(Y * 4), np.repeat(["rna", "atac"], 12)
    figures = metrics.evaluate(y, y, modality, embedding=y[:, None].astype(float))
    assert figures["transfer_rna_atac"] == figures["transfer_atac_rna"] > 0.3
    assert figures["ari_rna"] == figures["nmi_atac"] == figures["ari"] == 1.0


def test_reference_bounds_are_those_of_k_means():
    x = np.repeat([[0.0], [10.0], [30.0]], 10, axis=0) + np.linspace(0, 1, 30)[:, None]
    y = np.tile(np.repeat(np.arange(3), 10), 2)
    X = MixedModalData(x, -x, names=("z", "a"))
    random, oracle = metrics.reference_bounds(X, y, 3)
    assert oracle == 1.0
    assert random < 0.9


@pytest.mark.parametrize(
    "figure", [metrics.clustering_accuracy, metrics.purity, metrics.pairwise_f_score]
)
def test_lengths_must_agree(figure):
    with pytest.raises(ValueError, match="inconsistent"):
        figure([0, 1], [0])


# Rows


def test_foscttm_counts_who_is_closer_than_the_true_counterpart():
    rng = np.random.RandomState(0)
    Z = rng.randn(300, 4)
    assert metrics.foscttm(Z, Z + 1e-6) == 0.0
    assert metrics.foscttm(Z, Z[rng.permutation(300)]) == pytest.approx(0.5, abs=0.05)
    distances = np.linalg.norm(Z[:, None] - Z[::-1], axis=2)
    true = np.diag(distances)
    by_hand = (distances < true[:, None]).mean() / 2 + (distances < true).mean() / 2
    assert metrics.foscttm(Z, Z[::-1]) == pytest.approx(by_hand)


def test_translation_r2_is_relative_to_the_means_of_the_columns():
    X = np.random.RandomState(0).randn(50, 3) * [1, 2, 3]
    assert metrics.translation_r2(X, X) == 1
    assert metrics.translation_r2(X, np.tile(X.mean(axis=0), (50, 1))) == pytest.approx(0)
    assert metrics.translation_r2(X, -X) < 0


@pytest.mark.parametrize("measure", [metrics.foscttm, metrics.translation_r2])
def test_rows_that_do_not_belong_together_are_refused(measure):
    with pytest.raises(ValueError, match="shape"):
        measure(np.ones((3, 2)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="NaN"):
        measure([[0.0], [np.nan]], [[0.0], [1.0]])


def test_nothing_is_explained_of_rows_that_are_all_the_same():
    with pytest.raises(ValueError, match="X_true"):
        metrics.translation_r2(np.ones((3, 2)), np.zeros((3, 2)))


@given(labels=st.lists(st.integers(0, 5), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_renumbered_clusters_get_back_their_numbers(labels, seed):
    shuffled = np.random.RandomState(seed).permutation(6)[labels]
    np.testing.assert_array_equal(metrics.match_labels(labels, shuffled), labels)


def test_clusters_without_a_match_get_numbers_that_are_free():
    renumbered = metrics.match_labels([0, 0, 3, 3, 3, 3], [5, 5, 2, 2, 7, 8])
    np.testing.assert_array_equal(renumbered, [0, 0, 3, 3, 1, 2])
    np.testing.assert_array_equal(metrics.match_labels([4, 4, 2], [0, 0, 0]), [4, 4, 4])


@pytest.mark.parametrize(
    ("labels", "named"), [((["a"], [0]), "y_old"), (([0], [-1]), "y_new"), (([0, 1], [0]), "")]
)
def test_labels_to_match_are_numbers_of_clusters(labels, named):
    with pytest.raises(ValueError, match=named):
        metrics.match_labels(*labels)
