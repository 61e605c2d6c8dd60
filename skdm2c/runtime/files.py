"""Arrays and a text in one safetensors file, written atomically and read with a checksum."""

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

TEXT, CHECKSUM = "skdm2c", "sha256"  # keys of the file's metadata


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any], text: str) -> None:
    """Write named arrays and a text that describes them, replacing the file in one step.

    Raise OSError if that fails, in which case an existing file is left unchanged, or ImportError
    if safetensors is not installed.
    """
    library = _safetensors()
    target = Path(path)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = library.numpy.save(contiguous, {TEXT: text, CHECKSUM: checksum(contiguous, text)})
    # Not a temporary file of the standard library, which other users could not read.
    temporary = target.with_name(f"{target.name}.{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_arrays(
    path: str | os.PathLike[str], kind: str, check_text: Callable[[str], None]
) -> tuple[Arrays, str]:
    """Read the arrays and the text that :func:`write_arrays` wrote; no code is executed.

    ``kind`` says in messages what the file should be; ``check_text`` may raise a ValueError for
    a text in another format. Raise FileNotFoundError, ValueError if damaged, or ImportError.
    """
    library = _safetensors()
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {os.fspath(path)!r}.")
    try:
        with library.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            text = metadata.get(TEXT)
            if not isinstance(text, str):
                raise ValueError(f"This is not a {kind}: it is another safetensors file.")
            check_text(text)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (library.SafetensorError, TypeError, AttributeError, OSError) as error:
        raise ValueError(f"This is not a {kind}, or it is damaged: {error}") from error
    if metadata.get(CHECKSUM) != checksum(arrays, text):
        raise ValueError("This file is damaged: its checksum does not match its contents.")
    return arrays, text


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on a folder.

    Raise BlockingIOError if it is held elsewhere, in this process or another. Where the system
    has no such locks (Windows, some network file systems), the folder is not locked.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass
        try:
            yield
        finally:
            with suppress(OSError):
                # Closing is not enough: a process forked meanwhile still has the folder open.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def checksum(arrays: Mapping[str, NDArray[Any]], text: str) -> str:
    """Return a hexadecimal digest of arrays, with their names, types and shapes, and of a text.

    Examples
    --------
    >>> checksum({"x": np.zeros(2)}, "") == checksum({"x": np.zeros((2, 1))}, "")
    False
    """
    digest = sha256(text.encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}\0{array.dtype.str}{array.shape}\0".encode("utf-8", "surrogatepass"))
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "Model and checkpoint files need safetensors: pip install safetensors, or skdm2c[save]."
        ) from error
    return safetensors
