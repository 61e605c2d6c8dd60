"""Progress of a fit: printed lines, a progress bar and log entries."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from .callbacks import Callback, Callbacks, Record, losses_of
from .state import TrainingState

LOGGER = logging.getLogger("skdm2c")
LOGGER.addHandler(logging.NullHandler())  # silent unless the application configures logging

_NUMBERS = count(1)  # of the fits of this process


@contextmanager
def shown_progress(verbose: int, n_epochs: int) -> Iterator[Callback]:
    """Yield a callback that logs the progress of a fit and displays it as ``verbose`` says.

    0 displays nothing, 1 a progress bar over the ``n_epochs`` of all phases (or about five lines
    per phase without rich or without a terminal or notebook), 2 a line per epoch.
    """
    fit = _name_of_fit()
    log = ProgressLog(fit)
    terminal = _terminal() if verbose == 1 else None
    if terminal is None:
        yield Callbacks([log, ProgressLines(verbose, lambda line: print(fit + line))])
        return
    with _bar(terminal) as bar:
        yield Callbacks([log, ProgressBar(bar, n_epochs)])


def _name_of_fit() -> str:
    # Begins each line of a fit that may run in parallel with others.
    process, thread = multiprocessing.current_process(), threading.current_thread()
    number = next(_NUMBERS)
    if process.name == "MainProcess" and thread is threading.main_thread():
        return ""
    worker = process.name if process.name != "MainProcess" else thread.name
    return f"[{worker}, fit {number}] "


def _terminal() -> Any:
    # The bars of several worker processes would overwrite each other in the terminal.
    if multiprocessing.current_process().name != "MainProcess":
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console()
    return console if console.is_terminal or console.is_jupyter else None


def _bar(terminal: Any) -> Any:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),  # names of modalities may hold brackets
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=terminal,
    )


class ProgressBar(Callback):
    """Progress bar over the ``n_epochs`` of all phases, on a started rich.progress.Progress."""

    def __init__(self, bar: Any, n_epochs: int) -> None:
        self.bar = bar
        self.n_left = n_epochs
        self.task = bar.add_task("fit", total=n_epochs)

    def on_phase_begin(self, state: TrainingState) -> None:
        """Display the name of the phase."""
        self.bar.update(self.task, description=f"{_title(state):<22}", refresh=True)
        for record in state.records:  # of a resumed phase
            self.on_epoch_end(state, record)

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Advance by one epoch."""
        self.n_left -= 1
        self.bar.advance(self.task)
        return False

    def on_step(self, step: str) -> None:
        """Display the step."""
        self.bar.update(self.task, description=f"{step:<22}", refresh=True)

    def on_phase_end(self, state: TrainingState) -> None:
        """Reduce the total by the epochs that a phase which ended early did not need."""
        if state.records:
            last = state.records[-1]
            self.n_left -= last["n_epochs"] - last["epoch"] - 1
        n_completed = self.bar.tasks[self.task].completed
        self.bar.update(self.task, total=n_completed + self.n_left)


class ProgressLines(Callback):
    """Passes lines of text with the losses to the function ``report``.

    ``verbose`` of 0 reports nothing, 1 about five epochs per phase, 2 all epochs.
    """

    def __init__(self, verbose: int, report: Callable[[str], object] = print) -> None:
        self.verbose = verbose
        self.report = report

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Report the epoch if ``verbose`` asks for it."""
        epoch, n_epochs = record["epoch"] + 1, record["n_epochs"]
        interval = 1 if self.verbose > 1 else max(1, n_epochs // 5)
        if self.verbose and (epoch % interval == 0 or epoch == n_epochs):
            self.report(_line(state, record))
        return False

    def on_step(self, step: str) -> None:
        """Report the step if ``verbose`` asks for it."""
        if self.verbose:
            self.report(step)


class ProgressLog(Callback):
    """Logs epochs (level DEBUG), and steps and the ends of phases (INFO), to "skdm2c"."""

    def __init__(self, fit: str = "") -> None:
        self.fit = fit

    def on_step(self, step: str) -> None:
        """Log the step."""
        LOGGER.info("%s%s", self.fit, step)

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Log the losses of the epoch."""
        if LOGGER.isEnabledFor(logging.DEBUG):
            LOGGER.debug("%s%s", self.fit, _line(state, record))
        return False

    def on_phase_end(self, state: TrainingState) -> None:
        """Log the last losses of the phase."""
        if state.records and LOGGER.isEnabledFor(logging.INFO):
            LOGGER.info("%s%s", self.fit, _line(state, state.records[-1]))


def _title(state: TrainingState) -> str:
    return " ".join([state.phase, *state.where.values()])


def _line(state: TrainingState, record: Record) -> str:
    values = "  ".join(f"{name} {value:.4f}" for name, value in losses_of(record).items())
    return f"{_title(state):<16}{record['epoch'] + 1:>3}/{record['n_epochs']:<3} {values}"
