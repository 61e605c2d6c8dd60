"""The benchmark: no labels reach a method, nothing is lost, its figures pass sanity checks."""

import ast
import os
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import pairs, runs
from benchmarks import protocol as program
from benchmarks.lines import OURS, SHARED, column, complete, confidence_and_gain, paired
from benchmarks.methods import METHODS, load
from benchmarks.methods._spaces import cluster_through
from benchmarks.report import page, weaknesses
from benchmarks.tables import bounds, by_pair, overview, wins, wins_and_losses
from skdm2c.metrics import evaluate

FIGURES = {
    "acc", "ari", "nmi", "f_score", "purity", "ari_a", "ari_b", "nmi_a", "nmi_b", "random",
    "oracle", "gain", "reference_gain",
}  # fmt: skip
CIRCUMSTANCES = {
    "commit",
    "seed",
    "threads",
    "jobs",
    "versions",
    "machine",
    "date",
    "seconds",
    "peak_mb",
}


def line(method="default", pair="snare", seed=0, **figures):
    usual = {"ari": 0.5, "random": 0.3, "oracle": 0.7, "gain": 0.5, "reference_gain": 0.6}
    cost = {"seconds": 1.0, "peak_mb": 5, "threads": 1, "jobs": 1, "confidence": 0.4}
    place = {"versions": {"numpy": "2"}, "machine": "m", "date": "2026-01-01"}
    return {"method": method, "pair": pair, "seed": seed, **usual, **cost, **place, **figures}


# No labels


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_two_blocks_k_and_a_seed(name):
    path = Path(runs.__file__).parent / "methods" / f"{name}.py"
    functions = {n.name: n for n in ast.parse(path.read_text()).body if hasattr(n, "args")}
    assert [a.arg for a in functions["fit_labels"].args.args] == ["X_a", "X_b", "k", "seed"]


