"""What a user sees of a fit while it runs: lines, one bar, or entries of a log."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .callbacks import Callback, Callbacks, Record, losses_of
from .state import TrainingState

LOGGER = logging.getLogger("skdm2c")
LOGGER.addHandler(logging.NullHandler())  # silent until an application wants it


@contextmanager
def shown_progress(verbose: int, n_epochs: int) -> Iterator[Callback]:
    """Show how far a fit is, as loudly as asked, and in the log of who listens.

    Parameters
    ----------
    verbose : int
        0 shows nothing. 1 shows one bar over all phases with the time left, where rich is
        installed and there is a terminal or notebook to show it, or else about five lines a
        phase. 2 shows a line an epoch.
    n_epochs : int
        Of all phases together.

    Yields
    ------
    Callback
    """
    log = ProgressLog()
    terminal = _terminal() if verbose == 1 else None
    if terminal is None:
        yield Callbacks([log, ProgressLines(verbose)])
        return
    with _bar(terminal) as bar:
        yield Callbacks([log, ProgressBar(bar, n_epochs)])


def _terminal() -> Any:
    # Workers share one terminal, on which their bars would write over each other.
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
        TextColumn("{task.description}", markup=False),  # names are the user's
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=terminal,
    )


class ProgressBar(Callback):
    """One bar over all phases.

    Parameters
    ----------
    bar : rich.progress.Progress
        Started.
    n_epochs : int
        Of all phases together.
    """

    def __init__(self, bar: Any, n_epochs: int) -> None:
        self.bar = bar
        self.left = n_epochs
        self.task = bar.add_task("fit", total=n_epochs)

    def on_phase_begin(self, state: TrainingState) -> None:
        """Say which phase it is."""
        self.bar.update(self.task, description=f"{_title(state):<22}")
        for record in state.records:  # of a fit that this one goes on from
            self.on_epoch_end(state, record)

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Move on by an epoch."""
        self.left -= 1
        self.bar.advance(self.task)
        return False

    def on_phase_end(self, state: TrainingState) -> None:
        """Take off what a phase that ended early did not need."""
        if state.records:
            last = state.records[-1]
            self.left -= last["n_epochs"] - last["epoch"] - 1
        done = self.bar.tasks[self.task].completed
        self.bar.update(self.task, total=done + self.left)


class ProgressLines(Callback):
    """Reports losses, a line at a time.

    Parameters
    ----------
    verbose : int
        0 is silent, 1 reports about five epochs a phase, 2 reports all.
    report : callable, default=print
        Takes one line of text.
    """

    def __init__(self, verbose: int, report: Callable[[str], object] = print) -> None:
        self.verbose = verbose
        self.report = report

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Report the epoch if it is one to report."""
        epoch, n_epochs = record["epoch"] + 1, record["n_epochs"]
        every = 1 if self.verbose > 1 else max(1, n_epochs // 5)
        if self.verbose and (epoch % every == 0 or epoch == n_epochs):
            self.report(_line(state, record))
        return False


class ProgressLog(Callback):
    """Tells the logger "skdm2c" of every epoch (DEBUG) and of the end of every phase (INFO)."""

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Note the epoch, if anybody listens."""
        if LOGGER.isEnabledFor(logging.DEBUG):
            LOGGER.debug(_line(state, record))
        return False

    def on_phase_end(self, state: TrainingState) -> None:
        """Note the phase, if anybody listens."""
        if state.records and LOGGER.isEnabledFor(logging.INFO):
            LOGGER.info(_line(state, state.records[-1]))


def _title(state: TrainingState) -> str:
    return " ".join([state.phase, *state.where.values()])


def _line(state: TrainingState, record: Record) -> str:
    values = "  ".join(f"{name} {value:.4f}" for name, value in losses_of(record).items())
    return f"{_title(state):<16}{record['epoch'] + 1:>3}/{record['n_epochs']:<3} {values}"
