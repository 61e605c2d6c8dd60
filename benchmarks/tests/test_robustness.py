"""Disturbed problems: what each disturbance does, and that no labels reach a method."""

import re

import numpy as np
import pytest

from benchmarks import robustness, runs
from benchmarks.disturbances import DISTURBANCES, NONE, Draw
from benchmarks.robustness import Task, disturbed, page, plan


def draw(seed=0):
    rng = np.random.RandomState(seed)
    y = [np.repeat(np.arange(4), n) for n in ([40, 30, 20, 30], [25, 35, 40, 20])]
    blocks = [rng.randn(len(c), d) * np.arange(1, d + 1) for c, d in zip(y, (5, 3), strict=True)]
    return Draw(blocks, y, 4, [np.ones(len(c), dtype=bool) for c in y])


def disturb(name, level, seed=0):
    return DISTURBANCES[name].disturb(draw(), level, np.random.RandomState(seed))


@pytest.mark.parametrize("name", DISTURBANCES)
def test_every_level_leaves_a_problem(name):
    for level in DISTURBANCES[name].levels:
        found = disturb(name, level)
        for x, y, scored in zip(found.blocks, found.classes, found.scored, strict=True):
            assert len(x) == len(y) == len(scored) > 0
            assert np.isfinite(x).all()


@pytest.mark.parametrize("name", DISTURBANCES)
def test_the_same_chance_disturbs_alike_and_nothing_given_is_changed(name):
    given, level = draw(), DISTURBANCES[name].levels[-1]
    one, other = (
        DISTURBANCES[name].disturb(given, level, np.random.RandomState(3)) for _ in range(2)
    )
    for mine, theirs, was, before in zip(
        one.blocks, other.blocks, given.blocks, draw().blocks, strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(was, before)


def test_rows_and_classes_stay_together():
    marked = draw()
    marked = marked._replace(
        blocks=[np.column_stack([y, x]) for y, x in zip(marked.classes, marked.blocks, strict=True)]
    )
    for name in ("rows", "shares", "missing"):
        way = DISTURBANCES[name]
        found = way.disturb(marked, way.levels[0], np.random.RandomState(0))
        for x, y in zip(found.blocks, found.classes, strict=True):
            np.testing.assert_array_equal(x[:, 0], y)


def test_what_each_does():
    was = draw()
    assert [len(x) for x in disturb("rows", 100).blocks] == [50, 50]
    assert [x.shape[1] for x in disturb("noise", 3).blocks] == [20, 12]
    assert [disturb("k", level).k for level in (-3, -1, 2)] == [2, 3, 6]
    missing = [set(np.unique(y)) for y in disturb("missing", 2).classes]
    assert sorted(map(len, missing)) == [2, 4]
    counts = [np.bincount(y, minlength=4) for y in disturb("shares", 1).classes]
    assert all((n >= 10).all() for n in counts)
    assert any((n < np.bincount(y)).any() for n, y in zip(counts, was.classes, strict=True))
    scored = np.concatenate(disturb("outliers", 0.05).scored)
    assert 0.85 < scored.mean() < 1
    scales = disturb("scales", 1).blocks[0] / was.blocks[0]
    np.testing.assert_allclose(scales, np.broadcast_to(scales[0], scales.shape))
    bent = disturb("powers", 3).blocks[0]
    np.testing.assert_array_equal(np.argsort(bent, axis=0), np.argsort(was.blocks[0], axis=0))
    change = np.median(np.abs(disturb("tails", 0.1).blocks[0] - was.blocks[0]), axis=0)
    np.testing.assert_allclose(change / was.blocks[0].std(axis=0), 0.08, atol=0.03)


def test_neutral_levels_are_none():
    for name, way in DISTURBANCES.items():
        assert way.neutral not in way.levels, name
    for name in ("noise", "k", "outliers", "scales", "powers", "tails", "missing"):
        found = disturb(name, DISTURBANCES[name].neutral)
        for x, was in zip(found.blocks, draw().blocks, strict=True):
            np.testing.assert_allclose(x, was)


def test_an_undisturbed_problem_is_the_benchmarks():
    problem, y = runs.draw("facpix", 0)
    found = disturbed(Task("default", "facpix", 0, NONE, 0.0))
    np.testing.assert_array_equal(np.vstack(found.blocks[:1]), problem.X_a)
    np.testing.assert_array_equal(np.concatenate(found.classes), y)


def test_a_run_scores_and_a_plan_resumes():
    task = Task("concatenated", "facpix", 0, "rows", 100.0)
    line = robustness.run(task, 1, 1)
    assert robustness.task_of(line) == task
    assert line["random"] < line["oracle"]
    tasks = plan(["concatenated"], ["facpix"], 1, set())
    assert len(tasks) == 1 + sum(len(way.levels) for way in DISTURBANCES.values())
    assert len(plan(["concatenated"], ["facpix"], 1, {task})) == len(tasks) - 1
    assert "rows, both modalities: 100" in page([line])


def test_what_has_not_run_on_all_pairs_is_left_out():
    def run(method, pair, name, seed=0, level=0.0):
        where = {"pair": pair, "seed": seed}
        return {"method": method, **where, "disturbance": name, "level": level}

    whole = [run("default", pair, name) for pair in ("snare", "facpix") for name in (NONE, "k")]
    some = [run("default", "snare", "rows"), run("concatenated", "snare", "k")]
    begun = [run("default", "snare", NONE, seed=1)]
    assert robustness.comparable(whole + some + begun) == whole
    some += [run("default", "facpix", "rows")]
    assert len(robustness.comparable(whole + some)) == len(whole) + 2


def test_the_page_is_that_of_the_runs():
    lines = robustness.comparable(robustness.finished(robustness.OUT))
    assert page(lines) in robustness.PAGE.read_text()


def test_what_the_page_counts_in_words_are_the_runs():
    text = " ".join(robustness.PAGE.read_text().split())
    draws = {}
    for x in robustness.comparable(robustness.finished(robustness.OUT)):
        draws.setdefault(robustness.task_of(x)[1:], {})[x["method"]] = x

    def ahead(peer):
        lead = [here["default"]["ari"] - here[peer]["ari"] for here in draws.values()]
        return f"{sum(x > 0 for x in lead)}", f"{np.mean(lead):.2f}"[1:]

    said = re.search(
        r"mini-vec2vec, the best of them, in (\d+) of (\d+) runs, by (\.\d+) ARI .* unbalanced GW, "
        r"the quickest of the three that come next, in (\d+), by (\.\d+):",
        text,
    )
    (won, by), n = ahead("mini_vec2vec"), f"{len(draws)}"
    assert said.groups() == (won, n, by, *ahead("unbalanced_gw"))

    ours = [here["default"] for here in draws.values()]
    lost = [x for x in ours if x["gain"] < 0.5]
    warned, silent = ([x for x in lost if (x["confidence"] < 0.5) == w] for w in (True, False))
    aligned = [x["confidence"] < 0.5 for x in ours if x not in lost]
    said = re.search(
        r"Of (\d+) runs (\d+) had a gain below .5. Confidence was below .5 in (\d+) of them; .* "
        r"between (\.\d+) and (\.\d+). It warned in (\d+) of the (\d+) that were aligned",
        text,
    )
    trusted = [f"{f(x['confidence'] for x in silent):.2f}"[1:] for f in (min, max)]
    counted = [n, f"{len(lost)}", f"{len(warned)}", *trusted, f"{sum(aligned)}", f"{len(aligned)}"]
    assert list(said.groups()) == counted
    assert len(silent) == 3
    assert {x["pair"] for x in silent} == {"snare"}
