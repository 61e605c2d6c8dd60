"""Rows of two modalities: coupled, searched and decided by, where the right answer is known."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import special_ortho_group

from skdm2c.alignment import KnownPairs
from skdm2c.alignment.counterparts import nearest_counterparts
from skdm2c.alignment.decision import Space, decide
from skdm2c.alignment.row_search import row_centers, search_matchings
from skdm2c.alignment.rows import couple_rows, coupled_cost
from skdm2c.alignment.scalings import SCALINGS, scaled_rows
from skdm2c.alignment.targets import CoupledRows, row_weight

K = 5


def unit(x):
    x = x - x.mean(axis=0)
    return (x / np.sqrt(np.square(x).mean())).astype(np.float32)


def twins(n=300, seed=0, noise=0.05):
    """Rows, a turned and noisy copy of each, and the clusters of both."""
    rng = np.random.RandomState(seed)
    y = rng.randint(K, size=n)
    X = 3 * np.random.RandomState(9).randn(K, 4)[y] + rng.randn(n, 4)
    turned = X @ special_ortho_group.rvs(4, random_state=seed)
    return unit(X), unit(turned + noise * rng.randn(n, 4)), y


def test_every_row_is_coupled_with_its_twin():
    a, b, y = twins()
    shares = np.eye(K)[y]
    weights = couple_rows(a, b, shares, shares).weights(a)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    assert (weights.argmax(axis=1) == np.arange(len(a))).mean() > 0.9


def test_rows_that_were_not_coupled_go_where_their_twins_are():
    a, b, y = twins(400)
    shares = np.eye(K)[y]
    coupling = couple_rows(a[:200], b[:200], shares[:200], shares[:200])
    barycentres = coupling.weights(a[200:]) @ b[:200]
    assert np.square(barycentres - b[200:]).mean() < 0.1 * np.square(b).mean()
    np.testing.assert_allclose(a @ coupling.forward, b, atol=0.5)


def test_it_does_not_matter_which_side_is_the_left():
    a, b, y = twins()
    half = len(a) // 2
    of_a, of_b = np.eye(K)[y[:half]], np.eye(K)[y[half:]]
    there = couple_rows(a[:half], b[half:], of_a, of_b)
    back = couple_rows(b[half:], a[:half], of_b, of_a).turned()
    assert there.cost == pytest.approx(back.cost, rel=1e-2)
    np.testing.assert_allclose(there.weights(a), back.weights(a), atol=0.1)


def test_rows_without_counterpart_do_not_draw_others():
    a, b, y = twins()
    present = y != 0  # one cluster is missing on the right
    shares = np.eye(K)[y]
    coupling = couple_rows(a, b[present], shares, shares[present])
    guessed = y[present][coupling.weights(a[present]).argmax(axis=1)]
    assert (guessed == y[present]).mean() > 0.95


def test_the_right_matching_of_clusters_costs_least():
    a, b, y = twins()
    right, wrong = np.arange(K), np.roll(np.arange(K), 1)
    costs = [couple_rows(a, b, np.eye(K)[y], np.eye(K)[y][:, p]).cost for p in (right, wrong)]
    assert costs[0] < costs[1]
    maps = couple_rows(a[::2], b[::2], *[np.eye(K)[y[::2]]] * 2)
    fitted = coupled_cost(a[1::2], b[1::2], maps.forward, maps.backward)
    assert fitted < coupled_cost(a[1::2], b[1::2], maps.forward[:, ::-1], maps.backward)


def test_known_pairs_teach_what_clusters_cannot():
    # A round cloud and the same one turned: which way, only pairs can tell.
    a = unit(np.random.RandomState(0).randn(300, 4))
    b = a @ special_ortho_group.rvs(4, random_state=0).astype(np.float32)
    whole = np.ones((len(a), 1))
    pairs = KnownPairs(np.repeat(np.arange(0, len(a), 4)[:, None], 2, axis=1))
    with_pairs, without = (couple_rows(a, b, whole, whole, known) for known in (pairs, None))
    others = np.arange(len(a)) % 4 > 0
    right = [
        (c.weights(a).argmax(axis=1) == np.arange(len(a)))[others] for c in (with_pairs, without)
    ]
    assert right[0].mean() > 0.8 > right[1].mean()


def test_targets_are_the_latents_of_the_twins():
    a, b, y = twins()
    shares = np.eye(K)[y]
    some = np.arange(0, len(a), 2)
    couplings = [couple_rows(a[some], b[some], shares[some], shares[some])] * 2
    known = np.array([[3, 5]])
    rows = CoupledRows(couplings, [a, a], [b, b], some, some, known)
    latents = np.column_stack([b[:, 0], b[:, 1] ** 2])
    np.testing.assert_array_equal(rows.targets(latents)[3], latents[5])
    errors = np.square(rows.targets(latents) - latents).mean(axis=0)
    assert (errors < 0.2 * latents.var(axis=0)).all()
    few = np.array([0, 3, 8])
    np.testing.assert_allclose(rows.targets(latents, few), rows.targets(latents)[few], rtol=1e-5)
    back = rows.turned().targets(a)
    assert np.square(back - a).mean() < 0.1 * np.square(a).mean()


def test_untrusted_matchings_are_not_refined():
    assert row_weight(0.0) == row_weight(0.3) == 0
    assert row_weight(0.5) == row_weight(1.0) == 1


def test_a_search_from_wrong_matchings_reaches_the_right_one():
    a, b, y = twins()
    names = np.random.RandomState(1).permutation(K)
    sides = row_centers(a[::2], y[::2], K, 0), row_centers(b[1::2], names[y[1::2]], K, 0)
    rng = np.random.RandomState(0)
    starts = [np.roll(names, shift) for shift in (1, 2)]
    reached = search_matchings(*sides, starts, rng)
    assert min(reached, key=reached.get) == tuple(names)


def test_two_clusters_or_one_can_be_searched():
    a, b, _ = twins(60)
    for k in (1, 2):
        labels = np.arange(60) % k
        sides = (row_centers(x, labels, k, 0) for x in (a, b))
        reached = search_matchings(*sides, [np.arange(k)], np.random.RandomState(0))
        assert all(sorted(partners) == list(range(k)) for partners in reached)


def test_rows_decide_between_candidates_and_single_decisions_agree():
    a, b, y = twins()
    candidates = np.array([np.roll(np.arange(K), shift) for shift in (2, 0, 1)])
    labels = y[::2], y[1::2]
    spaces = [Space(a[::2], b[1::2])] * 2
    even = np.ones(3)
    decision = decide(candidates, even, spaces, *labels, np.random.RandomState(0))
    np.testing.assert_array_equal(decision.partners, np.arange(K))
    assert decision.votes.min() > 0.8


def test_every_scaling_forgets_what_it_should():
    rng = np.random.RandomState(0)
    X = rng.randn(40, 5) + 3
    for name in SCALINGS:
        scaled = scaled_rows(X, name)
        np.testing.assert_allclose(scaled, scaled_rows(7 * X, name), atol=1e-9)
        np.testing.assert_allclose(scaled.var(axis=0).mean(), 1)
    columns = scaled_rows(X * [1, 2, 3, 4, 5], "columns")
    np.testing.assert_allclose(columns, scaled_rows(X, "columns"), atol=1e-9)
    longer = scaled_rows(X * rng.uniform(1, 9, (40, 1)), "unit")
    np.testing.assert_allclose(longer, scaled_rows(X, "unit"), atol=1e-9)


def test_counterparts_are_corrected_for_hubs():
    # Row 0 of the candidates is nearest to all rows; each has one of its own a little farther.
    rows = np.eye(4) * 2
    hub = np.full((1, 4), 0.5)
    indices, weights = nearest_counterparts(rows, np.vstack([hub, rows * 2]), rows, 2)
    assert ((cdist(rows, hub).ravel()) < 2).all()
    np.testing.assert_array_equal(indices[:, 0], np.arange(1, 5))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (np.diff(weights, axis=1) <= 0).all()


def test_rows_are_matched_with_rows_of_the_same_cluster(blobs, tiny):
    X, _ = blobs
    tiny.set_params(pretrain_epochs=15, alignment_epochs=40).fit(X)
    a, b = X.blocks.values()
    matches = tiny.match_rows(a[:10], "a", "b", n_matches=3)
    assert matches.rows.shape == matches.weights.shape == (10, 3)
    assert ((matches.trust >= 0) & (matches.trust <= 1)).all()
    labels = tiny.labels_[X.modality == "b"][matches.rows]
    assert (labels == tiny.labels_[X.modality == "a"][:10, None]).mean() > 0.9
    given = tiny.match_rows(a[:10], "a", "b", candidates=b, n_matches=3)
    np.testing.assert_array_equal(given.rows, matches.rows)
    assert tiny.match_rows(a[:10], 0, 1, candidates=b[:2]).rows.shape == (10, 2)
    assert tiny.match_rows(a[:0], "a", "b").rows.shape == (0, 5)
    assert "10 rows, 3 each" in repr(matches)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"source": "a", "target": "a"}, "target"),
        ({"source": "a", "target": "c"}, "c"),
        ({"source": "a", "target": "b", "n_matches": 0}, "n_matches"),
        ({"source": "a", "target": "b", "candidates": np.zeros((3, 4))}, "b"),
    ],
)
def test_what_cannot_be_matched_is_named(arguments, name, blobs, tiny):
    X, _ = blobs
    tiny.fit(X)
    with pytest.raises(ValueError, match=name):
        tiny.match_rows(X.blocks["a"][:4], **arguments)
