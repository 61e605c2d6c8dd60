"""A fit on disk: what every phase has come to, so that it can go on after it was cut off."""

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
from ..runtime.files import Arrays, held_alone, read_arrays, write_arrays
from .callbacks import Callback, is_number
from .state import TrainingState

FORMAT = 1  # of the files; it grows when that changes
KEPT = 2  # files: the last, and the one before
SNAPSHOT_EVERY = 1.0  # seconds of work that an interrupt may cost
NAME = re.compile(r"(\d{6,})\.safetensors")
UNFINISHED = re.compile(NAME.pattern + r"\.[0-9a-f]{32}")  # left by a process that was killed

Saved = dict[str, Any]


class Checkpoint(Callback):
    """Save a fit while it runs, so that it can be resumed after it was killed.

    A fit with the same data and parameters resumes from the directory and gives the same result,
    bit by bit; any other raises ValueError. Every fit needs a directory of its own.

    Between two epochs nothing is in flight: the state of the phase at hand and the networks
    that earlier phases ended with are all there is. What lies between phases (neighbours,
    clusters, their matching) follows from these and the data, and is computed again.

    Parameters
    ----------
    folder : str or PathLike
        Directory in which the last two checkpoints are kept. It is made if it is missing.
    every : float, default=60.0
        Seconds between two checkpoints.

    Raises
    ------
    TypeError
        If ``folder`` is no path.
    ValueError
        If ``every`` is no number of seconds.

    Notes
    -----
    Needs safetensors.

    Examples
    --------
    >>> from skdm2c import Checkpoint, MixedModalClustering
    >>> model = MixedModalClustering(10, random_state=0, callbacks=[Checkpoint("fit_of_today")])
    """

    # Of a copy that saves a fit.
    identity: dict[str, str]
    seeds: tuple[int, ...]
    _phases: dict[str, Saved]
    _number: int
    _unwritten: bool
    _written: float
    _looked: float

    def __init__(self, folder: str | os.PathLike[str], every: float = 60.0) -> None:
        if not isinstance(folder, str | os.PathLike):
            raise TypeError(f"folder must be a path, got {folder!r}.")
        if not is_number(every, 0):
            raise ValueError(f"every must be a number of seconds, got {every!r}.")
        self.folder = Path(folder)
        self.every = float(every)

    def __repr__(self) -> str:
        return f"Checkpoint({os.fspath(self.folder)!r}, every={self.every:g})"

    def begun(self, identity: dict[str, str], seeds: tuple[int, ...]) -> Checkpoint:
        """Make a copy that saves one fit, at the point that the directory holds of it.

        Parameters
        ----------
        identity : dict of str to str
            What the fit is of: data, parameters, versions.
        seeds : tuple of int
            Seeds of the fit, unless the directory has one that was begun.

        Returns
        -------
        Checkpoint
            With the ``seeds`` of the fit.

        Raises
        ------
        ValueError
            If what the directory holds is of another fit, or cannot be read.
        ImportError
            If safetensors is not installed.
        """
        running = copy(self)
        running.identity, running.seeds = identity, seeds
        running._phases = {}
        running._number = 0
        running._unwritten = False
        running._open()
        running._written = running._looked = time.monotonic()
        return running

    def on_phase_begin(self, state: TrainingState) -> None:
        """Bring a phase that was begun before to where it was.

        Parameters
        ----------
        state : TrainingState
            The phase, its networks and its records so far.
        """
        known = self._phases.get(_key(state))
        if known is not None:
            state.load_state_dict(known)

    def on_epoch_over(self, state: TrainingState) -> None:
        """Save if it is time to.

        Parameters
        ----------
        state : TrainingState
            The phase, its networks and its records so far.
        """
        now = time.monotonic()
        if now - self._written >= self.every:
            self._look(state)
            self.write()
        elif now - self._looked >= SNAPSHOT_EVERY:
            self._look(state)

    def on_phase_end(self, state: TrainingState) -> None:
        """Remember the networks that the phase ended with.

        Parameters
        ----------
        state : TrainingState
            The phase, its networks and its records so far.
        """
        if not self._phases.get(_key(state), {}).get("over"):
            state.over = True
            self._look(state)

    def write(self) -> None:
        """Write what was last looked at, if that is not on disk; a full disk is no end."""
        if not self._unwritten:
            return
        arrays: Arrays = {}
        found = {
            "format": FORMAT,
            "identity": self.identity,
            "seeds": list(self.seeds),
            "phases": _packed(self._phases, arrays),
        }
        path = self.folder / f"{self._number + 1:06d}.safetensors"
        self._written = time.monotonic()  # of a disk that is full not every epoch speaks
        try:
            write_arrays(path, arrays, json.dumps(found))
        except OSError as error:
            warnings.warn(
                f"The checkpoint {os.fspath(path)!r} could not be written ({error}). The fit goes "
                "on, and what was written before is still there.",
                UserWarning,
                stacklevel=caller_level(),
            )
            return
        self._number += 1
        self._unwritten = False
        for _, old in self._files()[KEPT:]:
            old.unlink(missing_ok=True)

    def _look(self, state: TrainingState) -> None:
        self._looked = time.monotonic()
        self._phases[_key(state)] = _copied(state.state_dict())
        self._unwritten = True

    def _files(self) -> list[tuple[int, Path]]:
        # The newest first.
        found = [(NAME.fullmatch(path.name), path) for path in self.folder.iterdir()]
        return sorted(((int(m[1]), path) for m, path in found if m), reverse=True)

    def _open(self) -> None:
        for path in self.folder.iterdir():
            if UNFINISHED.fullmatch(path.name):
                path.unlink(missing_ok=True)
        files = self._files()
        refused = []
        for _, path in files:
            try:
                arrays, text = read_arrays(path, "checkpoint", _require_format)
                found = json.loads(text)
                phases = _unpacked(found["phases"], arrays)
                identity, seeds = found["identity"], tuple(found["seeds"])
            except (
                ValueError,
                KeyError,
                TypeError,
                IndexError,
                AttributeError,
                RecursionError,
            ) as error:
                refused.append(f"{os.fspath(path)!r}: {error}")
                continue
            self._require_same(identity)
            if refused:
                warnings.warn(
                    f"{'; '.join(refused)} The one before is taken, {os.fspath(path)!r}.",
                    UserWarning,
                    stacklevel=caller_level(),
                )
            self._phases, self.seeds, self._number = phases, seeds, files[0][0]
            return
        if refused:
            raise ValueError(
                f"Checkpoint({os.fspath(self.folder)!r}) holds files that cannot be read: "
                f"{'; '.join(refused)} Empty the folder, or give another, to begin anew."
            )

    def _require_same(self, identity: dict[str, str]) -> None:
        names = [*self.identity, *(name for name in identity if name not in self.identity)]
        other = [
            f"{name} (then {identity.get(name, 'none')}, now {self.identity.get(name, 'none')})"
            for name in names
            if identity.get(name) != self.identity.get(name)
        ]
        if other:
            raise ValueError(
                f"Checkpoint({os.fspath(self.folder)!r}) is that of another fit, which differs in "
                f"{'; '.join(other)}. Nothing was overwritten: give another folder, or the same "
                "data and parameters to go on."
            )


