"""Count the cases behind docs/promises.md: run its tests, and write the table.

python -m benchmarks.promises   # some two minutes
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from .pages import write_between

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "promises.md"


class Kind(NamedTuple):
    """Tests of one promise: a file, and pytest's expression for the tests in it."""

    title: str
    file: str
    expression: str = ""


KINDS = [
    Kind("interrupts in each phase, one thread or two", "isolation", "interrupt"),
    Kind("threads that fit or predict one object", "isolation", "refit or four_threads"),
    Kind("callbacks that raise", "isolation", "callback_that_raises"),
    Kind("settings of PyTorch", "isolation", "settings_of_pytorch or has_set"),
    Kind("processes, workers, numbers of threads", "reproducibility"),
    Kind("odd blocks, refused by name", "bad_input", "bad_blocks"),
    Kind("odd blocks, read rightly", "bad_input", "odd_but_good or memmap"),
    Kind("bad parameters", "bad_input", "bad_parameters"),
    Kind("bad new rows", "bad_input", "bad_new_rows"),
    Kind("all other input", "bad_input", "not (bad_blocks or odd_but_good or memmap or "
         "bad_parameters or bad_new_rows)"),
    Kind("calls that cannot be right", "misuse"),
    Kind("containers, names, frames, pairs", "data"),
    Kind("saved models", "persistence"),
    Kind("fuzz: containers, fits", "fuzz"),
]  # fmt: skip


def main() -> None:
    """Run the tests of each kind and write their numbers into the page."""
    lines = ["| kind | cases tried | passed |", "| --- | ---: | ---: |"]
    for kind in KINDS:
        tried, passed = count(kind)
        lines.append(f"| {kind.title} | {tried:,} | {passed:,} |")
        print(lines[-1], flush=True)
    write_between(PAGE, "\n".join(lines))


def count(kind: Kind) -> tuple[int, int]:
    """Cases tried and passed: of a test as many as it records, else one.

    Parameters
    ----------
    kind : Kind

    Returns
    -------
    tuple of int
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *ROOT.glob(f"tests/**/test_{kind.file}.py"),
             "-k", kind.expression, f"--junitxml={report}"],
            cwd=ROOT, check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        tried, passed = (0, 0)
        if done.returncode in (0, 1):  # passed, or some failed
            tried, passed = counted(ElementTree.parse(report).getroot().iter("testcase"))
        if not tried:
            raise RuntimeError(f"{kind}: pytest ran no test, and ended with {done.returncode}.")
        return tried, passed


def counted(tests: Iterable[ElementTree.Element]) -> tuple[int, int]:
    """Add up the cases of tests in pytest's report.

    Parameters
    ----------
    tests : iterable of Element

    Returns
    -------
    tuple of int
        Tried, passed; a skipped test is neither.
    """
    tried = passed = 0
    for test in tests:
        if test.find("skipped") is not None:
            continue
        cases = [int(p.get("value", 0)) for p in test.iter("property") if p.get("name") == "cases"]
        tried += sum(cases) or 1
        if test.find("failure") is None and test.find("error") is None:
            passed += sum(cases) or 1
    return tried, passed


if __name__ == "__main__":
    main()
