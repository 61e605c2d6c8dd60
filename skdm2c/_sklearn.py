"""Private and recent names of scikit-learn, which the package imports only from here.

If a version of scikit-learn renames one of them, only this file needs to change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import _fit_context as fit_context
from sklearn.model_selection import KFold
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

VALIDATION = "sklearn.model_selection._validation"  # where folds are fitted and scored

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
    "is_refitted_later",
    "output_form",
    "running_split",
    "safe_indexing",
    "safe_set_output",
    "steps_before",
    "validate_parameter_constraints",
]


def output_form(estimator: Any) -> str:
    """Return the form that ``set_output`` chose for an estimator's ``transform``, as "pandas"."""
    form: str = _get_output_config("transform", estimator)["dense"]
    return form


def is_refitted_later() -> bool:
    """Return whether the running fit is one of a search, which fits its best candidate again."""
    in_fold, search = False, None
    for frame in _callers():
        caller = frame.f_locals.get("self")
        in_fold = in_fold or frame.f_globals.get("__name__") == VALIDATION
        if isinstance(caller, BaseSearchCV):
            search = caller
        elif in_fold and frame.f_code.co_name in ("cross_validate", "cross_val_predict"):
            return False
    # A worker process does not know what it works for; mostly it is a search.
    return in_fold and (search is None or bool(search.refit))


def running_split() -> tuple[NDArray[np.intp] | None, int | None]:
    """Return the training rows of the fold for which scikit-learn selects rows, None if for none.

    The second value is the number of folds if they are consecutive rows, and None otherwise, or
    in a worker process, which knows its own fold only.
    """
    training_rows = None
    for frame in _callers():
        if frame.f_globals.get("__name__") == VALIDATION and "train" in frame.f_locals:
            training_rows = np.asarray(frame.f_locals["train"])
        cv: Any = frame.f_locals.get("cv")
        splitter: Any = getattr(cv, "base_cv", cv)  # of successive halving
        if training_rows is not None and type(splitter) is KFold and not splitter.shuffle:
            return training_rows, splitter.n_splits
    return training_rows, None


def _callers() -> Iterator[FrameType]:
    frame = sys._getframe(2).f_back
    while frame:
        yield frame
        frame = frame.f_back


def steps_before(estimator: Any) -> list[Any]:
    """Return the transformers of the Pipelines in which an estimator is being fitted.

    To be called during its ``fit``; the list is empty if the estimator is not in a Pipeline.
    """
    # A Pipeline passes nothing on about its other steps, but it is on the call stack.
    steps = []
    for frame in _callers():
        caller = frame.f_locals.get("self")
        if isinstance(caller, Pipeline) and caller.steps[-1][1] is estimator:
            steps += [step for _, step in caller.steps[:-1] if step not in (None, "passthrough")]
            estimator = caller  # may itself be the last step of another Pipeline
    return steps