@contextmanager
def kept_on_disk(
    checkpoint: Checkpoint | None,
    identity: dict[str, str],
    seeds: tuple[int, ...],
) -> Iterator[tuple[tuple[int, ...], list[Callback]]]:
    """Keep a fit in a folder while it runs, if there is one.

    Parameters
    ----------
    checkpoint : Checkpoint or None
    identity : dict of str to str
        What the fit is of.
    seeds : tuple of int
        If no fit was begun before.

    Yields
    ------
    seeds : tuple of int
        Those of the fit that was begun, where one was.
    callbacks : list of Callback
        To be called first.

    Raises
    ------
    ValueError
        If the folder is that of another fit, or of one that is running, or a file.
    """
    if checkpoint is None:
        yield seeds, []
        return
    folder = checkpoint.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ValueError(
            f"Checkpoint({os.fspath(folder)!r}) is a file: give the name of a folder."
        ) from None
    with _held_alone(folder):
        running = checkpoint.begun(identity, seeds)
        try:
            yield running.seeds, [running]
        except KeyboardInterrupt as interrupt:
            running.write()
            interrupt.add_note(
                f"What was learned is in {os.fspath(folder)!r}: fit again with this checkpoint, "
                "the same data and the same parameters to go on."
            )
            raise
        running.write()


@contextmanager
def _held_alone(folder: str | os.PathLike[str]) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(held_alone(Path(folder)))
        except BlockingIOError:
            raise ValueError(
                f"Checkpoint({os.fspath(folder)!r}) is that of a fit which is running now. Give "
                "every fit a folder of its own; a search cannot have one."
            ) from None
        yield


def _key(state: TrainingState) -> str:
    return json.dumps([state.phase, state.where])


def _require_format(text: str) -> None:
    try:
        found = json.loads(text)["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"it is no checkpoint ({error})") from error
    if found != FORMAT:
        raise ValueError(f"it is of the format {found!r:.20}, and this version reads {FORMAT}")


def _copied(value: Any) -> Any:
    # Training goes on in the same tensors.
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(item) for item in value)
    return value


def _packed(value: Any, arrays: Arrays) -> Any:
    # Plain values as JSON can hold them, tensors apart. Keys need not be strings.
    if isinstance(value, Tensor):
        name = str(len(arrays))
        arrays[name] = value.numpy()
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"items": [[key, _packed(item, arrays)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_packed(item, arrays) for item in value]}
    return value


def _unpacked(value: Any, arrays: Arrays) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return torch.from_numpy(arrays[content].copy())
    if kind == "items":
        return {key: _unpacked(item, arrays) for key, item in content}
    inner = (_unpacked(item, arrays) for item in content)
    return {"list": list, "tuple": tuple}[kind](inner)
