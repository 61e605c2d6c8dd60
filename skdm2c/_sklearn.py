"""Private and recent names of scikit-learn, which the package imports only from here.

If a version of scikit-learn renames one of them, only this file needs to change.
"""

from __future__ import annotations

import sys
from typing import Any

from sklearn.base import _fit_context as fit_context
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._set_output import _get_output_config
from sklearn.utils._set_output import _safe_set_output as safe_set_output
from sklearn.utils.validation import _get_feature_names as get_feature_names

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in that does nothing, as this scikit-learn has no callbacks."""


__all__ = [
    "BaseSearchCV",
    "CallbackSupportMixin",
    "HasMethods",
    "Hidden",
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "fit_context",
    "get_feature_names",
    "output_form",
    "safe_indexing",
    "safe_set_output",
    "steps_before",
    "validate_parameter_constraints",
]


def output_form(estimator: Any) -> str:
    """Return the form that ``set_output`` chose for an estimator's ``transform``, as "pandas"."""
    form: str = _get_output_config("transform", estimator)["dense"]
    return form


def steps_before(estimator: Any) -> list[Any]:
    """Return the transformers of the Pipelines in which an estimator is being fitted.

    To be called during its ``fit``; the list is empty if the estimator is not in a Pipeline.
    """
    # A Pipeline passes nothing on about its other steps, but it is on the call stack.
    frame, steps = sys._getframe(1), []
    while frame.f_back:
        frame = frame.f_back
        caller = frame.f_locals.get("self")
        if isinstance(caller, Pipeline) and caller.steps[-1][1] is estimator:
            steps += [step for _, step in caller.steps[:-1] if step not in (None, "passthrough")]
            estimator = caller  # may itself be the last step of another Pipeline
    return steps
