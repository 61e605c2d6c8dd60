"""The command line of all programs that run tasks, append one JSON line per run, and report.

Tasks that have a line in the file are skipped, so an interrupted program resumes where it stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .pairs import is_available
from .runs import execute, read_lines

Lines = list[dict[str, Any]]


def main(
    name: str,
    description: str | None,
    out: Path,
    *,
    tasks: Callable[[argparse.Namespace], Iterable[Any]],
    run: Callable[[Any], dict[str, Any]],
    report: Callable[[Lines], None],
    n_seeds: int,
    execute: Callable[..., None] = execute,
    **choices: Sequence[str],
) -> None:
    """Read the options, run the tasks that have no line yet, and report.

    Parameters
    ----------
    name : str
        The program's module.
    description : str
    out : Path
        File of the committed lines. Those of another are reported only with ``--report``.
    tasks : callable
        Lists all tasks, named tuples, that options ask for. ``options.pairs`` holds only pairs
        whose file is there.
    run : callable
        Runs a task and returns its line.
    report : callable
        Reports the lines.
    n_seeds : int
        Default of ``--seeds``.
    execute : callable, default=runs.execute
        Runs tasks, so many at a time, and appends their lines.
    **choices : sequence of str
        Further options, each with the names that it can choose from; by default all of them.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=n_seeds, help="seeds 0 to N-1")
    for option, names in choices.items():
        parser.add_argument(f"--{option}", nargs="+", default=list(names), choices=names)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--out", type=Path, default=out, help="file of JSON lines")
    parser.add_argument("--report", action="store_true", help="report alone, of any file")
    options = parser.parse_args()
    if "pairs" in choices:
        options.pairs = list(filter(is_available, options.pairs))
    wanted = [] if options.report else list(tasks(options))
    finished = [line for line in read_lines(options.out) if "error" not in line]
    missing = [task for task in wanted if not any(is_line_of(task, line) for line in finished)]
    execute(run, missing, options.out, jobs=options.jobs)
    if options.report or options.out == out:
        report(read_lines(options.out))


class PairTask(NamedTuple):
    """One run: a pair of views, and the seed of draw and fit."""

    pair: str
    seed: int


def pair_tasks(options: argparse.Namespace) -> list[PairTask]:
    """List all pairs of views, seed by seed."""
    return [PairTask(pair, seed) for seed in range(options.seeds) for pair in options.pairs]


def is_line_of(task: Any, line: dict[str, Any]) -> bool:
    """Whether a line is of a task, a named tuple."""
    return all(line[name] == value for name, value in task._asdict().items())
