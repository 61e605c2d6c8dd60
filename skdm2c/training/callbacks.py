"""Callbacks: objects whose hooks the training loop calls."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
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
    "adversarial": (
        "Likely cause: generator_learning_rate, autoencoder_learning_rate or "
        "discriminator_learning_rate or a weight (lambda_..., weight_decay) is too high, or the "
        "discriminators are unbounded (set lipschitz)."
    ),
}
_NON_LOSS_KEYS = {"phase", "modality", "epoch", "n_epochs", "seconds"}


class Callback:
    """Base class of the estimator's ``callbacks``, whose hooks are called during a fit.

    The hooks of this class do nothing; subclasses override those they need. The phases of several
    modalities may run in parallel: ``state.phase`` and ``state.where`` tell which phase a call
    belongs to. Hooks are never called concurrently.

    The record of an epoch is a dict with the keys ``phase``, ``epoch`` (from 0), ``n_epochs`` and
    ``seconds`` (since the start of the fit), and the mean losses of the epoch by name. Except in
    adversarial training, ``modality`` names the modality (or the generator, as in "a to b") that
    is trained.

    Examples
    --------
    Print the cycle loss after every epoch of adversarial training, and end the phase once it is
    small:

    >>> from skdm2c import Callback, MixedModalClustering
    >>> class Watch(Callback):
    ...     def on_epoch_end(self, state, record):
    ...         if record["phase"] == "adversarial":
    ...             print(record["epoch"], record["cycle"])
    ...         return record.get("cycle", 1.0) < 0.01
    >>> model = MixedModalClustering(3, callbacks=[Watch()])
    """

    def on_phase_begin(self, state: TrainingState) -> None:
        """Handle the start of a phase, before its first epoch.

        Parameters
        ----------
        state : TrainingState
            State of the phase, with its networks and its records so far.
        """

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Handle the end of an epoch.

        Parameters
        ----------
        state : TrainingState
            State of the phase, with its networks and its records so far.
        record : dict
            Losses of the epoch and what identifies it.

        Returns
        -------
        bool
            Whether to end the phase.
        """
        return False

    def on_epoch_over(self, state: TrainingState) -> None:
        """Handle the state after ``on_epoch_end`` of all callbacks.

        Parameters
        ----------
        state : TrainingState
            State of the phase, with its networks and its records so far.
        """

    def on_phase_end(self, state: TrainingState) -> None:
        """Handle the end of a phase.

        Parameters
        ----------
        state : TrainingState
            State of the phase, with its networks and its records so far.
        """

    def on_step(self, step: str) -> None:
        """Handle the start of a step that trains nothing, such as a matching.

        Parameters
        ----------
        step : str
            Description of the step, such as "matching 'a' with 'b'".
        """

    def on_model(self, look: Callable[[], Any]) -> None:
        """Receive a function that returns the fit as if it ended now.

        It is called once, when the clusters have been matched and all networks exist.

        Parameters
        ----------
        look : callable
            Function without arguments. Each call clusters the rows, which takes time.
        """


class Callbacks(Callback):
    """Several callbacks as one; each hook calls theirs in turn."""

    def __init__(self, callbacks: Iterable[Callback] = ()) -> None:
        self.callbacks: Sequence[Callback] = tuple(callbacks)

    def on_phase_begin(self, state: TrainingState) -> None:
        """Call the hook of all callbacks."""
        for callback in self.callbacks:
            callback.on_phase_begin(state)

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Call the hook of all callbacks; return True if any of them ends the phase."""
        return any([callback.on_epoch_end(state, record) for callback in self.callbacks])

    def on_epoch_over(self, state: TrainingState) -> None:
        """Call the hook of all callbacks."""
        for callback in self.callbacks:
            callback.on_epoch_over(state)

    def on_phase_end(self, state: TrainingState) -> None:
        """Call the hook of all callbacks."""
        for callback in self.callbacks:
            callback.on_phase_end(state)

    def on_step(self, step: str) -> None:
        """Call the hook of all callbacks."""
        for callback in self.callbacks:
            callback.on_step(step)

    def on_model(self, look: Callable[[], Any]) -> None:
        """Call the hook of all callbacks."""
        for callback in self.callbacks:
            callback.on_model(look)


class History(Callback):
    """Collects the records of all epochs."""

    def __init__(self) -> None:
        self._phases: list[list[Record]] = []
        self._start = time.perf_counter()
        self._earlier_seconds: float | None = None  # of the fit that this one resumes

    @property
    def records(self) -> list[Record]:
        """Records of all phases, in order."""
        return [record for phase in self._phases for record in phase]

    def on_phase_begin(self, state: TrainingState) -> None:
        """Follow the records of a phase, including those of a resumed one."""
        self._phases.append(state.records)

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Add the seconds since the start of the fit to the record."""
        if self._earlier_seconds is None:
            self._earlier_seconds = max((r.get("seconds", 0.0) for r in self.records), default=0.0)
        record["seconds"] = self._earlier_seconds + time.perf_counter() - self._start
        return False


