"""Checkpoints: the states of all phases of a fit on disk, from which it can resume."""

from __future__ import annotations

import json
import os
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..exceptions import caller_level
from ..runtime.files import (
    TEMPORARY,
    Arrays,
    held_alone,
    printable,
    read_body,
    read_header,
    require,
    write_arrays,
)
from .callbacks import Callback, is_number
from .state import PhaseState, TrainingState, on_cpu

FORMAT = 2  # of the files; to be increased whenever their contents change
N_KEPT_FILES = 2  # the second serves if the last one is damaged
SNAPSHOT_INTERVAL = 1.0  # seconds of work that an interrupt may lose
FILE_NAME = re.compile(r"(\d{6,})\.safetensors")
PARTIAL_FILE_NAME = re.compile(  # of a killed process
    FILE_NAME.pattern + re.escape(TEMPORARY) + r"[0-9a-f]{32}"
)


class Checkpoint(Callback):
    """Save a fit while it runs, so that it can be resumed after an interruption.

    A fit with the same data and parameters resumes from the directory and gives a bit-identical
    result; any other fit raises ValueError. Every fit needs a directory of its own.

    Parameters
    ----------
    folder : str or PathLike
        Directory in which the last two checkpoints are kept; created if it does not exist.
    every : float, default=60.0
        Minimum number of seconds between two checkpoints.

    Raises
    ------
    TypeError
        If ``folder`` is not a path.
    ValueError
        If ``folder`` is empty, or ``every`` is not a non-negative number.

    Notes
    -----
    Checkpoints require safetensors. They hold the state of the current phase and the networks
    with which earlier phases ended. Neighbours, clusters and their matching follow from these
    and the data, and are computed again.

    Examples
    --------
    >>> from skdm2c import Checkpoint, MixedModalClustering
    >>> model = MixedModalClustering(10, random_state=0, callbacks=[Checkpoint("fit_of_today")])
    """

    # Set by ``begun``, on the copy that saves one fit.
    identity: dict[str, str]
    seeds: tuple[int, ...]
    _phases: dict[str, PhaseState]
    _path: Path | None  # of the file that is resumed
    _number: int  # of the last file
    _has_unsaved_snapshot: bool
    _last_write: float
    _last_snapshot: float

    def __init__(self, folder: str | os.PathLike[str], every: float = 60.0) -> None:
        if not isinstance(folder, str | os.PathLike):
            raise TypeError(f"folder must be a path, got {folder!r}.")
        if not os.fspath(folder):
            raise ValueError("folder is empty: pass the path of a folder, or '.' for this one.")
        if not is_number(every, 0):
            raise ValueError(f"every must be a non-negative number of seconds, got {every!r}.")
        self.folder = Path(folder)
        self.every = float(every)

    def __repr__(self) -> str:
        return f"Checkpoint({os.fspath(self.folder)!r}, every={self.every:g})"

    def begun(self, identity: dict[str, str], seeds: tuple[int, ...]) -> Checkpoint:
        """Return a copy that saves one fit, and resumes it if the directory holds a part of it.

        Parameters
        ----------
        identity : dict of str to str
            Fingerprint of the data, parameters and versions.
        seeds : tuple of int
            Random seeds of the fit; a fit that is resumed keeps those it began with.

        Returns
        -------
        Checkpoint
            Copy whose attribute ``seeds`` holds the seeds to use.

        Raises
        ------
        ValueError
            If the directory holds another fit, or no file that can be read.
        ImportError
            If safetensors is not installed.
        """
        running = copy(self)
        running.identity, running.seeds = identity, seeds
        running._phases = {}
        running._path, running._number = None, 0
        running._has_unsaved_snapshot = False
        running._resume()
        running._last_write = running._last_snapshot = time.monotonic()
        return running

    def on_phase_begin(self, state: TrainingState) -> None:
        """Restore the state of a phase that the checkpoint holds.

        Parameters
        ----------
        state : TrainingState
            State of the phase, with its networks and its records so far.

        Raises
        ------
        ValueError
            If the saved state does not have the structure of this phase.
        """
        saved = self._phases.get(_key(state))
        if saved is None:
            return
        try:
            state.load_state_dict(saved)
        except ValueError as error:
            raise ValueError(
                f"The checkpoint {os.fspath(self._path or self.folder)!r} does not fit this fit: "
                f"{printable(error, 200)} Delete it to resume from an earlier one or to start over."
            ) from error

    def on_epoch_over(self, state: TrainingState) -> None:
        """Write a checkpoint if the last one is old enough.

        Parameters
        ----------
        state : TrainingState
            State of the phase, with its networks and its records so far.
        """
        now = time.monotonic()
        if now - self._last_write >= self.every:
            self._take_snapshot(state)
            self.write()
        elif now - self._last_snapshot >= SNAPSHOT_INTERVAL:
            self._take_snapshot(state)

    def on_phase_end(self, state: TrainingState) -> None:
        """Take a snapshot of the networks with which the phase ended.

        Parameters
        ----------
        state : TrainingState
            State of the phase, with its networks and its records so far.
        """
        if not self._phases.get(_key(state), {}).get("over"):
            state.over = True
            self._take_snapshot(state)

    def write(self) -> None:
        """Write the last snapshot unless it is on disk already.

        If that fails, it warns, and the fit continues.
        """
        if not self._has_unsaved_snapshot:
            return
        arrays: Arrays = {}
        contents = {
            "format": FORMAT,
            "identity": self.identity,
            "seeds": list(self.seeds),
            "phases": _to_json(self._phases, arrays),
        }
        path = self.folder / f"{self._number + 1:06d}.safetensors"
        self._last_write = time.monotonic()  # also if it fails, so that not every epoch warns
        try:
            write_arrays(path, arrays, json.dumps(contents))
        except (OSError, ValueError) as error:
            warnings.warn(
                f"The checkpoint {os.fspath(path)!r} could not be written ({error}). The fit "
                "continues, and earlier checkpoints are kept.",
                UserWarning,
                stacklevel=caller_level(),
            )
            return
        self._number += 1
        self._has_unsaved_snapshot = False
        for _, old_path in self._files()[N_KEPT_FILES:]:
            try:
                old_path.unlink(missing_ok=True)
            except OSError as error:
                warnings.warn(
                    f"The old checkpoint {os.fspath(old_path)!r} could not be removed ({error}). "
                    "The fit continues.",
                    UserWarning,
                    stacklevel=caller_level(),
                )

    def _take_snapshot(self, state: TrainingState) -> None:
        self._last_snapshot = time.monotonic()
        self._phases[_key(state)] = on_cpu(state.state_dict())
        self._has_unsaved_snapshot = True

    def _files(self) -> list[tuple[int, Path]]:
        # Number and path of each checkpoint, the newest first.
        matches = [(FILE_NAME.fullmatch(path.name), path) for path in self.folder.iterdir()]
        return sorted(((int(m[1]), path) for m, path in matches if m), reverse=True)

    def _resume(self) -> None:
        for path in self.folder.iterdir():
            if PARTIAL_FILE_NAME.fullmatch(path.name):
                path.unlink(missing_ok=True)
        files = self._files()
        errors = []
        for _, path in files:
            try:
                header = read_header(path, "checkpoint")
                _require_format(header.text)
                contents = json.loads(header.text)
                identity = _read_identity(contents["identity"])
            except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
                errors.append(_said_of(path, error))
                continue
            self._require_same(identity)  # before the arrays are read
            try:
                phases = _from_json(contents["phases"], read_body(path, "checkpoint", header))
                seeds = _read_seeds(contents["seeds"], len(self.seeds))
                require(isinstance(phases, dict), "it has no phases")
            except (
                ValueError,
                KeyError,
                TypeError,
                IndexError,
                AttributeError,
                RecursionError,
                MemoryError,
            ) as error:
                errors.append(_said_of(path, error))
                continue
            if errors:
                warnings.warn(
                    f"{'; '.join(errors)} The fit resumes from the previous checkpoint, "
                    f"{os.fspath(path)!r}.",
                    UserWarning,
                    stacklevel=caller_level(),
                )
            self._phases, self.seeds = phases, seeds
            self._path, self._number = path, files[0][0]
            return
        if errors:
            raise ValueError(
                f"Checkpoint({os.fspath(self.folder)!r}) holds files that cannot be read: "
                f"{'; '.join(errors)} Empty the folder or pass another one to start over."
            )

    def _require_same(self, identity: dict[str, str]) -> None:
        names = [*self.identity, *(name for name in identity if name not in self.identity)]
        differences = [
            f"{printable(name, 80)} (then {printable(identity.get(name, 'none'), 80)}, "
            f"now {self.identity.get(name, 'none')})"
            for name in names
            if identity.get(name) != self.identity.get(name)
        ]
        if differences:
            raise ValueError(
                f"Checkpoint({os.fspath(self.folder)!r}) belongs to another fit, which differs in "
                f"{'; '.join(differences)}. Nothing was overwritten: pass another folder, or the "
                "same data and parameters to resume."
            )


