"""What looks on while networks train: hooks that the one loop calls."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..exceptions import TrainingDivergedError
from .state import TrainingState

Record = dict[str, Any]

_LIKELY_CAUSE = {
    "pretraining": (
        "Likely cause: the learning_rate of pretraining is too high, or its lambda_neighbors, "
        "input_noise or the inputs are very large (keep standardize=True)."
    ),
    "alignment": "Likely cause: the learning_rate of pretraining, used here too, is too high.",
    "decoding": "Likely cause: the learning_rate of pretraining, used here too, is too high.",
    "adversarial": (
        "Likely cause: generator_learning_rate, autoencoder_learning_rate or "
        "discriminator_learning_rate or a weight (lambda_..., weight_decay) is too high, or the "
        "discriminators are unbounded (set lipschitz)."
    ),
}
_NO_LOSSES = {"phase", "modality", "epoch", "n_epochs", "seconds"}


class Callback:
    """Does nothing at any time; subclasses do something at some.

    Phases may go on at once, of several modalities: what there is to know of one is in its
    state. No two hooks are called at once.

    A record is a dict with keys ``phase``, perhaps ``modality``, ``epoch`` (from 0),
    ``n_epochs``, ``seconds`` since the start, and the mean losses of the epoch by name.
    """

    def on_phase_begin(self, state: TrainingState) -> None:
        """Look at a phase before its first epoch."""

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Look at an epoch that is over; return True to end the phase here."""
        return False

    def on_epoch_over(self, state: TrainingState) -> None:
        """Look at the state once all have seen the epoch: nothing is in flight then."""

    def on_phase_end(self, state: TrainingState) -> None:
        """Look at a phase that is over."""

    def on_model(self, look: Callable[[], Any]) -> None:
        """Learn how to look at the fit as if it stopped now, once all networks are there.

        Parameters
        ----------
        look : callable
            Makes a :class:`skdm2c.fitting.Fit`, in the time that clustering takes.
        """


class Callbacks(Callback):
    """Several callbacks as one, asked in turn.

    Parameters
    ----------
    callbacks : iterable of Callback

    Examples
    --------
    >>> history = History()
    >>> Callbacks([history, DivergenceGuard()]).callbacks[0] is history
    True
    """

    def __init__(self, callbacks: Iterable[Callback] = ()) -> None:
        self.callbacks: Sequence[Callback] = tuple(callbacks)

    def on_phase_begin(self, state: TrainingState) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_phase_begin(state)

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Tell all; True if one of them wants the phase to end."""
        return any([callback.on_epoch_end(state, record) for callback in self.callbacks])

    def on_epoch_over(self, state: TrainingState) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_epoch_over(state)

    def on_phase_end(self, state: TrainingState) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_phase_end(state)

    def on_model(self, look: Callable[[], Any]) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_model(look)


class History(Callback):
    """Keeps the record of every epoch.

    Attributes
    ----------
    records : list of dict
    """

    def __init__(self) -> None:
        self._phases: list[list[Record]] = []
        self._start = time.perf_counter()
        self._before: float | None = None  # seconds of a fit that this one goes on from

    @property
    def records(self) -> list[Record]:
        """Those of all phases, in order."""
        return [record for phase in self._phases for record in phase]

    def on_phase_begin(self, state: TrainingState) -> None:
        """Look at the records of a phase from here on, and at those that it has already."""
        self._phases.append(state.records)

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Note the seconds since the start."""
        if self._before is None:
            self._before = max((r.get("seconds", 0.0) for r in self.records), default=0.0)
        record["seconds"] = self._before + time.perf_counter() - self._start
        return False


class DivergenceGuard(Callback):
    """Stops a training whose losses, or weights at the end, are no longer numbers."""

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Check all losses.

        Raises
        ------
        TrainingDivergedError
            If one is NaN or infinite.
        """
        for name, value in losses_of(record).items():
            require_finite(f"{name} loss", value, record)
        return False

    def on_phase_end(self, state: TrainingState) -> None:
        """Check all weights: what the last step made of them is in no loss.

        Raises
        ------
        TrainingDivergedError
            If one is NaN or infinite.
        """
        if state.records:
            for name, weights in state.network.state_dict().items():
                require_finite(f"weights {name}", float(weights.abs().max()), state.records[-1])


class EarlyStop(Callback):
    """Ends a phase whose losses no longer fall; it sees no labels.

    In the game of equation (4) it looks at what generators and auto-encoders lose to
    equations (1) and (2), as its own loss goes up and down.

    Parameters
    ----------
    patience : int
        Epochs in a row that may bring nothing.
    tol : float, default=1e-4
        By what part of themselves the losses, added up, must fall below the least so far.

    Examples
    --------
    >>> from torch import Generator
    >>> from torch.nn import Module
    >>> stop = EarlyStop(patience=2)
    >>> state = TrainingState("pretraining", Module(), {}, {}, Generator())
    >>> for loss in (3.0, 2.0, 2.0, 2.5):
    ...     state.records.append({"reconstruction": loss})
    ...     stop.on_epoch_end(state, state.records[-1])
    False
    False
    False
    True
    """

    def __init__(self, patience: int, tol: float = 1e-4) -> None:
        self.patience = patience
        self.tol = tol

    def on_phase_begin(self, state: TrainingState) -> None:
        """Count what epochs the phase has had already."""
        state.over |= self._waited(state.records) >= self.patience

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Count the epochs that brought nothing."""
        return self._waited(state.records) >= self.patience

    def _waited(self, records: Sequence[Record]) -> int:
        # Epochs since the last that brought something.
        enough, waited = math.inf, 0
        for record in records:
            losses = losses_of(record).items()
            loss = sum(value for name, value in losses if name != "adversarial")
            if loss < enough:
                enough, waited = loss - self.tol * abs(loss), 0
            else:
                waited += 1
        return waited


def losses_of(record: Record) -> dict[str, float]:
    """Of what a record holds, the mean losses by name.

    Parameters
    ----------
    record : dict

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> losses_of({"phase": "adversarial", "epoch": 0, "n_epochs": 2, "cycle": 0.5})
    {'cycle': 0.5}
    """
    return {name: value for name, value in record.items() if name not in _NO_LOSSES}


def require_finite(name: str, value: float, record: Record) -> None:
    """Stop a training that has diverged.

    Parameters
    ----------
    name : str
        What the value is.
    value : float
    record : dict
        Of the epoch it was found in.

    Raises
    ------
    TrainingDivergedError
        If the value is NaN or infinite.
    """
    if not math.isfinite(value):
        about = f" of modality {record['modality']!r}" if "modality" in record else ""
        raise TrainingDivergedError(
            f"The {name} became {value} in epoch {record['epoch'] + 1} of the {record['phase']} "
            f"phase{about}. {_LIKELY_CAUSE[record['phase']]}"
        )
