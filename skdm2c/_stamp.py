"""The stamp that the package leaves on what is saved: format, version, checksum."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from zlib import crc32

import numpy as np
from sklearn.base import BaseEstimator

from ._version import __version__

FORMAT = 1  # of what is saved; it grows when that changes
STAMP = "_skdm2c"  # its place in a state


def checksum(value: Any) -> int:
    """Sum up plain values, arrays and dataclasses; what else there is is left out.

    Parameters
    ----------
    value : object

    Returns
    -------
    int

    Examples
    --------
    >>> checksum({"x": 1, "y": [2.0]}) == checksum({"y": [2.0], "x": 1}) != checksum({"x": 1})
    True
    """
    return crc32(b"".join(_digests(value)))


def _digests(value: Any) -> Iterator[bytes]:
    if isinstance(value, Mapping):
        yield b"{"
        for key in sorted(value, key=str):
            yield _text(str(key))
            yield from _digests(value[key])
        yield b"}"
    elif isinstance(value, list | tuple):
        yield b"["
        for item in value:
            yield from _digests(item)
        yield b"]"
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biufcmMUS":
        content = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        yield f"{value.dtype.str}{value.shape}{crc32(content.data)}".encode()
    elif isinstance(value, np.ndarray):
        yield from _digests(value.tolist())
    elif isinstance(value, str):
        yield _text(value)
    elif isinstance(value, bool | np.bool_ | None):
        yield f"{value};".encode()
    elif isinstance(value, int | np.integer):
        yield f"{int(value)};".encode()
    elif isinstance(value, float | np.floating):
        yield struct.pack("<d", value)
    elif is_dataclass(value):
        yield from _digests([getattr(value, field.name, None) for field in fields(value)])
    elif isinstance(value, BaseEstimator):
        yield from _digests(vars(value))


def _text(text: str) -> bytes:
    return b"'" + text.encode("utf-8", "surrogatepass") + b"';"


def stamped(state: dict[str, Any], sealed: Iterable[str] = ()) -> dict[str, Any]:
    """Add to a state the number of its format, the version of the package, and a checksum.

    Parameters
    ----------
    state : dict
    sealed : iterable of str, default=()
        The entries that the checksum is about.

    Returns
    -------
    dict
    """
    names = list(sealed)
    return {
        **state,
        STAMP: {
            "format": FORMAT,
            "version": __version__,
            "holds": list(state),
            "sealed": names,
            "checksum": checksum({name: state[name] for name in names}),
        },
    }


def unstamped(state: dict[str, Any]) -> dict[str, Any]:
    """Take the stamp off a state that this version can read.

    Parameters
    ----------
    state : dict

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If it is of another format, incomplete, or its values are not those of the checksum.

    Examples
    --------
    >>> unstamped(stamped({"x": 1}))
    {'x': 1}
    """
    if not isinstance(state, dict):
        raise ValueError(f"This saved object is damaged: its state is a {type(state).__name__}.")
    stamp = state.get(STAMP)
    if not isinstance(stamp, dict):
        stamp = {}
    found = stamp.get("format")
    if type(found) is not int or found != FORMAT:
        raise ValueError(
            f"This was saved by skdm2c {stamp.get('version', 'before it numbered its formats')}, "
            f"in the format {found!r}; skdm2c {__version__} reads the format {FORMAT}. Load it "
            "with the version that saved it, or fit anew."
        )
    for name in stamp.get("holds", ()):
        if name not in state:
            raise ValueError(f"This saved object is damaged: it has no {name!r}.")
    if stamp.get("checksum") != checksum({n: state.get(n) for n in stamp.get("sealed", ())}):
        raise ValueError("This saved object is damaged: its values are not those that were saved.")
    return {name: value for name, value in state.items() if name != STAMP}