@contextmanager
def saved_on_disk(
    checkpoint: Checkpoint | None,
    identity: dict[str, str],
    seeds: tuple[int, ...],
) -> Iterator[tuple[tuple[int, ...], list[Callback]]]:
    """Save the fit of the ``with`` block, if there is a checkpoint; yield (seeds, callbacks).

    The seeds are those of the fit that is resumed, if any. Raises ValueError if the folder is a
    file, or belongs to another fit or one that is running.
    """
    if checkpoint is None:
        yield seeds, []
        return
    folder = checkpoint.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ValueError(f"Checkpoint({os.fspath(folder)!r}) is a file; pass a folder.") from None
    with _locked(folder):
        running = checkpoint.begun(identity, seeds)
        try:
            yield running.seeds, [running]
        except KeyboardInterrupt as interrupt:
            running.write()
            interrupt.add_note(
                f"Progress was saved in {os.fspath(folder)!r}: to resume, fit again with this "
                "checkpoint, the same data and the same parameters."
            )
            raise
        running.write()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(held_alone(folder))
        except BlockingIOError:
            raise ValueError(
                f"Checkpoint({os.fspath(folder)!r}) belongs to a fit that is running. Every fit "
                "needs a folder of its own, so searches do not support checkpoints."
            ) from None
        yield