def test_what_a_method_is_sent_does_not_depend_on_the_classes(monkeypatch):
    problem, y = runs.draw("facpix", 0)
    views, digits = pairs.load_handwritten(("fac", "pix"))
    shuffled = np.random.RandomState(1).permutation(digits)
    monkeypatch.setattr(pairs, "_load_views", lambda pair: (views, shuffled))
    other, other_y = runs.draw("facpix", 0)
    assert not np.array_equal(y, other_y)
    assert problem._fields == ("X_a", "X_b", "k", "seed")
    for mine, theirs in zip(problem, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


# The runner


def test_the_program_appends_every_figure_and_resumes(tmp_path, monkeypatch, capsys):
    out = tmp_path / "new" / "runs.jsonl"
    command = ["benchmarks", "--methods", "kmeans_each,concatenated", "--pairs", "facpix"]
    monkeypatch.setattr("sys.argv", [*command, "--seeds", "1", "--out", str(out)])
    program.main()
    lines = runs.read(out)
    assert [r["method"] for r in lines] == ["kmeans_each", "concatenated"]
    assert all(set(r) >= FIGURES | CIRCUMSTANCES for r in lines)
    assert {"transfer_a_b", "transfer_b_a"} <= set(lines[1])
    assert "left]" in capsys.readouterr().out
    before = out.read_text()
    program.main()
    assert out.read_text() == before


def test_without_the_data_folder_the_digits_remain_and_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SKDM2C_DATA", str(tmp_path))
    assert program.available(list(pairs.PAIRS)) == ["facpix", "karpix", "foupix"]
    said = capsys.readouterr().out
    assert "snare" in said
    assert "--data" in said


def test_slow_peers_stop_early_and_what_is_done_is_not_run_again():
    done = {runs.Task("cpmn", "tcga", 0)}
    tasks = program.plan(["cpmn", "default"], ["tcga"], 10, done)
    assert [t.seed for t in tasks if t.method == "cpmn"] == [1, 2]
    assert [t.seed for t in tasks if t.method == "default"] == list(range(10))


def test_time_left_counts_each_method_at_its_own_speed():
    left = [runs.Task("default", "snare", 1), runs.Task("cpmn", "snare", 1)]
    assert program.time_left(left, {"default": [1.0, 3.0]}) == pytest.approx(2 + 2)
    assert program.time_left(left, {"default": [2.0], "cpmn": [10.0]}) == pytest.approx(12)


def test_a_method_that_cannot_be_imported_is_reported():
    with pytest.raises(runs.MethodError, match="not installed"):
        runs.solve_apart("no_such_method", runs.Problem(np.eye(3), np.eye(3), 2, 0), 1)


def _die(*_):
    os._exit(3)


def test_a_method_that_kills_its_process_is_reported(monkeypatch):
    monkeypatch.setattr(runs, "_solve_and_send", _die)
    with pytest.raises(runs.MethodError, match="exit code 3"):
        runs.solve_apart("kmeans_each", runs.Problem(np.eye(3), np.eye(3), 2, 0), 1)


def test_a_mended_error_is_forgotten(tmp_path):
    out = tmp_path / "runs.jsonl"
    runs.append(out, {"method": "idec", "pair": "snare", "seed": 0, "error": "gone"})
    runs.append(out, line("idec"))
    assert [r.get("error") for r in runs.read(out)] == [None]


@pytest.mark.parametrize(("option", "value"), [("--methods", "kmeans"), ("--pairs", "snare,snail")])
def test_an_unknown_name_is_refused_with_those_there_are(option, value, monkeypatch):
    monkeypatch.setattr("sys.argv", ["benchmarks", option, value])
    with pytest.raises(SystemExit, match=r"not known; there are: .*(kmeans_each|snare)"):
        program.main()


# The report


def test_the_report_counts_and_averages():
    some = [
        line(ari=0.5, seed=0),
        line(ari=0.7, seed=1),
        line("concatenated", ari=0.6, seed=0),
        line("concatenated", ari=0.6, seed=1, gain=None),
        {**line("idec"), "error": "not installed: clustpy"},
    ]
    assert "0.600 ± 0.100 [0.500]" in by_pair(some, "ari", ["snare"])
    assert [v.tolist() for v in paired(some, "default", "concatenated")] == [[0.5, 0.7], [0.6] * 2]
    assert "1–1" in wins(some)
    assert "1 of 2" in overview(some)
    text = page(some)
    assert "not installed: clustpy" in text
    assert "IDEC" not in by_pair(some, "ari", ["snare"])


def test_wins_are_told_with_a_sign_test():
    # 10 of 10: 2 / 2^10; ties count for neither.
    assert wins_and_losses(np.ones(12), np.append(np.zeros(10), [1, 1])) == "10–0 (p = .002)"
    assert wins_and_losses(np.ones(3), np.zeros(3)) == "3–0"
    assert wins_and_losses(np.zeros(40), np.ones(40)) == "0–40 (p < .001)"
    assert wins_and_losses(np.ones(2), np.ones(2)) == "0–0"


def test_the_report_says_where_the_default_fails():
    some = [
        line(pair="snare", gain=0.9, confidence=0.8),
        line(pair="tcga", gain=0.1, confidence=0.6, ari=0.3),
        line("idec", pair="tcga", ari=0.4),
        line("idec", pair="snare", ari=0.1),
    ]
    said = weaknesses(some)
    assert "(gain): tcga 0.10." in said
    assert "1 of 2 runs. tcga seed 0 (confidence 0.60, gain 0.10)" in said
    assert "on tcga by IDEC on the concatenation (0.400 against 0.300, 1 draw)" in said
    assert "snare by" not in said


def test_confidence_is_paired_with_gain():
    some = [line(confidence=0.9, gain=1.0), line(pair="tcga", gain=None), line("concatenated")]
    confidence, gains = confidence_and_gain(some)
    assert (confidence.tolist(), gains.tolist()) == ([0.9], [1.0])


def test_means_over_pairs_are_of_methods_that_ran_on_all():
    some = [line(), line(pair="facpix"), line("concatenated")]
    assert complete(some) == ["default"]
    assert "concatenated" not in overview(some)
    assert "concatenated" in by_pair(some, "ari", ["snare", "facpix"])


def test_bounds_stand_apart_from_methods():
    some = [line(), line("kmeans_each")]
    assert "k-means in each" in bounds(some)
    assert "k-means in each" not in overview(some) + wins(some)


# Sanity of the figures


def figures(y, labels, n_a, embedding=None):
    side = np.repeat(["a", "b"], [n_a, len(y) - n_a])
    return evaluate(y, labels, side, embedding)


def committed():
    return [r for r in runs.read(runs.RESULTS) if "error" not in r]


def test_no_method_beats_its_oracle_but_by_noise():
    # Its Hungarian matching is best for accuracy; for ARI now and then another one is.
    over = {}
    for run in committed():
        over.setdefault((run["method"], run["pair"]), []).append(run["ari"] - run["oracle"])
    assert max(np.mean(v) for v in over.values() if len(v) >= 3) < 0.02
    assert np.mean(np.concatenate(list(over.values())) > 0.02) < 0.02


def test_matching_at_random_gains_nothing():
    gains = [r["gain"] for r in committed() if r["method"] == "kmeans_each"]
    gains = np.array([g for g in gains if g is not None])
    error = gains.std() / np.sqrt(len(gains))
    assert len(gains) >= 80
    assert abs(gains.mean()) < 3 * error


def test_shuffled_classes_leave_nothing():
    problem, y = runs.draw("facpix", 0)
    solution = load("concatenated")(*problem)
    y = np.random.RandomState(0).permutation(y)
    found = figures(y, solution.labels, len(problem.X_a), solution.embedding)
    assert abs(found["ari"]) < 0.01
    assert abs(found["oracle"]) < 0.02
    assert found["transfer_a_b"] == pytest.approx(0.1, abs=0.04)


def test_the_true_pairing_raises_the_gain():
    # Each A row's other view is hidden from a method. Given here, it says which B rows are
    # like it; the same recipe with that knowledge shuffled must be back at the zero.
    views, digits = pairs.load_handwritten(("fac", "pix"))
    order = np.random.RandomState(0).permutation(len(digits))
    a, b = order[:1000], order[1000:]
    fac, pix = ((v - v.mean(0)) / np.where(v.std(0) > 0, v.std(0), 1) for v in views.values())
    distance = np.linalg.norm(pix[a][:, None, ::8] - pix[b][None, :, ::8], axis=2)
    coupling = (distance <= np.sort(distance, axis=0)[4]).astype(float)
    y = digits[order]
    told, shuffled = (
        figures(y, cluster_through(c, fac[a], 10, 0).labels, len(a))
        for c in (coupling, np.random.RandomState(0).permutation(coupling))
    )
    assert told["gain"] > 0.8
    assert told["ari"] - told["random"] > 0.2
    # B's clusters are noise now: its oracle is near its random bound and the quotient means little.
    assert abs(shuffled["ari"] - shuffled["random"]) < 0.03


# What README says in words


def table_rows(name):
    """The cells of every line of a page's tables."""
    page = (Path(runs.__file__).parents[1] / "docs" / name).read_text()
    return [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]


def test_figures_in_readmes_sentences_are_those_of_the_results():
    readme = " ".join((Path(runs.__file__).parents[1] / "README.md").read_text().split())
    said = re.search(r"aligns all on every seed \(worst gain \.(\d\d)\)", readme)
    finished = [r for r in runs.read(runs.RESULTS) if r["method"] == OURS and "error" not in r]
    gains = [r["gain"] for r in finished if r["pair"] in SHARED]
    assert said[1] == f"{min(gains):.2f}"[2:]

    said = re.search(
        r"mini-vec2vec comes nearest: over seeds 0 to (\d) its mean ARI on the pairs that share "
        r"geometry is \.(\d\d) where the default's is \.(\d\d), and on reuters it is ahead "
        r"\(\.(\d\d) to \.(\d\d)\)",
        readme,
    )
    rival = [r for r in committed() if r["method"] == "mini_vec2vec"]
    last = max(r["seed"] for r in rival)
    same = rival + [r for r in finished if r["seed"] <= last]
    both = ("mini_vec2vec", OURS)
    means = {p: [column(same, "ari", method=m, pair=p).mean() for m in both] for p in SHARED}
    quoted = [*np.mean(list(means.values()), axis=0), *means["reuters"]]
    assert said.groups() == (str(last), *(f"{ari:.2f}"[2:] for ari in quoted))

    said = re.search(r"ARI is \.(\d\d) on average \(worst pair \.(\d\d)\)", readme)
    correlations = next(row for row in table_rows("score.md") if row[0] == "score")
    *of_pairs, mean = map(float, correlations[1:])
    assert said.groups() == (f"{mean:.2f}"[2:], f"{min(of_pairs):.2f}"[2:])

    said = re.search(
        r"ARI is at most \.(\d\d) lower on four of the pairs, and \.(\d\d) lower", readme
    )
    rows = table_rows("benchmark.md")
    start = next(i for i, row in enumerate(rows) if row[-1] == "lost")
    lost = {row[0]: row[-1] for row in rows[start : start + 7]}
    assert said[2] == f"{float(lost['reuters']):.2f}"[2:]
    most = max(float(lost[pair]) for pair in ("snare", "pbmc1k", "facpix", "karpix"))
    assert said[1] == f"{most:.2f}"[2:]


def test_the_table_of_unequal_composition_is_that_of_the_runs():
    from benchmarks import composition

    lines = composition.read_lines(composition.OUT)
    assert composition.page(lines, composition.whole_runs()) in composition.PAGE.read_text()


def test_the_table_of_known_pairs_is_that_of_the_runs():
    from benchmarks import known_pairs

    text = known_pairs.PAGE.read_text()
    assert known_pairs.page(runs.read_lines(known_pairs.OUT)) in text


def test_labels_of_a_picture_move_as_little_as_they_must():
    from benchmarks.pictures import apart

    np.testing.assert_allclose(apart(np.array([3.0, 2.0, 1.0]), 0.5), [3, 2, 1])
    np.testing.assert_allclose(apart(np.array([3.0, 1.0, 1.0]), 0.5), [3, 1.25, 0.75])


def test_pictures_are_drawn_of_runs_on_some_of_the_pairs(tmp_path, monkeypatch):
    from benchmarks import pictures

    some = [line(m, p) for m in ("kmeans_each", "concatenated", OURS) for p in ("snare", "facpix")]
    some += [line("smile", "snare")]
    everywhere = {METHODS[m].title for m in ("concatenated", OURS)}
    shown = []
    monkeypatch.setattr(pictures.plt, "close", shown.append)
    for draw in (pictures.draw_bounds, pictures.draw_glance):
        draw(some, tmp_path / "picture.png")
        assert (tmp_path / "picture.png").stat().st_size > 10_000
        (tmp_path / "picture.png").unlink()
    bounds, glance = ({t.get_text() for t in f.axes[0].get_yticklabels()} for f in shown)
    assert bounds == everywhere | {METHODS["smile"].title}
    assert glance == everywhere  # means over pairs compare no others
