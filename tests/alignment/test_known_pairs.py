"""Known pairs: what they tell of clusters, what becomes of their rows, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdm2c import (
    Checkpoint,
    MixedModalClustering,
    MixedModalData,
    load_model,
    save_model,
)
from skdm2c.alignment import Alignment, GeometricAlignment, KnownPairs, ModalityView
from skdm2c.alignment.assignment import best_partners
from skdm2c.alignment.hub import best_hub
from skdm2c.alignment.pairs import confidence_from_pairs, pair_counts, rake
from skdm2c.data.pairs import instances
from skdm2c.data.prepared import prepare
from skdm2c.data.sample import draw_sample
from skdm2c.datasets import drop_pairing, make_mixed_modal_blobs
from skdm2c.model import of_instances
from skdm2c.runtime.processes import SINGLE_PROCESS

K = 4
ALIGNER = GeometricAlignment(kinds=(("geodesic", "cosine"), ("local",)), n_matches=3)


def corners(seed, n_features):
    """K equal clusters, every two as far apart: no distance tells which is which."""
    rng = np.random.RandomState(seed)
    y = np.repeat(np.arange(K), 40)
    return np.eye(K, n_features)[y] * 6 + rng.randn(len(y), n_features), y


def aligned(n_pairs, n_wrong=0, seed=0):
    (a, y), (b, _) = corners(seed, 6), corners(seed + 1, 8)
    truth = np.array([2, 0, 3, 1])
    rng = np.random.RandomState(seed)
    i = rng.permutation(len(y))[:n_pairs]
    j = i.copy()  # the same true cluster: rows are in its order on both sides
    j[:n_wrong] = np.roll(j[:n_wrong], 1)
    order = np.argsort(i)
    rows = np.column_stack([i, j])[order]
    views = [
        ModalityView(x, x, labels, K, np.sort(rows[:, side]))
        for side, (x, labels) in enumerate([(a, y), (b, truth[y])])
    ]
    left, right = (ALIGNER.describe(view, np.random.RandomState(0)) for view in views)
    pairs = KnownPairs(rows) if n_pairs else None
    return ALIGNER.match(left, right, np.random.RandomState(1), pairs), truth


# --- Matching -----------------------------------------------------------------------------


def test_pairs_tell_what_no_distance_tells():
    found, truth = aligned(2 * K)
    np.testing.assert_array_equal(found.partners, truth)
    assert found.mass[np.arange(K), truth].sum() > 0.9


def test_confidence_grows_with_pairs():
    none, few, many = (aligned(n)[0].confidence for n in (0, 2 * K, 10 * K))
    assert none < few < many
    assert many > 0.95


@pytest.mark.parametrize("n_wrong", [4, 12])
def test_some_wrong_pairs_do_not_wreck_the_matching(n_wrong):
    found, truth = aligned(40, n_wrong)
    np.testing.assert_array_equal(found.partners, truth)
    on_truth = [m.mass[np.arange(K), truth].sum() for m in (found, aligned(40)[0])]
    assert on_truth[0] < on_truth[1]


def test_pairs_turned_round_say_the_same():
    pairs = KnownPairs(np.array([[0, 5], [3, 1]]), 2.0)
    np.testing.assert_array_equal(pairs.turned().rows, [[5, 0], [1, 3]])
    assert pairs.turned().trust == 2.0


def test_of_pairs_at_random_nothing_is_known():
    rng = np.random.RandomState(0)
    left, right = rng.randint(K, size=(2, 200))
    counts = pair_counts(left, right, np.column_stack([np.arange(200)] * 2), K)
    assert counts.sum() == 200
    # 50 pairs a cluster that agree by chance: which has most of them is chance as well.
    even = np.full(K, 1 / K), np.full(K, 1 / K), rng
    assert confidence_from_pairs(counts, best_partners(counts), *even).mean() < 0.7
    assert confidence_from_pairs(counts + 50 * np.eye(K), np.arange(K), *even).min() > 0.95


def test_empty_clusters_have_no_part_in_it():
    shared = rake(np.ones((1, 3, 3)), np.array([0.5, 0.5, 0.0]), np.array([1.0, 0.0, 0.0]))[0]
    assert np.isfinite(shared).all()
    np.testing.assert_allclose(shared[:, 0], [0.5, 0.5, 0], atol=1e-4)
    even = np.full(2, 0.5), np.array([1.0, 0.0]), np.random.RandomState(0)
    assert np.isfinite(confidence_from_pairs(np.eye(2), np.arange(2), *even)).all()


# --- Rows of one instance -----------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), unique=True, max_size=6))
def test_rows_of_one_instance_are_found(pairs):
    codes = np.tile([0, 1], 8)[:14]
    a, b = np.flatnonzero(codes == 0), np.flatnonzero(codes == 1)
    pairs = [(i, j) for i, j in pairs if i < len(a) and j < len(b)]
    given_pairs = {(0, 1): np.array(pairs, dtype=np.intp).reshape(-1, 2)}
    of = instances(given_pairs, codes)
    assert all(of[a[i]] == of[b[j]] for i, j in pairs)
    if len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs):
        assert len(set(of)) == len(codes) - len(pairs)


def test_instances_reach_over_three_modalities():
    pairs = {(0, 1): np.array([[0, 0]]), (1, 2): np.array([[0, 1]])}
    of = instances(pairs, np.array([0, 0, 1, 2, 2]))
    assert of[0] == of[2] == of[4]
    assert len(set(of)) == 3


def test_what_two_rows_say_is_multiplied():
    shares = np.array([[0.6, 0.4], [0.1, 0.9], [0.3, 0.7]])
    found = of_instances(shares, np.array([7, 7, 3]))
    expected = np.array([0.06, 0.36]) / 0.42
    np.testing.assert_allclose(found, [expected, expected, shares[2]])
    certain = of_instances(np.eye(2), np.array([0, 0]))  # against each other
    np.testing.assert_allclose(certain, 0.5)


# --- In a fit -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paired():
    X, _ = make_mixed_modal_blobs(120, random_state=0)
    i = np.arange(0, 60, 6)
    return MixedModalData(*X.blocks.values(), pairs=np.column_stack([i, 59 - i]))


def side_by_side(model, X):
    i, j = X.pairs.T
    n_a = len(X.blocks["a"])
    return model.labels_[i], model.labels_[n_a + j]


def test_the_rows_of_an_instance_get_one_label(paired, tiny):
    model = tiny.fit(paired)
    np.testing.assert_array_equal(*side_by_side(model, paired))
    np.testing.assert_array_equal(model.predict(paired), model.labels_)
    probabilities = model.predict_proba(paired)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), model.labels_)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    some = paired[::3]
    np.testing.assert_array_equal(model.predict(some), model.predict_proba(some).argmax(axis=1))


def test_without_trust_nothing_is_learned_from_pairs(paired, tiny):
    plain = MixedModalData(*paired.blocks.values())
    expected = tiny.fit(plain).embedding_
    found = tiny.set_params(lambda_pairs=0).fit(paired)
    np.testing.assert_array_equal(found.embedding_, expected)
    np.testing.assert_array_equal(*side_by_side(found, paired))


def test_generators_learn_to_bring_the_rows_of_an_instance_together(paired, tiny):
    tiny.set_params(
        adversarial__epochs=40, adversarial__generator_learning_rate=3e-3, lambda_pairs=5.0
    )
    apart = [r["pairs"] for r in tiny.fit(paired).history_ if r["phase"] == "adversarial"]
    assert apart[-1] < 0.8 * apart[0]


def test_more_pairs_than_a_batch_holds(paired, tiny):
    i = np.arange(60)
    all_known = MixedModalData(*paired.blocks.values(), pairs=np.column_stack([i, i]))
    model = tiny.set_params(batch_size=8).fit(all_known)
    np.testing.assert_array_equal(*side_by_side(model, all_known))


def test_more_clusters_than_a_modality_has_rows(tiny):
    a, b = np.random.RandomState(0).randn(30, 4), np.random.RandomState(1).randn(3, 5)
    X = MixedModalData(a, np.vstack([b, b]), pairs=[(0, 0), (7, 1)])
    labels = tiny.set_params(n_clusters=5).fit(X).labels_
    assert labels[0] == labels[30]
    assert labels[7] == labels[31]


def test_three_modalities(tiny):
    X, _ = make_mixed_modal_blobs(120, random_state=0)
    a, b = X.blocks.values()
    every = MixedModalData(
        a,
        b,
        b[:, ::-1],
        pairs={("a", "b"): [(0, 3), (7, 9)], ("c", "b"): [(5, 3)], ("a", "c"): [(1, 1)]},
    )
    for hub in ("auto", "a", "c"):
        labels = tiny.set_params(unify_to=hub).fit(every).labels_
        assert labels[0] == labels[60 + 3] == labels[120 + 5]
        assert labels[7] == labels[60 + 9]
        assert labels[1] == labels[120 + 1]


def test_the_hub_is_known_to_most():
    three = np.arange(3)[:, None] * [1, 1]  # as many pairs as clusters
    pairs = {(0, 1): three, (0, 2): three}
    assert best_hub([0.1, 0.9, 0.5], pairs, (3, 3, 3)) == 0
    assert best_hub([0.1, 0.9, 0.5], {(0, 2): three[:1]}, (3, 3, 3)) == 1  # one pair says little
    assert best_hub([0.1, 0.9, 0.5], {}, (3, 3, 3)) == 1
    assert best_hub([0.1, 0.9], {(0, 1): np.array([[0, 0]])}, (3, 3)) == 1
    assert best_hub([0.1, 0.9, 0.5], pairs, (2, 2, 3)) == 2  # the others lack a cluster


def test_rows_of_known_pairs_are_looked_at_in_large_data(monkeypatch):
    monkeypatch.setattr("skdm2c.data.rows.MAX_SAMPLED_ROWS", 50)
    monkeypatch.setattr("skdm2c.data.rows.MIN_SAMPLED_ROWS", 50)
    monkeypatch.setattr("skdm2c.data.sample.MAX_SAMPLED_ROWS", 50)
    monkeypatch.setattr("skdm2c.data.sample.MAX_SAMPLED_PAIRS", 20)
    x, y = np.arange(300.0)[:, None], np.arange(200.0)[:, None]
    i = np.arange(0, 200, 5)
    order = np.random.RandomState(0).permutation(500)
    data = MixedModalData(x, y, pairs=np.column_stack([i, i]))[order]
    checked = prepare(data, (2, 2), False)
    sample = draw_sample(checked, checked.pairs, seed=0, processes=SINGLE_PROCESS)
    known = sample.pairs[0, 1]
    assert len(known) == 20
    np.testing.assert_array_equal(sample.rows[0][known[:, 0]], sample.rows[1][known[:, 1]])
    assert 50 <= len(sample.rows[0]) <= 70
    assert len(sample.at) == sum(map(len, sample.rows))
    np.testing.assert_array_equal(sample.codes, data.codes[sample.at])


def test_a_fit_with_pairs_is_saved_and_kept(paired, tiny, tmp_path):
    tiny.set_params(alignment="geometry", pretrain_epochs=1)
    model = tiny.fit(paired)
    save_model(model, tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model").labels_, model.labels_)


def test_a_checkpoint_knows_its_pairs(paired, tiny, tmp_path):
    tiny.set_params(callbacks=[Checkpoint(tmp_path, every=0)]).fit(paired)
    other = MixedModalData(*paired.blocks.values(), pairs=paired.pairs[1:])
    with pytest.raises(ValueError, match="known pairs"):
        tiny.fit(other)


def test_shared_names_of_a_mudata_are_pairs(tiny):
    anndata, mudata = pytest.importorskip("anndata"), pytest.importorskip("mudata")
    X, _ = make_mixed_modal_blobs(120, random_state=0)
    blocks = {}
    for number, (name, block) in enumerate(X.blocks.items()):
        cells = [f"cell{i + 50 * number}" for i in range(60)]  # ten are in both
        blocks[name] = anndata.AnnData(np.asarray(block, dtype=np.float32))
        blocks[name].obs_names = cells
    data = MixedModalData.from_mudata(mudata.MuData(blocks), pair_shared_names=True)
    np.testing.assert_array_equal(data.pairs, np.column_stack([np.arange(50, 60), np.arange(10)]))
    np.testing.assert_array_equal(*side_by_side(tiny.fit(data), data))


# --- What is refused ----------------------------------------------------------------------


class NoPairs:
    """An aligner written before there were pairs."""

    def describe(self, modality, rng):
        return modality.n_clusters

    def match(self, left, right, rng):
        return Alignment.of_partners(range(left), 0.9)


class AnyPairs(NoPairs):
    def match(self, left, right, rng, **more):
        assert isinstance(more["pairs"], KnownPairs)
        return super().match(left, right, rng)


def test_an_aligner_that_takes_no_pairs_is_told_before_training(paired, tiny, monkeypatch):
    tiny.set_params(alignment=AnyPairs()).fit(paired)
    monkeypatch.setattr("skdm2c.estimator.fit_model", lambda *args: pytest.fail("trained"))
    with pytest.raises(ValueError, match=r"NoPairs.match.*lambda_pairs=0"):
        tiny.set_params(alignment=NoPairs()).fit(paired)


def test_without_trust_any_aligner_will_do(paired, tiny):
    tiny.set_params(alignment=NoPairs(), lambda_pairs=0).fit(paired)


# --- Data with some pairs known -----------------------------------------------------------


def test_drop_pairing_keeps_some_pairs():
    views = {"a": np.arange(20.0)[:, None], "b": np.arange(20.0)[:, None] * [1, 2]}
    X, y = drop_pairing(views, np.arange(20), 3, n_pairs=4)
    i, j = X.pairs.T
    np.testing.assert_array_equal(X.blocks["a"][i, 0], X.blocks["b"][j, 0])
    np.testing.assert_array_equal(y[: len(X.blocks["a"])], X.blocks["a"][:, 0])
    np.testing.assert_array_equal(y[len(X.blocks["a"]) :], X.blocks["b"][:, 0])
    fewer, _ = drop_pairing(views, np.arange(20), 3, n_pairs=2)
    np.testing.assert_array_equal(fewer.pairs, X.pairs[:2])
    none, _ = drop_pairing(views, np.arange(20), 3)
    np.testing.assert_array_equal(none.blocks["b"], X.blocks["b"][:-4])


@pytest.mark.parametrize("n_pairs", [-1, 11])
def test_drop_pairing_refuses_more_pairs_than_rows(n_pairs):
    with pytest.raises(ValueError, match="n_pairs must be from 0 to the 10 rows"):
        drop_pairing([np.zeros((20, 1)), np.zeros((20, 1))], np.arange(20), 0, n_pairs=n_pairs)


def test_drop_pairing_pairs_the_first_view_with_every_other():
    views = [np.arange(30.0)[:, None]] * 3
    X, _ = drop_pairing(views, np.arange(30), 0, n_pairs=2)
    assert set(X.pairs) == {("a", "b"), ("a", "c")}
    for (left, right), rows in X.pairs.items():
        np.testing.assert_array_equal(X.blocks[left][rows[:, 0]], X.blocks[right][rows[:, 1]])


def test_defaults_trust_pairs():
    assert MixedModalClustering().lambda_pairs == 1.0
