"""Where a page of the documents holds what a program has measured."""

from __future__ import annotations

from pathlib import Path

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
