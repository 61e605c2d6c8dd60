"""Helpers for the wording of error messages."""

from __future__ import annotations

from keyword import iskeyword


def keyword(name: str, value: str) -> str:
    """Write a keyword argument as code, also where its name is not an identifier.

    Examples
    --------
    >>> keyword("rna", "PCA()"), keyword("10x rna", "PCA()")
    ('rna=PCA()', "**{'10x rna': PCA()}")
    """
    plain = name.isidentifier() and not iskeyword(name)
    return f"{name}={value}" if plain else f"**{{{name!r}: {value}}}"


def about(what: str, error: Exception, said: str | None = None) -> Exception:
    """Prefix an error's message, or ``said`` in its place, with what it concerns.

    The result is a TypeError if ``error`` is one, and a ValueError otherwise.
    """
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{what}: {error if said is None else said}")
