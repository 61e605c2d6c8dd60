"""The version of the package, and the stamp that it leaves on what is saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__version__ = "0.1.0"

FORMAT = 1  # of what is saved; it grows when that changes


def stamped(state: dict[str, Any]) -> dict[str, Any]:
    """Add to a state the number of its format, and the version of the package.

    Parameters
    ----------
    state : dict

    Returns
    -------
    dict
    """
    return {**state, "format_version": FORMAT, "skdm2c_version": __version__}


def unstamped(state: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """Take the stamp off a state that this version can read.

    Parameters
    ----------
    state : dict
    fields : iterable of str
        What it must hold.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If it is of another format, or incomplete.

    Examples
    --------
    >>> unstamped(stamped({"x": 1}), ["x"])
    {'x': 1}
    """
    found, saved_by = state.get("format_version"), state.get("skdm2c_version")
    if found != FORMAT:
        raise ValueError(
            f"This was saved by skdm2c {saved_by or 'before it numbered its formats'}, in the "
            f"format {found}; skdm2c {__version__} reads the format {FORMAT}. Load it with the "
            "version that saved it, or fit anew."
        )
    for field in fields:
        if field not in state:
            raise ValueError(f"This saved object is damaged: it has no {field!r}.")
    return {k: v for k, v in state.items() if k not in ("format_version", "skdm2c_version")}