def _key(state: TrainingState) -> str:
    return json.dumps([state.phase, state.where])


def _require_format(text: str) -> None:
    try:
        file_format = json.loads(text)["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a checkpoint ({printable(error, 80)}).") from error
    if file_format != FORMAT:
        raise ValueError(f"its format is {file_format!r:.20}, this version reads {FORMAT}.")


def _said_of(path: Path, error: Exception) -> str:
    text = printable(error, 400)
    return text if repr(os.fspath(path)) in text else f"{os.fspath(path)!r}: {text}"


def _read_identity(identity: Any) -> dict[str, str]:
    require(
        isinstance(identity, dict) and all(isinstance(value, str) for value in identity.values()),
        "it does not say of which fit it is",
    )
    return dict(identity)


def _read_seeds(seeds: Any, n_seeds: int) -> tuple[int, ...]:
    valid = isinstance(seeds, list) and len(seeds) == n_seeds
    require(
        valid and all(type(seed) is int and 0 <= seed < 2**31 for seed in seeds),
        "its random seeds are invalid",
    )
    return tuple(seeds)


def _to_json(value: Any, arrays: Arrays) -> Any:
    # Replaces tensors by their names in ``arrays``. Mappings become lists of items, as keys of
    # JSON objects are strings.
    if isinstance(value, Tensor):
        name = str(len(arrays))
        arrays[name] = value.numpy()
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"items": [[key, _to_json(item, arrays)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_to_json(item, arrays) for item in value]}
    return value


def _from_json(value: Any, arrays: Arrays) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return torch.from_numpy(arrays.pop(content))  # each once, as it was written
    if kind == "items":
        return {key: _from_json(item, arrays) for key, item in content}
    inner = (_from_json(item, arrays) for item in content)
    return {"list": list, "tuple": tuple}[kind](inner)
