"""scikit-learn's callbacks, from 1.9 on: progress bars, and stopping by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .training import Callback, Record, TrainingState

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: this scikit-learn has no callbacks."""


class EpochTasks(Callback):
    """Tells the callbacks of an estimator of each epoch as it ends.

    Parameters
    ----------
    estimator : estimator
        In its ``fit``. Without callbacks, or in a scikit-learn that has none,
        nothing happens.
    n_epochs : int
        Of all phases together.
    """

    def __init__(self, estimator: Any, n_epochs: int) -> None:
        self.estimator = estimator
        initialize: Callable[..., Any] | None = getattr(estimator, "_init_callback_context", None)
        self.context = None if initialize is None else initialize(max_subtasks=n_epochs)
        if self.context is not None:
            self.context.call_on_fit_task_begin(estimator=estimator)

    def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
        """Pass the record on, as ``metadata``; True if a callback wants the phase to end."""
        if self.context is None:
            return False
        task = self.context.subcontext(task_name=record["phase"])
        task.call_on_fit_task_begin(estimator=self.estimator)
        return bool(task.call_on_fit_task_end(estimator=self.estimator, metadata=record))

    def fit_ended(self) -> None:
        """Say that the fit is over."""
        if self.context is not None:
            self.context.call_on_fit_task_end(estimator=self.estimator)