class DivergenceGuard(Callback):
    """Raises TrainingDivergedError once a loss, or a weight at the end, is NaN or infinite."""

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Check all losses."""
        for name, value in losses_of(record).items():
            require_finite(f"{name} loss", value, record)
        return False

    def on_phase_end(self, state: TrainingState) -> None:
        """Check all weights, as no loss shows the effect of the last step."""
        if state.records:
            for name, weights in state.network.state_dict().items():
                require_finite(f"weights {name}", float(weights.abs().max()), state.records[-1])


class EarlyStop(Callback):
    """End a phase once its losses no longer improve.

    The sum of all losses of the phase is monitored, except for the adversarial loss, which rises
    and falls during training. Labels are not used.

    Parameters
    ----------
    patience : int, default=10
        Number of consecutive epochs without improvement after which the phase ends.
    tol : float, default=1e-4
        Minimum relative decrease of the summed losses that counts as an improvement.

    Raises
    ------
    ValueError
        If ``patience`` is not a positive integer or ``tol`` not a non-negative number.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering
    >>> model = MixedModalClustering(3, callbacks=[EarlyStop(patience=5)])
    """

    def __init__(self, patience: int = 10, tol: float = 1e-4) -> None:
        if not (is_number(patience, 1) and patience == int(patience)):
            raise ValueError(f"patience must be a positive integer, got {patience!r}.")
        if not is_number(tol, 0):
            raise ValueError(f"tol must be a non-negative number, got {tol!r}.")
        self.patience, self.tol = int(patience), float(tol)

    def __repr__(self) -> str:
        return f"EarlyStop(patience={self.patience}, tol={self.tol:g})"

    def on_phase_begin(self, state: TrainingState) -> None:
        """End a resumed phase that had already stopped improving.

        Parameters
        ----------
        state : TrainingState
            State of the phase, with its networks and its records so far.
        """
        state.over |= self._epochs_without_improvement(state.records) >= self.patience

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """End the phase if its losses have not improved for ``patience`` epochs.

        Parameters
        ----------
        state : TrainingState
            State of the phase, with its networks and its records so far.
        record : dict
            Losses of the epoch and what identifies it.

        Returns
        -------
        bool
            Whether to end the phase.
        """
        return self._epochs_without_improvement(state.records) >= self.patience

    def _epochs_without_improvement(self, records: Sequence[Record]) -> int:
        threshold, n_epochs = math.inf, 0
        for record in records:
            losses = losses_of(record).items()
            loss = sum(value for name, value in losses if name != "adversarial")
            if loss < threshold:
                threshold, n_epochs = loss - self.tol * abs(loss), 0
            else:
                n_epochs += 1
        return n_epochs


def losses_of(record: Record) -> dict[str, float]:
    """Return the mean losses of a record, by name."""
    return {name: value for name, value in record.items() if name not in _NON_LOSS_KEYS}


def require_finite(name: str, value: float, record: Record) -> None:
    """Raise TrainingDivergedError, naming the epoch of ``record``, if ``value`` is not finite."""
    if not math.isfinite(value):
        modality = f" of modality {record['modality']!r}" if "modality" in record else ""
        raise TrainingDivergedError(
            f"The {name} became {value} in epoch {record['epoch'] + 1} of the {record['phase']} "
            f"phase{modality}. {_LIKELY_CAUSE[record['phase']]}"
        )


def is_number(value: Any, minimum: float) -> bool:
    """Return whether ``value`` is a real number of at least ``minimum``."""
    return isinstance(value, Real) and not isinstance(value, bool) and bool(value >= minimum)  # type: ignore[operator]
