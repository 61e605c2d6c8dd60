"""How messages name what they are about."""

from __future__ import annotations

from keyword import iskeyword


def keyword(name: str, value: str) -> str:
    """Write an argument of a call whose name may be no identifier.

    Parameters
    ----------
    name, value : str

    Returns
    -------
    str

    Examples
    --------
    >>> keyword("rna", "PCA()"), keyword("10x rna", "PCA()")
    ('rna=PCA()', "**{'10x rna': PCA()}")
    """
    plain = name.isidentifier() and not iskeyword(name)
    return f"{name}={value}" if plain else f"**{{{name!r}: {value}}}"


def about(what: str, error: Exception, said: str | None = None) -> Exception:
    """Make an error that says what it is about; a TypeError stays one, all else is a ValueError.

    Parameters
    ----------
    what : str
    error : Exception
    said : str, default=None
        In place of the error's own message.

    Returns
    -------
    Exception

    Examples
    --------
    >>> about("Modality 'a'", TypeError("no number"))
    TypeError("Modality 'a': no number")
    """
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{what}: {error if said is None else said}")
