"""Alignment: copies whose match is known, and blocks that have none."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import special_ortho_group
from sklearn.base import clone
from sklearn.preprocessing import scale

from skdm2c.alignment import (
    Alignment,
    GeometricAlignment,
    ModalityView,
    geometric,
    spoke_agreement,
    taught_targets,
)
from skdm2c.alignment.agreement import through_hub
from skdm2c.alignment.assignment import best_partners, normal_scores, two_opt
from skdm2c.alignment.distances import distances, geodesic_distances
from skdm2c.alignment.geometric import KINDS
from skdm2c.alignment.matching import match, match_from_clusters
from skdm2c.alignment.prototypes import Problem, Prototypes, draw_prototypes, n_prototypes
from skdm2c.alignment.transport import anneal, correlation, sinkhorn, standard
from skdm2c.datasets import drop_pairing, load_handwritten

SHARES = np.arange(1, 7) / 21


def irregular_clusters(n=300, seed=0, shares=SHARES):
    """Six clusters whose distances and sizes all differ."""
    rng = np.random.RandomState(seed)
    centers = 4 * np.random.RandomState(7).randn(6, 5)
    y = np.repeat(np.arange(6), np.multiply(n, shares).round().astype(int))
    return centers[y] + rng.randn(len(y), 5), y


def find(left, right, n_clusters=6, seed=0, **settings):
    """Match (rows, labels) with (rows, labels)."""
    aligner = GeometricAlignment(n_matches=3, **settings)
    described = [
        aligner.describe(ModalityView(x, x, y, n_clusters), np.random.RandomState([seed, m]))
        for m, (x, y) in enumerate((left, right))
    ]
    return aligner.match(*described, np.random.RandomState(seed))


def as_prototypes(distances, masses=None, clusters=None):
    p = len(distances)
    masses = np.full(p, 1 / p) if masses is None else np.asarray(masses)
    clusters = np.diag(masses) if clusters is None else clusters
    kinds = ("geodesic", "cosine")
    return Prototypes(masses, dict.fromkeys(kinds, np.asarray(distances, float)), clusters, 0, {})


# Whole matchings


def test_a_rotated_copy_in_another_order():
    X, y = irregular_clusters()
    rows = np.random.RandomState(1).permutation(len(X))
    names = np.array([2, 0, 5, 3, 1, 4])
    turned = X[rows] @ special_ortho_group.rvs(5, random_state=0)
    found = find((X, y), (turned, names[y[rows]]))
    np.testing.assert_array_equal(found.partners, names)
    assert found.confidence > 0.8
    assert found.cluster_confidence.min() > 0.5


def test_identical_modalities():
    X, y = irregular_clusters()
    found = find((X, y), (X, y))
    np.testing.assert_array_equal(found.partners, np.arange(6))
    assert found.confidence > 0.8


def test_two_samples_of_the_same_clusters_in_other_dimensions():
    (X, y), (other, y_other) = irregular_clusters(300, 0), irregular_clusters(360, 1)
    lifted = other @ np.linalg.qr(np.random.RandomState(2).randn(8, 5))[0].T
    found = find((X, y), (lifted, y_other))
    np.testing.assert_array_equal(found.partners, np.arange(6))
    assert found.confidence > 0.7


def test_other_shares_of_the_same_clusters():
    X, y = irregular_clusters()
    other, y_other = irregular_clusters(seed=1, shares=np.full(6, 1 / 6))
    found = find((X, y), (other, y_other))
    np.testing.assert_array_equal(found.partners, np.arange(6))


def test_modalities_that_share_nothing_get_low_confidence():
    X, y = irregular_clusters()
    rng = np.random.RandomState(0)
    noise = rng.randn(len(y), 6)
    assert find((X, y), (noise, rng.permutation(y))).confidence < 0.5


def test_a_symmetric_shape_gets_low_confidence():
    # An equilateral triangle fits itself in six ways.
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(3), 80)
    corners = 9 * np.eye(3)
    left, right = (corners[y] + rng.randn(240, 3) for _ in range(2))
    found = find((left, y), (right, y), n_clusters=3)
    assert found.confidence < 0.5


def test_clusters_that_are_none_get_low_confidence():
    rng = np.random.RandomState(0)
    blobs = [(rng.randn(200, 4), rng.randint(5, size=200)) for _ in range(2)]
    assert find(*blobs, n_clusters=5).confidence < 0.2


def test_the_same_matching_seen_from_the_other_side():
    X, y = irregular_clusters()
    names = np.array([2, 0, 5, 3, 1, 4])
    found = find((X, y), (X, names[y]))
    back = found.turned()
    np.testing.assert_array_equal(back.partners[names], np.arange(6))
    np.testing.assert_array_equal(back.mass, found.mass.T)
    np.testing.assert_array_equal(back.cluster_confidence[names], found.cluster_confidence)


def test_masses_sum_to_one_and_the_seed_decides():
    X, y = irregular_clusters()
    first, second = (find((X, y), (X[::-1], y[::-1]), seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.mass, second.mass)
    assert first.mass.sum() == pytest.approx(1, abs=1e-3)
    assert first.mass.shape == (6, 6)


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_a_handful_of_rows(n):
    X = np.random.RandomState(0).randn(n, 2)
    y = np.arange(n) % 2
    found = find((X, y), (np.vstack([X, X]), np.r_[y, y]), n_clusters=3)
    assert np.isfinite(found.mass).all()
    assert sorted(found.partners) == [0, 1, 2]
    assert 0 <= found.confidence <= 1


def test_rows_that_are_all_the_same():
    found = find((np.zeros((30, 3)), np.zeros(30, int)), (np.zeros((20, 2)), np.zeros(20, int)), 4)
    assert np.isfinite(found.mass).all()
    assert found.confidence < 0.1


def test_more_clusters_than_prototypes_are_usual():
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(45), 8)
    centers = rng.randn(45, 6) * 10
    left, right = (centers[y] + 0.1 * rng.randn(len(y), 6) for _ in range(2))
    found = find((left, y), (right, y), n_clusters=45, scalings=("block",))
    assert (found.partners == np.arange(45)).mean() > 0.9


# Geometry and prototypes


def test_geodesics_of_a_ring():
    ring = sp.csr_matrix(np.roll(np.eye(6), 1, axis=0) + np.roll(np.eye(6), -1, axis=0))
    hops = np.array([0, 1, 2, 3, 2, 1])
    np.testing.assert_array_equal(
        geodesic_distances(ring), np.stack([np.roll(hops, i) for i in range(6)])
    )


def test_rows_without_a_path_are_half_as_far_again_as_any_with_one():
    chain = sp.diags([np.ones(3), np.ones(3)], [1, -1])
    found = geodesic_distances(sp.block_diag([chain, chain]).tocsr())
    within, across = found[:4, :4], found[:4, 4:]
    np.testing.assert_allclose(across, 1.5 * within.max())


def test_distances_are_symmetric_of_mean_one_and_blind_to_rotations():
    X = np.random.RandomState(0).randn(80, 5)
    turn = special_ortho_group.rvs(5, random_state=0)
    for kind, d in distances(X).items():
        np.testing.assert_allclose(d, d.T, atol=1e-5)
        assert d.mean() == pytest.approx(1, rel=1e-5)
        np.testing.assert_allclose(d, distances(X @ turn)[kind], atol=0.05)
    hops = np.unique(distances(X)["geodesic"])
    np.testing.assert_allclose(hops / hops[1], np.arange(len(hops)), rtol=1e-4)


def test_local_distances_do_not_see_density():
    # A tight pair of groups and a loose one, ten times as large: the same up to scale.
    rng = np.random.RandomState(0)
    tight = np.r_[rng.randn(40, 3), rng.randn(40, 3) + 9]
    d = distances(np.r_[tight, 500 + 10 * tight])["local"]
    np.testing.assert_allclose(d[:80, :80], d[80:, 80:], rtol=1e-3, atol=1e-4)


def test_rows_with_known_partners_do_not_push_out_others():
    (X, y), rng = irregular_clusters(), np.random.RandomState(0)
    paired = np.flatnonzero(y < 3)  # more of them than of the rows that are grouped
    for p in draw_prototypes(ModalityView(X, X, y, 6, paired), rng, 4, 36, max_rows=80):
        sizes = p.clusters.sum(axis=0)
        np.testing.assert_allclose(sizes, np.bincount(y) / len(y), atol=0.12)
        assert p.anchors["cosine"].shape == (len(p.masses), len(paired))


def test_prototypes_are_means_over_rows_and_know_their_clusters():
    X, y = irregular_clusters()
    sets = draw_prototypes(ModalityView(X, X, y, 6), np.random.RandomState(0), 8, 36, 2000)
    assert [p.half for p in sets] == [0, 1] * 4
    for p in sets:
        assert p.masses.sum() == pytest.approx(1)
        np.testing.assert_allclose(p.clusters.sum(axis=1), p.masses)
        np.testing.assert_allclose(p.clusters.sum(axis=0), SHARES, atol=0.1)
        mean = p.masses @ p.distances["cosine"] @ p.masses
        assert mean == pytest.approx(1, abs=0.15)
    assert n_prototypes(100, 50, max_prototypes=36) == 50


# Quadratic assignment


def random_distances(c, seed=0):
    points = np.random.RandomState(seed).randn(c, 2)
    return np.linalg.norm(points[:, None] - points, axis=2)


def relabelled(d, seed=1):
    truth = np.random.RandomState(seed).permutation(len(d))
    turned = np.empty_like(d)
    turned[np.ix_(truth, truth)] = d
    return turned, truth


def test_two_opt_recovers_a_permutation():
    d = random_distances(9)
    turned, truth = relabelled(d)
    starts = np.stack([np.random.RandomState(s).permutation(9) for s in range(30)])
    found, values = two_opt(d[None], turned[None], np.zeros((9, 9)), starts)
    best = values.argmax()
    assert values[best] == pytest.approx((d * d).sum())
    np.testing.assert_array_equal(found[best], truth)


def test_no_swap_improves_what_two_opt_returns():
    d, e, linear = (
        random_distances(6, 0),
        random_distances(6, 1),
        np.random.RandomState(2).randn(6, 6),
    )
    (p,), (value,) = two_opt(d[None], e[None], linear, np.arange(6)[None])

    def objective(q):
        return (d * e[np.ix_(q, q)]).sum() + linear[np.arange(6), q].sum()

    assert value == pytest.approx(objective(p))
    for i in range(6):
        for j in range(i):
            q = p.copy()
            q[[i, j]] = q[[j, i]]
            assert objective(q) <= value + 1e-9


def test_normal_scores_see_ranks_alone():
    d = random_distances(7)
    np.testing.assert_allclose(normal_scores(d), normal_scores(np.exp(d) - 1))


# Couplings


def test_match_finds_a_relabelled_shape():
    d = random_distances(12)
    turned, truth = relabelled(d)
    pair = as_prototypes(d), as_prototypes(turned)
    ((mass, correlated),) = match([Problem.of(*pair)], [("cosine",)], np.random.RandomState(0))
    np.testing.assert_array_equal(best_partners(mass), truth)
    assert 0.5 < correlated <= 1
    assert mass[np.arange(12), truth].sum() > 0.7  # entropy keeps it from 1; chance is 1 / 12


def test_many_clusters_are_found_in_every_kind_of_distance():
    # Two halves of the same rows.
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(80), 12)
    X = (1.5 * rng.randn(80, 10))[y] + rng.randn(len(y), 10)
    halves = draw_prototypes(ModalityView(X, X, y, 80), rng, 8, 36, 2000)
    assert len(halves) == 2
    kinds = [("cosine",), ("rank",), ("geodesic",), ("euclidean", "local")]
    for mass, _ in match([Problem.of(*halves)], kinds, rng):
        assert (best_partners(mass) == np.arange(80)).mean() > 0.9


def test_many_clusters_are_their_own_prototypes():
    y = np.repeat(np.arange(40), 6)
    X = np.random.RandomState(0).randn(240, 5)
    for p in draw_prototypes(ModalityView(X, X, y, 40), np.random.RandomState(0), 4, 36, 2000):
        np.testing.assert_allclose(p.clusters.max(axis=1), p.masses)


def test_whole_clusters_are_sent_to_whole_clusters():
    # Twelve prototypes of three clusters, in another order on the right.
    d = random_distances(12)
    turned, truth = relabelled(d)
    clusters = np.repeat(np.eye(3), 4, axis=0) / 12
    other = np.empty_like(clusters)
    other[truth] = clusters
    left, right = as_prototypes(d, clusters=clusters), as_prototypes(turned, clusters=other)
    mass = match_from_clusters(left, right, ("cosine",), np.arange(3)).mass
    assert np.trace(mass) > 0.8
    assert mass.sum() == pytest.approx(1, abs=1e-3)


def test_match_splits_mass_where_sizes_differ():
    d = [[0, 1, 5], [1, 0, 5], [5, 5, 0.0]]
    pair = as_prototypes(d, [0.2, 0.2, 0.6]), as_prototypes(d, [0.1, 0.1, 0.8])
    ((mass, _),) = match([Problem.of(*pair)], [("cosine",)], np.random.RandomState(0))
    np.testing.assert_allclose(mass.sum(axis=0), [0.1, 0.1, 0.8], atol=1e-4)
    assert mass[2].argmax() == 2


def test_sinkhorn_meets_its_marginals():
    rng = np.random.RandomState(0)
    rows, columns = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(5))
    coupling = sinkhorn(np.exp(3 * rng.randn(1, 4, 5)), rows, columns)[0]
    np.testing.assert_allclose(coupling.sum(axis=1), rows, rtol=1e-6)
    np.testing.assert_allclose(coupling.sum(axis=0), columns, rtol=5e-3)


def random_problem(seed, p=9, q=7):
    """Distances, masses and a start for couplings of p prototypes with q."""
    rng = np.random.RandomState(seed)
    masses = [rng.dirichlet(np.full(n, 5.0)).astype(np.float32) for n in (p, q)]
    sides = [
        standard(random_distances(n, seed=seed + n), mass)[None]
        for n, mass in zip((p, q), masses, strict=True)
    ]
    return *sides, *masses, np.outer(*masses)[None]


@pytest.mark.parametrize("seed", range(3))
def test_annealing_does_not_depend_on_which_side_is_the_left(seed):
    a, b, rows, columns, start = random_problem(seed)
    nothing = np.random.RandomState(seed).randn(9, 7).astype(np.float32) / 10
    epsilons = (0.3, 0.15, 0.08)
    there = sinkhorn(anneal(a, b, nothing, rows, columns, start, epsilons, 6), rows, columns)
    start = start.transpose(0, 2, 1)
    back = sinkhorn(anneal(b, a, nothing.T, columns, rows, start, epsilons, 6), columns, rows)
    np.testing.assert_allclose(there[0], back[0].T, atol=5e-3)


def test_affinities_a_constant_apart_by_rows_and_columns_say_the_same():
    # Marginals take such constants up, however large: here e to the power of 25,000.
    a, b, rows, columns, start = random_problem(0)
    affinity = np.random.RandomState(0).randn(9, 7).astype(np.float32)
    shifted = affinity.copy()
    shifted[2] -= 1000
    shifted[:, 3] += 1000
    plain, moved = (
        sinkhorn(anneal(a, b, x, rows, columns, start, (0.3, 0.15, 0.08), 6), rows, columns)
        for x in (affinity, shifted)
    )
    np.testing.assert_allclose(plain, moved, atol=2e-3)


def test_all_masses_that_are_averaged_have_the_right_marginals(monkeypatch):
    (X, y), (other, y_other) = irregular_clusters(300, 0), irregular_clusters(360, 1)
    matches = []

    def spy_on_match(problems, kinds, rng):
        result = match(problems, kinds, rng)
        coupled = [(problem.left, problem.right) for _ in kinds for problem in problems]
        matches.extend((*sides, one.mass) for sides, one in zip(coupled, result, strict=True))
        return result

    def spy_on_identity(left, right, kinds, partners):
        result = match_from_clusters(left, right, kinds, partners)
        matches.append((left, right, result.mass))
        return result

    monkeypatch.setattr(geometric, "match", spy_on_match)
    monkeypatch.setattr(geometric, "match_from_clusters", spy_on_identity)
    find((X, y), (other, y_other))
    assert len(matches) > 100
    for left, right, mass in matches:
        np.testing.assert_allclose(mass.sum(axis=1), left.clusters.sum(axis=0), rtol=1e-2)
        np.testing.assert_allclose(mass.sum(axis=0), right.clusters.sum(axis=0), rtol=1e-2)


@pytest.mark.parametrize("farther", [1, 40])
def test_one_far_cluster_does_not_hide_the_others(farther):
    rng = np.random.RandomState(0)
    centers = 3 * rng.randn(6, 6)
    centers[0] *= farther
    y = rng.choice(6, 600, p=[0.05, *np.full(5, 0.19)])
    X = centers[y] + rng.randn(600, 6)
    turn, names = special_ortho_group.rvs(6, random_state=0), rng.permutation(6)
    result = find((X[::2], y[::2]), (X[1::2] @ turn, names[y[1::2]]))
    np.testing.assert_array_equal(result.partners, names)
    assert result.confidence > 0.5


@pytest.mark.parametrize("views", [("fac", "pix"), ("kar", "pix")])
def test_digits_are_matched_whichever_view_is_on_the_left(views):
    X, y = drop_pairing(*load_handwritten(views), random_state=0)
    aligner = GeometricAlignment(kinds=KINDS[5:], scalings=("columns",))
    described = [
        aligner.describe(ModalityView(x, x, y[X.codes == m], 10), np.random.RandomState(m))
        for m, x in enumerate(map(scale, X.blocks.values()))
    ]
    for sides in (described, described[::-1]):
        result = aligner.match(*sides, np.random.RandomState(0))
        np.testing.assert_array_equal(result.partners, np.arange(10))
        assert result.confidence > 0.5


def test_annealing_keeps_a_perfect_match():
    mass = np.full(8, 1 / 8, dtype=np.float32)
    d = standard(random_distances(8), mass)[None]
    start = (0.8 * np.eye(8) / 8 + 0.2 / 64)[None].astype(np.float32)
    coupling = anneal(d, d, np.zeros_like(start[0]), mass, mass, start, (0.3, 0.15, 0.08), 10)
    np.testing.assert_array_equal(coupling[0].argmax(axis=1), np.arange(8))
    assert correlation(d, d, np.zeros_like(start[0]), coupling)[0] > 0.95


# Targets


def test_targets_of_a_rotated_copy_are_its_rows():
    X, y = irregular_clusters()
    turned = 2 * X @ special_ortho_group.rvs(5, random_state=0) + 5
    shares = np.eye(6)[y]
    targets = taught_targets(X, shares, turned, shares)
    for c in range(6):
        np.testing.assert_allclose(targets[y == c].mean(0), turned[y == c].mean(0), atol=1e-3)
    within, expected = (
        np.cov((z - shares @ (shares.T @ z / shares.sum(0)[:, None])).T) for z in (targets, turned)
    )
    np.testing.assert_allclose(within, expected, rtol=1e-2, atol=1e-2)


def test_rows_of_a_cluster_that_the_other_modality_lacks_go_to_its_middle():
    z, other = np.random.RandomState(0).randn(8, 2), 50 + np.random.RandomState(1).randn(6, 2)
    shares, other_shares = (
        np.eye(3)[[0, 0, 1, 1, 2, 2, 2, 2]],
        np.eye(3)[[0, 0, 0, 1, 1, 1]],
    )
    targets = taught_targets(z, shares, other, other_shares)
    assert np.abs(targets - 50).max() < 5
    np.testing.assert_allclose(targets[4:].mean(axis=0), other.mean(axis=0))


def test_targets_exist_where_latents_do_not_fill_their_space():
    z = np.c_[np.arange(6.0), np.zeros(6)]
    shares = np.repeat(np.eye(2), 3, axis=0)
    assert np.isfinite(taught_targets(z, shares, z[:, ::-1], shares)).all()


# Three modalities


def matching_of(partners, confidence=0.8):
    mass = np.eye(3)[partners] / 3
    return Alignment(np.array(partners), mass, confidence, np.full(3, confidence))


def test_partners_through_the_hub_are_those_of_the_composition():
    left, right = matching_of([1, 2, 0]), matching_of([2, 0, 1])
    # Left 0 is the hub's 1, which is right 2.
    np.testing.assert_array_equal(through_hub(left, right), [2, 0, 1])


@pytest.mark.parametrize(
    ("direct", "confidence", "expected"),
    [([2, 0, 1], 0.9, 1.0), ([0, 1, 2], 0.9, 0.1), ([2, 1, 0], 0.9, 0.4), ([0, 1, 2], 0.0, 1.0)],
)
def test_a_direct_matching_bears_witness_as_far_as_it_is_trusted(direct, confidence, expected):
    left, right = matching_of([1, 2, 0]), matching_of([2, 0, 1])
    found = spoke_agreement(left, right, matching_of(direct, confidence))
    assert found == pytest.approx(expected)
    assert left.scaled(found).confidence == pytest.approx(0.8 * expected)


# Aligners of other people


class BySize:
    """Match clusters by their numbers of rows: the largest to the largest, and so on."""

    def describe(self, modality, rng):
        return np.bincount(modality.labels, minlength=modality.n_clusters)

    def match(self, left, right, rng):
        partners = np.empty(len(left), dtype=int)
        partners[np.argsort(left)] = np.argsort(right)
        shares = np.sort(left) / left.sum(), np.sort(right) / right.sum()
        return Alignment.of_partners(partners, confidence=1 - abs(shares[0] - shares[1]).sum())


class Wrong(BySize):
    def __init__(self, answer):
        self.answer = answer

    def match(self, left, right, rng):
        return self.answer


def test_an_aligner_of_ones_own(tiny):
    X, other = irregular_clusters()[0], irregular_clusters(seed=1)[0]
    model = tiny.set_params(n_clusters=6, alignment=BySize(), pretrain_epochs=30)
    model.fit(X, other)
    (found,) = model._model.alignments.values()
    assert model.alignment_confidence_ == found.confidence
    assert clone(model).alignment is not None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "match must return an Alignment"),
        (Alignment(np.array([0, 0, 1]), np.eye(3) / 3, 0.5, np.ones(3)), "each of 0 to 2 once"),
        (Alignment.of_partners([1, 0], 0.5), "each of 0 to 2 once"),
        (Alignment.of_partners([1, 0, 2], 1.5), r"confidence of 1.5, not a number in \[0, 1\]"),
        (Alignment.of_partners([1, 0, 2], None), "confidence of None"),
        (Alignment(np.arange(3), None, 0.5, np.ones(3)), r"mass of shape \(\).*\(3, 3\)"),
        (Alignment(np.arange(3), np.eye(3), 0.5, np.full(3, np.nan)), "cluster_confidence"),
    ],
)
def test_an_aligner_that_answers_wrongly(blobs, tiny, answer, message):
    with pytest.raises(ValueError, match=message):
        tiny.set_params(alignment=Wrong(answer)).fit(blobs[0])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_drawings": 1}, "n_drawings must be an integer of 2 or more"),
        ({"n_matches": 0}, "n_matches must be an integer of 1 or more"),
        ({"n_prototypes": 2.5}, "n_prototypes must be an integer of 2 or more"),
        ({"max_rows": 3}, "max_rows must be an integer of 4 or more"),
        ({"kinds": ()}, "kinds must"),
        ({"kinds": ("cosine", "local")}, "kinds must"),
        ({"kinds": 5}, "kinds must"),
        ({"kinds": None}, "kinds must"),
        ({"kinds": (5,)}, "kinds must"),
        ({"kinds": {("cosine",), ("local",)}}, "kinds must"),
        ({"kinds": ({"cosine", "local"},)}, "kinds must"),
        ({"kinds": ((["cosine"],),)}, "kinds"),
        ({"scalings": {"unit", "block"}}, "scalings must"),
        ({"scalings": 5}, "scalings must"),
        ({"scalings": ("x" * 10_000,)}, "scalings"),
        ({"kinds": (("cosin",),)}, "'cosin'"),
    ],
)
def test_settings_of_the_alignment_are_checked_at_once(setting, message):
    with pytest.raises(ValueError, match=message):
        GeometricAlignment(**setting)


def test_an_odd_number_of_drawings():
    X, y = irregular_clusters()
    aligner, rng = GeometricAlignment(n_drawings=3, n_matches=1), np.random.RandomState(0)
    one = aligner.describe(ModalityView(X, X, y, 6), rng)
    assert aligner.match(one, one, rng).confidence > 0.5


def test_partners_are_a_permutation():
    for wrong in ([0, 0, 1], [0.2, 1.2, 2.2], [1, 2, 3]):
        with pytest.raises(ValueError, match="each of 0 to 2 once"):
            Alignment.of_partners(wrong, 0.5)
