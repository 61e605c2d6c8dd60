"""How a page of the documents shows what a program has measured, and where."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lines import Runs

START, END = "<!-- table: begin -->\n", "<!-- table: end -->"


def write_between(page: Path, text: str) -> None:
    """Put a text between a page's two marks, in place of what stood there.

    Parameters
    ----------
    page : Path
        Holds ``START`` and, after it, ``END``.
    text : str
    """
    page.write_text(with_between(page.read_text(), text))


def with_between(whole: str, text: str) -> str:
    """Put a text between the two marks of a page that is given as text."""
    before, after = whole[: whole.index(START) + len(START)], whole[whole.index(END) :]
    return f"{before}\n{text}\n\n{after}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Lay out cells in markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def spread(values: NDArray[np.float64], digits: int = 3) -> str:
    """Mean ± standard deviation [worst]; of one run its figure."""
    if not len(values):
        return "–"
    if len(values) == 1:
        return f"{values[0]:.{digits}f} (one run)"
    return f"{values.mean():.{digits}f} ± {values.std():.{digits}f} [{values.min():.{digits}f}]"


def conditions(runs: Runs) -> str:
    """Say where, when and with what runs were made."""
    versions = {(k, v) for r in runs for k, v in r["versions"].items()}
    packages = ", ".join(f"{name} {number}" for name, number in sorted(versions))
    dates = sorted({r["date"] for r in runs})
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        f"{span}, on {_several(r['machine'] for r in runs)}, no GPU; "
        f"threads a run: {_several(r['threads'] for r in runs)}; "
        f"runs at a time: {_several(r['jobs'] for r in runs)}. {packages}."
    )


def made_by(lines: Runs) -> str:
    """Say by which commits, when and on what machine lines were made."""
    made = sorted({f"{x['commit']} ({x['date']}, {x['machine']})" for x in lines})
    return f"Commits: {'; '.join(made)}. One thread a run."


def _several(values: Iterable[Any]) -> str:
    return " or ".join(str(v) for v in sorted(set(values)))
