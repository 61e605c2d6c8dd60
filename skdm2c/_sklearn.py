"""Private and recent names of scikit-learn, which the package imports only from here.

If a version of scikit-learn renames one of them, only this file needs to change.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
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

if TYPE_CHECKING:
    # Scikit-learn has no types: with its own bases, type checkers would accept any attribute.
    from typing import Self

    class CallbackSupportMixin:
        def set_callbacks(self, *callbacks: Any) -> Self: ...

    class ClassNamePrefixFeaturesOutMixin:
        def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]: ...

    class ClusterMixin:
        _estimator_type: str

    class TransformerMixin:
        def set_output(self, *, transform: str | None = None) -> Self: ...

    class BaseEstimator:
        @classmethod
        def _get_param_names(cls) -> list[str]: ...
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def get_metadata_routing(self) -> Any: ...
        def _validate_params(self) -> None: ...
        def __sklearn_tags__(self) -> Any: ...
        def __getstate__(self) -> dict[str, Any]: ...
        def __setstate__(self, state: dict[str, Any]) -> None: ...
else:
    from sklearn.base import (
        BaseEstimator,
        ClassNamePrefixFeaturesOutMixin,
        ClusterMixin,
        TransformerMixin,
    )

    try:
        from sklearn.callback import CallbackSupportMixin
    except ImportError:  # scikit-learn before 1.9

        class CallbackSupportMixin:
            """Stand-in that does nothing, as this scikit-learn has no callbacks."""


__all__ = [
    "BaseEstimator",
    "BaseSearchCV",
    "CallbackSupportMixin",
    "ClassNamePrefixFeaturesOutMixin",
    "ClusterMixin",
    "HasMethods",
    "Hidden",
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "TransformerMixin",
    "fit_context",
    "get_feature_names",
    "is_cross_validated",
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


def is_cross_validated() -> bool:
    """Return whether the running fit is one of the many of a cross-validation or a search."""
    frame = sys._getframe(1)
    while frame.f_back:
        frame = frame.f_back
        name = frame.f_globals.get("__name__", "")
        if name == "sklearn.model_selection._validation":
            return True
    return False


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
