"""Arrays and a text in one safetensors file, written atomically and read with a checksum."""

from __future__ import annotations

import json
import math
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Arrays = dict[str, NDArray[Any]]

TEXT, CHECKSUM = "skdm2c", "sha256"  # keys of the file's metadata
DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1"}
TEMPORARY = ".skdm2c-partial-"  # between the name of a file and a random one
LEFTOVER_AGE = 3600.0  # seconds: no file is being written for so long
MAX_HEADER_SIZE = 2**24  # bytes: room for the names of half a million columns
MAX_HEADER_VALUES = 2**21  # of which each takes up to 64 bytes once it is parsed


class ArrayLayout(NamedTuple):
    """Type and shape of an array that need not have been read yet."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Header:
    """The text of a file, its checksum, and the layout of its arrays by name."""

    text: str
    checksum: str
    layout: dict[str, ArrayLayout]


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any], text: str) -> None:
    """Write named arrays and a text that describes them, replacing the file in one step.

    Links are followed, and the mode of an existing file is kept. Raise OSError if that fails, in
    which case an existing file is left unchanged, ValueError if the text is too long to be read
    again, or ImportError if safetensors is not installed.
    """
    library = _safetensors()
    target = Path(os.path.realpath(path))
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    content = library.numpy.save(contiguous, {TEXT: text, CHECKSUM: checksum(contiguous, text)})
    length = int.from_bytes(content[:8], "little")
    try:
        _require_short(length, content[8 : 8 + length])
    except ValueError as error:
        raise ValueError(
            f"{os.fspath(path)!r} was not written, as it could not be read again: {error}"
        ) from error
    _remove_leftovers(target)
    # Not a temporary file of the standard library, which other users could not read.
    temporary = target.with_name(f"{target.name}{TEMPORARY}{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            with suppress(FileNotFoundError):
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _remove_leftovers(target: Path) -> None:
    # Temporary files of processes that were killed, long ago: others may be writing now.
    if not target.parent.is_dir():
        return
    for path in target.parent.iterdir():
        if path.name.startswith(f"{target.name}{TEMPORARY}"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > LEFTOVER_AGE:
                    path.unlink()


def read_header(path: str | os.PathLike[str], kind: str) -> Header:
    """Read the text of a file that :func:`write_arrays` wrote, and the layout of its arrays.

    At most 16 MiB are read, whatever the file claims to hold. Raise FileNotFoundError, or
    ValueError if the file is damaged or no ``kind``.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {os.fspath(path)!r}.")
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            raw = file.read(min(length, MAX_HEADER_SIZE))
        _require_short(length, raw)
        header = _parsed_header(raw)
        n_bytes = sum(array.dtype.itemsize * array.size for array in header.layout.values())
        if 8 + length + n_bytes != size:
            raise ValueError(f"it has {size} bytes, and should have {8 + length + n_bytes}.")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise _damaged(path, kind, error) from error
    return header


def _require_short(length: int, raw: bytes) -> None:
    n_values = sum(raw.count(mark) for mark in (b",", b"[", b"{"))
    if length > MAX_HEADER_SIZE or n_values > MAX_HEADER_VALUES:
        raise ValueError(
            f"its header has {length} bytes and {n_values} values or more; at most "
            f"{MAX_HEADER_SIZE} bytes and {MAX_HEADER_VALUES} values are read."
        )


def _parsed_header(raw: bytes) -> Header:
    entries = json.loads(raw)
    metadata = entries.pop("__metadata__", {})
    text, digest = metadata.get(TEXT), metadata.get(CHECKSUM)
    if not isinstance(text, str) or not isinstance(digest, str):
        raise ValueError("it is another safetensors file.")
    layout = {}
    for name, entry in entries.items():
        shape = entry["shape"]
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError(f"an array has the shape {shape!r:.40}.")
        layout[name] = ArrayLayout(np.dtype(DTYPES[entry["dtype"]]), tuple(shape))
    return Header(text, digest, layout)


def read_arrays(
    path: str | os.PathLike[str], kind: str, check_text: Callable[[str], None]
) -> tuple[Arrays, str]:
    """Read the arrays and the text that :func:`write_arrays` wrote; no code is executed.

    ``kind`` says in messages what the file should be; ``check_text`` may raise a ValueError for
    a text in another format. Raise FileNotFoundError, ValueError if damaged, or ImportError.
    """
    header = read_header(path, kind)
    check_text(header.text)
    return read_body(path, kind, header), header.text


def read_body(path: str | os.PathLike[str], kind: str, header: Header) -> Arrays:
    """Read the arrays of a file whose header was read; raise ValueError if they do not fit it."""
    library = _safetensors()
    try:
        # The bytes are read, not mapped: a mapped file that is cut meanwhile ends the process.
        arrays: Arrays = library.numpy.load(Path(path).read_bytes())
        if header.checksum != checksum(arrays, header.text):
            raise ValueError("its checksum does not match its contents.")
    except MemoryError as error:
        raise ValueError(
            f"{os.fspath(path)!r} does not fit into memory: it has {Path(path).stat().st_size} "
            "bytes."
        ) from error
    except (library.SafetensorError, ValueError, KeyError, TypeError, OSError) as error:
        raise _damaged(path, kind, error) from error
    return arrays


def _damaged(path: str | os.PathLike[str], kind: str, error: Exception) -> ValueError:
    if isinstance(error, ValueError | OSError):
        reason = str(error)
    else:
        reason = f"{type(error).__name__}, {error!s}"
    return ValueError(
        f"{os.fspath(path)!r} is not a {kind}, or it is damaged: {printable(reason, 200)}"
    )


def require(condition: Any, what: str) -> None:
    """Raise ValueError with a sentence that says what is wrong with a file."""
    if not condition:
        raise ValueError(f"{what}.")


def printable(text: object, length: int) -> str:
    """Return a text from a file as one short line without control characters."""
    line = str(text)[: length + 1]
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    return line if len(line) <= length else line[:length] + "…"


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
