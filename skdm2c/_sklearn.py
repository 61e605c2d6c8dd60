"""What scikit-learn does around a fit: its callbacks, from 1.9 on, and its pipelines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from sklearn.pipeline import Pipeline

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


def steps_before(estimator: Any) -> list[Any]:
    """Find the transformers through which a Pipeline has sent what is being fitted to.

    Parameters
    ----------
    estimator : estimator
        In its ``fit``.

    Returns
    -------
    list of transformers
        Empty where it is fitted by itself.
    """
    frame, before = sys._getframe(1), []
    while frame.f_back:
        frame = frame.f_back
        caller = frame.f_locals.get("self")
        if isinstance(caller, Pipeline) and caller.steps[-1][1] is estimator:
            before += [step for _, step in caller.steps[:-1] if step not in (None, "passthrough")]
            estimator = caller  # which may be the end of another
    return before
