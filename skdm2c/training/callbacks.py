"""What looks on while networks train: hooks that the one loop calls."""

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
    "decoding": "Likely cause: the learning_rate of pretraining, used here too, is too high.",
    "adversarial": (
        "Likely cause: generator_learning_rate, autoencoder_learning_rate or "
        "discriminator_learning_rate or a weight (lambda_..., weight_decay) is too high, or the "
        "discriminators are unbounded (set lipschitz)."
    ),
}
_NO_LOSSES = {"phase", "modality", "epoch", "n_epochs", "seconds"}


class Callback:
    """Base class of what is called while a fit runs, given as the estimator's ``callbacks``.

    It does nothing; subclasses override the hooks they need. The phases of several modalities
    may run in parallel: ``state.phase`` and ``state.where`` say which one a call is about. No two
    hooks are called at the same time.

    A record is a dict with keys ``phase``, perhaps ``modality``, ``epoch`` (from 0),
    ``n_epochs``, ``seconds`` since the start, and the mean losses of the epoch by name.

    Examples
    --------
    Print one loss of every epoch of adversarial training, and end it once that is small:

    >>> from skdm2c import Callback, MixedModalClustering
    >>> class Watch(Callback):
    ...     def on_epoch_end(self, state, record):
    ...         if record["phase"] == "adversarial":
    ...             print(record["epoch"], record["cycle"])
    ...         return record.get("cycle", 1.0) < 0.01
    >>> model = MixedModalClustering(3, callbacks=[Watch()])
    """

    def on_phase_begin(self, state: TrainingState) -> None:
        """Look at a phase before its first epoch.

        Parameters
        ----------
        state : TrainingState
            The phase, its networks and its records so far.
        """

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Look at an epoch that has ended.

        Parameters
        ----------
        state : TrainingState
            The phase, its networks and its records so far.
        record : dict
            Figures of the epoch.

        Returns
        -------
        bool
            True to end the phase.
        """
        return False

    def on_epoch_over(self, state: TrainingState) -> None:
        """Look at the state after all callbacks have seen the epoch.

        Parameters
        ----------
        state : TrainingState
            The phase, its networks and its records so far.
        """

    def on_phase_end(self, state: TrainingState) -> None:
        """Look at a phase that has ended.

        Parameters
        ----------
        state : TrainingState
            The phase, its networks and its records so far.
        """

    def on_model(self, look: Callable[[], Any]) -> None:
        """Learn how to look at the fit as if it stopped now, once all networks are there.

        Parameters
        ----------
        look : callable
            Makes what the fit would give now, in the time that clustering takes.
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
    """End a phase whose losses no longer improve. No labels are looked at.

    In adversarial training the sum of reconstruction and cycle losses is looked at, equations (1)
    and (2), as the adversarial loss rises and falls.

    Parameters
    ----------
    patience : int, default=10
        Number of consecutive epochs without improvement after which the phase ends.
    tol : float, default=1e-4
        Minimum relative decrease of the summed losses that counts as an improvement.

    Raises
    ------
    ValueError
        If ``patience`` is no positive integer, or ``tol`` no number of 0 or more.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering
    >>> model = MixedModalClustering(3, callbacks=[EarlyStop(patience=5)])

    What it is told in a fit:

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

    def __init__(self, patience: int = 10, tol: float = 1e-4) -> None:
        if not (is_number(patience, 1) and patience == int(patience)):
            raise ValueError(f"patience must be a positive integer, got {patience!r}.")
        if not is_number(tol, 0):
            raise ValueError(f"tol must be a number of 0 or more, got {tol!r}.")
        self.patience, self.tol = int(patience), float(tol)

    def __repr__(self) -> str:
        return f"EarlyStop(patience={self.patience}, tol={self.tol:g})"

    def on_phase_begin(self, state: TrainingState) -> None:
        """Count the epochs that a resumed phase has had already.

        Parameters
        ----------
        state : TrainingState
            The phase, its networks and its records so far.
        """
        state.over |= self._waited(state.records) >= self.patience

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Count the epochs without improvement.

        Parameters
        ----------
        state : TrainingState
            The phase, its networks and its records so far.
        record : dict
            Figures of the epoch.

        Returns
        -------
        bool
            True to end the phase.
        """
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


class EpochTasks(Callback):
    """Tells the callbacks of an estimator of each epoch as it ends.

    Parameters
    ----------
    estimator : estimator
        In its ``fit``. Without callbacks, or in a scikit-learn that has none,
        nothing happens.
    n_epochs : int
        Of all phases together.
    X : MixedModalData
    y : array-like of shape (n,) or None
        Labels, if the user gave any: for the callbacks alone, which may monitor them.
    attributes_of : callable
        Makes a fitted estimator's attributes of a :class:`skdm2c.fitting.Fit`.
    """

    def __init__(
        self,
        estimator: Any,
        n_epochs: int,
        X: Any,
        y: Any,
        attributes_of: Callable[[Any], dict[str, Any]],
    ) -> None:
        self.estimator = estimator
        initialize: Callable[..., Any] | None = getattr(estimator, "_init_callback_context", None)
        self.context = None if initialize is None else initialize(max_subtasks=n_epochs)
        self.data = {"X": X, "y": y}
        self.attributes_of = attributes_of
        # What the estimator would be if the fit stopped here: nothing, in pretraining.
        self.attributes_now: Callable[[], dict[str, Any]] | None = None
        if self.context is not None:
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def on_model(self, look: Callable[[], Any]) -> None:
        """From here on the callbacks can have the estimator as it would be fitted now."""
        attributes_of = self.attributes_of  # not self: a cycle would keep the data after the fit
        self.attributes_now = lambda: attributes_of(look())

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Pass the record on, as the context's ``record``; True if a callback wants an end."""
        if self.context is None:
            return False
        task = self.context.subcontext(task_name=record["phase"])
        task.record = record  # not as metadata, which ScoringMonitor hands to the scorer
        task.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return bool(
            task.call_on_fit_task_end(
                estimator=self.estimator,
                reconstruction_attributes=self.attributes_now,
                **self.data,
            )
        )

    def fit_ended(self, attributes: dict[str, Any]) -> None:
        """Say that the fit is over, and what it has found."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=lambda: attributes, **self.data
            )


def is_number(value: Any, least: float) -> bool:
    """Whether a value is a number, and at least so large.

    Parameters
    ----------
    value : object
    least : float

    Returns
    -------
    bool
    """
    return isinstance(value, Real) and not isinstance(value, bool) and bool(value >= least)  # type: ignore[operator]
