"""Arrays and a text in one safetensors file, written whole or not at all, read with a checksum."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Arrays = dict[str, NDArray[Any]]

TEXT, CHECKSUM = "skdm2c", "sha256"  # the entries of the metadata


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any], text: str) -> None:
    """Write a file beside the one that is there, and put it in its place in one step.

    Parameters
    ----------
    path : str or PathLike
    arrays : mapping of str to ndarray
    text : str
        That describes them.

    Raises
    ------
    OSError
        If it cannot be written; what was there is there still.
    ImportError
        If safetensors is not installed.
    """
    library = _safetensors()
    target = Path(path)
    in_order = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = library.numpy.save(in_order, {TEXT: text, CHECKSUM: checksum(in_order, text)})
    # No temporary file of the standard library's, which nobody else may read.
    beside = target.with_name(f"{target.name}.{uuid4().hex}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read_arrays(
    path: str | os.PathLike[str], kind: str, check_text: Callable[[str], None]
) -> tuple[Arrays, str]:
    """Read a file that :func:`write_arrays` wrote; no code is read, and damage is told.

    Parameters
    ----------
    path : str or PathLike
    kind : str
        What the file should be, for messages.
    check_text : callable
        Sees the text first, and raises a ValueError if it is of another format.

    Returns
    -------
    arrays : dict of str to ndarray
    text : str

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is another file, or damaged.
    ImportError
        If safetensors is not installed.
    """
    library = _safetensors()
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {os.fspath(path)!r}.")
    try:
        with library.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            text = metadata.get(TEXT)
            if not isinstance(text, str):
                raise ValueError(f"This is no {kind}: it is another safetensors file.")
            check_text(text)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (library.SafetensorError, TypeError, AttributeError, OSError) as error:
        raise ValueError(f"This is no {kind}, or damaged: {error}") from error
    if metadata.get(CHECKSUM) != checksum(arrays, text):
        raise ValueError("This file is damaged: it does not hold what was written.")
    return arrays, text


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Hold a folder against all who would hold it too, in this process or another.

    Where the system has no such locks (Windows, some network disks) it is not held.

    Parameters
    ----------
    folder : Path

    Yields
    ------
    None

    Raises
    ------
    BlockingIOError
        If somebody else holds it.
    """
    if fcntl is None:
        yield
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass
        try:
            yield
        finally:
            with suppress(OSError):
                # By hand: a process forked meanwhile has the folder open still.
                fcntl.flock(place, fcntl.LOCK_UN)
    finally:
        os.close(place)


def checksum(arrays: Mapping[str, NDArray[Any]], text: str) -> str:
    """Sum up arrays, with their names, types and shapes, and a text.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    text : str

    Returns
    -------
    str
        In hexadecimal digits.

    Examples
    --------
    >>> checksum({"x": np.zeros(2)}, "") == checksum({"x": np.zeros((2, 1))}, "")
    False
    """
    found = sha256(text.encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name}\0{array.dtype.str}{array.shape}\0".encode("utf-8", "surrogatepass"))
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "Files of models and checkpoints need safetensors: pip install safetensors, or "
            "skdm2c[save]."
        ) from error
    return safetensors
