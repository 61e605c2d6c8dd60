"""Support for callbacks of scikit-learn (``set_callbacks``, from 1.9 on)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .callbacks import Callback, Record
from .state import TrainingState


class EpochTasks(Callback):
    """Passes the end of each epoch on to the scikit-learn callbacks of an estimator.

    ``n_epochs`` counts all phases. ``y`` holds labels for callbacks that score, or None.
    ``attributes_of`` turns a :class:`skdm2c.fitting.Fit` into the attributes of an estimator.
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
        # Older versions of scikit-learn have no callbacks; then nothing happens.
        initialize: Callable[..., Any] | None = getattr(estimator, "_init_callback_context", None)
        self.context = None if initialize is None else initialize(max_subtasks=n_epochs)
        self.data = {"X": X, "y": y}
        self.attributes_of = attributes_of
        # Returns the attributes of the estimator if the fit ended now; None in pretraining.
        self.attributes_now: Callable[[], dict[str, Any]] | None = None
        if self.context is not None:
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def on_model(self, look: Callable[[], Any]) -> None:
        """Let the callbacks reconstruct the estimator as if the fit ended now."""
        attributes_of = self.attributes_of  # not self: a cycle would keep the data after the fit
        self.attributes_now = lambda: attributes_of(look())

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Pass the record on as ``context.record``; return True if a callback ends the phase."""
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
        """Report the end of the fit, with the attributes of the fitted estimator."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=lambda: attributes, **self.data
            )
