"""The benchmarks of speed and of large data: they count what they should, pages say it."""

import json
from collections import Counter
from itertools import pairwise

import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from benchmarks import earlier, floor, large, runs, speed
from skdm2c.networks import ModalityAutoEncoder


def test_products_of_a_perceptron_are_those_of_the_closed_form():
    net = ModalityAutoEncoder(5, 3, (8,), "none", torch.Generator().manual_seed(0))
    x = torch.zeros(7, 5)
    widths = [5, 8, 3, 8, 5]
    expected = Counter()
    for n_in, n_out in pairwise(widths):
        expected[7, n_out, n_in] += 1  # x W'
        expected[n_out, n_in, 7] += 1  # gradient of W
    for n_in, n_out in pairwise(widths[1:]):
        expected[7, n_in, n_out] += 1  # gradient of x, which the first layer does not need
    assert floor.products_of(lambda: net(x).sum().backward()) == expected


def test_matrix_times_vector_counts_and_operations_are_two_a_cell():
    w, v = torch.ones(4, 6), torch.ones(6)
    products = floor.products_of(lambda: w @ v)
    assert products == {(4, 1, 6): 1}
    assert floor.operations(products) == 2 * 4 * 6
    assert floor.seconds_of(products, threads=1) > 0


def test_nothing_is_counted_after_the_call():
    w = torch.ones(2, 2)
    products = floor.products_of(lambda: w @ w)
    _ = w @ w
    assert sum(products.values()) == 1


@pytest.mark.parametrize("phase", speed.PHASES)
def test_steps_are_measured_against_their_floor(phase):
    found = speed.measure_steps("PUBLISHED", phase, threads=1, n_epochs=2)
    assert 0 < found["worst_share"] <= found["share"]
    width = speed.CONFIGURATIONS["PUBLISHED"][1]
    # Encoder and decoder, once forward and (but for the input's gradient) twice back, are the
    # least there is; in the game 64 rows of each of two modalities make a batch of 128.
    layers = 2 * (width * 1024 + 1024 * 256 + 256 * 128)
    least = 2 * 128 * (3 * layers - width * 1024)
    assert found["gigaflop"] >= round(least / 1e9, 4)
    assert found["gigaflop"] < 3 * least / 1e9


def test_the_page_gives_ratios_with_the_worst_seed():
    made = {"threads": 1, "jobs": 1, "versions": {"torch": "2"}, "machine": "m", "date": "d"}
    fits = [
        {"what": "fit", "pair": "facpix", "seed": seed, "input_mb": 2.0, "times_faster": faster,
         "default": {"seconds": 10.0, "peak_mb": 100.0, "ari": 0.7},
         "published": {"seconds": 10.0 * faster, "peak_mb": 50.0, "ari": 0.3}, **made}
        for seed, faster in enumerate([9.0, 11.0, 10.0])
    ]  # fmt: skip
    text = speed.page(fits)
    assert "| facpix | 3 | 10.0 [9.0] | 10.0 | 100.0 | 0.70 | 0.30 | 50 | 2.0 |" in text


def test_the_page_says_what_use_and_workers_took():
    made = {"versions": {}, "date": "2026-01-01", "machine": "m", "threads": 1, "jobs": 1}
    use = {"what": "use", "predict_row_ms": 0.9, "transform": 0.5, "predict": 0.6, "bare": 0.45}
    workers = {"what": "workers", "pair": "facpix", "one_after_the_other": 20.0, "at_once": 11.0}
    jobs = {"what": "jobs", "pair": "snare", "one": 9.0, "two": 6.0, "times_faster": 1.5}
    lines = [use | made | {"share": 0.9}, workers | made | {"times_faster": 1.82}]
    text = speed.page([*lines, jobs | made | {"worst_times_faster": 1.4}])
    assert "| snare | 9.0 | 6.0 | 1.50 [1.40] |" in text
    assert "| 0.90 | 0.500 | 0.600 | 0.450 | 0.90 |" in text
    assert "| facpix | 20.0 | 11.0 | 1.82 |" in text


def test_a_fitted_model_is_measured_against_its_networks(monkeypatch):
    monkeypatch.setattr(speed, "MANY_ROWS", 600)
    found = speed.measure_use(threads=1)
    assert 0 < found["share"] < 100
    assert found["predict_row_ms"] > 0


def test_a_commit_is_as_fast_as_itself():
    times = earlier.measure_earlier("HEAD", "300", n_turns=2, threads=1)
    assert times["commit"] == "HEAD"
    assert 0.2 < times["worst_times_faster"] <= times["times_faster"] < 5


def test_the_page_compares_the_fit_with_an_earlier_one():
    made = {"versions": {}, "date": "2026-01-01", "machine": "m", "threads": 1, "jobs": 1}
    times = {"earlier": 20.0, "now": 8.0, "times_faster": 2.5, "worst_times_faster": 2.4}
    text = speed.page([{"what": "earlier", "case": "facpix", **made, **times}])
    assert "| facpix | 20.0 | 8.0 | 2.50 [2.40] |" in text


def test_a_line_of_the_large_benchmark_tells_its_case():
    for cases in large.questions(seed=0, most=10**6).values():
        assert len(set(cases)) == len(cases)
        for case in cases:
            assert large.case_of(json.loads(json.dumps(case._asdict()))) == case


def test_large_data_are_made_with_clusters_that_are_known():
    case = large.Case((600, 400), (24, 20), n_clusters=4, spread=2.4)
    X, y = large.make(case)
    assert [block.shape for block in X.blocks.values()] == [(600, 24), (400, 20)]
    for m, block in enumerate(X.blocks.values()):
        found = KMeans(4, n_init=5, random_state=0).fit_predict(block)
        assert adjusted_rand_score(y[X.codes == m], found) > 0.95


def test_a_line_takes_the_place_of_that_of_the_same_case(monkeypatch, tmp_path):
    monkeypatch.setattr(large, "RESULTS", tmp_path / "large.jsonl")
    one, other = large.Case(), large.Case(n_clusters=5)
    for case, seconds in ((one, 1), (other, 2), (one, 3)):
        large.keep({**case._asdict(), "seconds": seconds})
    assert [line["seconds"] for line in runs.read_lines(large.RESULTS)] == [2, 3]


def test_the_page_of_large_data_is_of_the_lines_that_are_kept():
    lines = runs.read_lines(large.RESULTS)
    assert large.PAGE.read_text() == large.page(lines)
    (million,) = (line for line in lines if sum(line["n_rows"]) == 10**6)
    assert million["seconds"] < 6 * 60  # as README says
