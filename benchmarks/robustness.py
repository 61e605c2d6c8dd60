"""How methods fare on problems that are disturbed: one way at a time, at several levels.

    python -m benchmarks.robustness --jobs 2 --seeds 1           # ours: 20 minutes
    python -m benchmarks.robustness --methods default,entropic_gw
    python -m benchmarks.robustness --report                     # the page and the picture alone

One JSON line a run, appended as it finishes; runs that stand in the file are skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import protocol, runs
from .disturbances import DISTURBANCES, NONE, Draw
from .lines import BOUNDS, OURS, ZERO, Runs, figures, mean
from .methods import METHODS
from .pages import made_by, table, write_between
from .pictures import draw_robustness
from .tables import span

OUT = runs.RESULTS.with_name("robustness.jsonl")
PAGE = Path(__file__).parents[1] / "docs" / "robustness.md"
CHOSEN = ("snare", "pbmc1k", "facpix")


class Task(NamedTuple):
    """One run: a method on a draw of a pair that is disturbed, or with ``NONE`` is not."""

    method: str
    pair: str
    seed: int
    disturbance: str
    level: float


def disturbed(task: Task) -> Draw:
    """Draw a pair's problem and disturb it; every level by the same chance."""
    problem, y = runs.draw(task.pair, task.seed)
    n = len(problem.X_a)
    blocks, classes = [problem.X_a, problem.X_b], [y[:n], y[n:]]
    draw = Draw(blocks, classes, problem.k, [np.ones(len(x), dtype=bool) for x in blocks])
    if task.disturbance == NONE:
        return draw
    way = list(DISTURBANCES).index(task.disturbance)
    rng = np.random.RandomState([task.seed, way])
    return DISTURBANCES[task.disturbance].disturb(draw, task.level, rng)


def run(task: Task, threads: int, jobs: int) -> dict[str, Any]:
    """Solve one problem in a process of its own; classes enter when that is done."""
    draw = disturbed(task)
    problem = runs.Problem(*draw.blocks, draw.k, task.seed)
    y, scored = np.concatenate(draw.classes), np.concatenate(draw.scored)
    return runs.run_drawn(task, problem, y, threads, jobs, scored=scored)


def plan(methods: Sequence[str], pairs: Sequence[str], n_seeds: int, done: set[Task]) -> list[Task]:
    """List what is to be run: all methods on a problem in turn, all before the next seed."""
    levels = [(NONE, 0.0)]
    levels += [(name, level) for name, way in DISTURBANCES.items() for level in way.levels]
    tasks = (
        Task(method, pair, seed, name, level)
        for seed in range(n_seeds)
        for name, level in levels
        for pair in pairs
        for method in methods
    )
    return [task for task in tasks if task not in done]


def task_of(line: Mapping[str, Any]) -> Task:
    """Which run a line is of."""
    return Task(*(line[name] for name in Task._fields))


def finished(path: Path) -> Runs:
    """Read the runs that did not fail."""
    return figures(runs.read_lines(path))


def comparable(lines: Runs) -> Runs:
    """Leave out a method, seed and level that has not run on all pairs of views."""
    pairs = {x["pair"] for x in lines}
    ran: dict[tuple[str, int, str, float], set[str]] = {}
    for x in lines:
        ran.setdefault(_cell(x), set()).add(x["pair"])
    return [x for x in lines if ran[_cell(x)] == pairs]


def _cell(line: Mapping[str, Any]) -> tuple[str, int, str, float]:
    return line["method"], line["seed"], line["disturbance"], line["level"]


def page(lines: Runs) -> str:
    """Lay out mean ARI and gain, a level a row, a method a column."""
    methods = [m for m in METHODS if m not in BOUNDS and any(x["method"] == m for x in lines)]
    rows = []
    for name, level in dict.fromkeys((x["disturbance"], x["level"]) for x in lines):
        here = [x for x in lines if (x["disturbance"], x["level"]) == (name, level)]
        rows.append(
            [
                "nothing" if name == NONE else f"{DISTURBANCES[name].title}: {level:.3g}",
                *(_figures([x for x in here if x["method"] == m]) for m in methods),
                f"{mean(here, 'confidence', method=OURS):.2f}",
                span(here, method=ZERO),
            ]
        )
    seeds, pairs = sorted({x["seed"] for x in lines}), dict.fromkeys(x["pair"] for x in lines)
    header = [
        "disturbed by",
        *(METHODS[m].title for m in methods),
        "default's confidence",
        "k-means, bounds",
    ]
    missing = [
        way.title
        for name, way in DISTURBANCES.items()
        if not any(x["disturbance"] == name for x in lines)
    ]
    not_yet = f" Not run on all pairs yet: {'; '.join(missing)}." if missing else ""
    return (
        f"Means over {', '.join(pairs)}, seed {', '.join(map(str, seeds))}: ARI [worst], gain. "
        f"{made_by(lines)}{not_yet}\n\n{table(header, rows)}"
    )


def _figures(lines: Runs) -> str:
    if not lines:
        return "–"
    worst = min(x["ari"] for x in lines)
    return f"{mean(lines, 'ari'):.3f} [{worst:.3f}], {mean(lines, 'gain'):.2f}"


def report() -> None:
    """Write the table into the page, and draw the curves."""
    for line in runs.read_lines(OUT):
        if "error" in line:
            print(f"failed: {' '.join(map(str, task_of(line)))}: {line['error']}")
    lines = comparable(finished(OUT))
    write_between(PAGE, page(lines))
    draw_robustness(lines, PAGE.with_suffix(".png"))


def main() -> None:
    """Run what is missing, then report."""
    parser = protocol.arguments(
        "robustness", __doc__, OUT, f"default,{ZERO}", ",".join(CHOSEN), seeds=3
    )
    parser.add_argument("--report", action="store_true", help="run nothing")
    options = parser.parse_args()
    methods, pairs = protocol.chosen(options)
    done = {task_of(line) for line in finished(options.out)}
    if not options.report:
        remaining = plan(methods, pairs, options.seeds, done)
        protocol.execute(run, remaining, options.out, options.threads, options.jobs)
    if options.out == OUT:
        report()


if __name__ == "__main__":
    main()
