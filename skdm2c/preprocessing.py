"""``PerModality``: a transformer for each modality, as one transformer."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from ._sklearn import safe_set_output
from ._version import DOCUMENTATION
from .data import MixedModalData, as_known_modalities, as_mixed_modal
from .data.blocks import as_block, in_memory, n_columns, n_rows
from .data.messages import about, keyword


class PerModality(  # type: ignore[call-arg]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
    auto_wrap_output_keys=None,
):
    """Apply a transformer of its own to each modality.

    First in a Pipeline it makes ``pipe.fit(X_a, X_b)`` right: a plain
    StandardScaler there would see A alone.

    Parameters
    ----------
    **transformers : transformer, "passthrough" or None
        By name of the modality; modalities not named pass through.

    Attributes
    ----------
    transformers_ : dict of str to transformer
        The fitted ones.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skdm2c import MixedModalData, PerModality
    >>> X = MixedModalData(["red fox", "red rose"], np.array([[1.0], [3.0]]))
    >>> PerModality(a=CountVectorizer(), b=StandardScaler()).fit_transform(X)
    MixedModalData(a: 2 x 3, b: 2 x 1)
    """

    _doc_link_module = "skdm2c"
    _doc_link_template = DOCUMENTATION

    def __init__(self, /, **transformers: Any) -> None:  # a modality may be called "self"
        self.transformers = transformers

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Name parameters as scikit-learn does: ``a``, and ``a__...`` of its transformer.

        Parameters
        ----------
        deep : bool, default=True

        Returns
        -------
        dict
        """
        params = dict(self.transformers)
        if deep:
            for name, transformer in self.transformers.items():
                if hasattr(transformer, "get_params"):
                    nested = transformer.get_params(deep=True)
                    params |= {f"{name}__{key}": value for key, value in nested.items()}
        return params

    def set_params(self, /, **params: Any) -> PerModality:
        """Set transformers (``a=...``) or their parameters (``a__...=...``).

        Parameters
        ----------
        **params : object

        Returns
        -------
        PerModality

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        nested = {}
        for key, value in params.items():
            name, _, parameter = key.partition("__")
            if parameter:
                nested[name, parameter] = value
            else:
                self.transformers[name] = value
        for (name, parameter), value in nested.items():  # of the new transformers
            if not hasattr(self.transformers.get(name), "set_params"):
                raise ValueError(
                    f"Invalid parameter {name + '__' + parameter!r}: there is no transformer for "
                    f"modality {name!r}."
                )
            self.transformers[name].set_params(**{parameter: value})
        return self

    def fit(self, X: Any, y: Any = None) -> PerModality:
        """Fit each modality's transformer on its block.

        Parameters
        ----------
        X : MixedModalData, or block of shape (n_a, d_a)
        y : block of shape (n_b, d_b) or None
            B's block where ``X`` is A's.

        Returns
        -------
        PerModality

        Raises
        ------
        ValueError
            If a transformer is named for a modality that is not there.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> MixedModalData:
        """Fit, and return the transformed container.

        Parameters
        ----------
        X : MixedModalData, or block of shape (n_a, d_a)
        y : block of shape (n_b, d_b) or None

        Returns
        -------
        MixedModalData
        """
        data = as_mixed_modal(X, y)
        unknown = [name for name in self.transformers if name not in data.names]
        if unknown:
            raise ValueError(
                f"PerModality has a transformer for {unknown[0]!r}, but the data's modalities "
                f"are {data.names}."
            )
        fitted, blocks = {}, {}
        for name, transformer in self.transformers.items():
            if transformer is None or isinstance(transformer, str):
                if transformer not in (None, "passthrough"):
                    raise ValueError(
                        f"PerModality({keyword(name, repr(transformer))}): expected a transformer, "
                        "'passthrough' or None."
                    )
                continue
            if isinstance(transformer, type) or not hasattr(transformer, "transform"):
                raise ValueError(
                    f"PerModality({keyword(name, reprlib.repr(transformer))}): expected an "
                    "instance of a transformer, with a method transform for new rows."
                )
            if n_rows(data.blocks[name]) == 0:
                raise ValueError(f"Modality {name!r} has no rows to fit its transformer on.")
            fitted[name] = clone(transformer)
            blocks[name] = _apply(fitted[name].fit_transform, transformer, data, name)
        self.names_in_, self.transformers_ = data.names, fitted
        self._columns = dict(data.columns)
        self._names_passed = {
            name: [*getattr(block, "columns", [f"x{i}" for i in range(n_columns(block))])]
            for name, block in data.blocks.items()
        }
        return data.with_blocks(blocks)

    def transform(self, X: Any, *, modality: str | None = None) -> MixedModalData:
        """Transform new rows.

        Parameters
        ----------
        X : MixedModalData, or a block where ``modality`` is given
        modality : str, default=None
            The modality of a plain block.

        Returns
        -------
        MixedModalData

        Raises
        ------
        ValueError
            If a plain block comes without its modality, or an AnnData has other variables.
        """
        check_is_fitted(self)
        data = as_known_modalities(X, self.names_in_, modality=modality)
        for name, columns in data.columns.items():
            known = self._columns[name]
            if columns is not None and known is not None and not np.array_equal(columns, known):
                raise ValueError(
                    f"Modality {name!r}: the variables are not those in fit, or in another order. "
                    "Bring them into it, for example with adata[:, names]."
                )
        return data.with_blocks(
            {
                name: _apply(transformer.transform, transformer, data, name)
                for name, transformer in self.transformers_.items()
                if n_rows(data.blocks[name]) > 0
            }
        )

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name all transformed columns, each after its modality: ``a__word``.

        Parameters
        ----------
        input_features : object
            Ignored.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.array(
            [
                f"{name}__{feature}"
                for name in self.names_in_
                for feature in (
                    self.transformers_[name].get_feature_names_out()
                    if name in self.transformers_
                    else self._names_passed[name]
                )
            ],
            dtype=object,
        )

    def set_output(self, *, transform: str | None = None) -> PerModality:
        """Choose the form of the blocks the transformers return.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None

        Returns
        -------
        PerModality
        """
        for transformer in [
            *self.transformers.values(),
            *vars(self).get("transformers_", {}).values(),
        ]:
            if hasattr(transformer, "transform"):
                safe_set_output(transformer, transform=transform)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        return tags


def _apply(method: Callable[[Any], Any], transformer: Any, data: MixedModalData, name: str) -> Any:
    block = in_memory(data.blocks[name])
    tags = get_tags(transformer).input_tags
    if tags.string and not tags.two_d_array and hasattr(block, "columns"):
        # What reads texts would go through a frame's names of columns.
        if n_columns(block) != 1:
            raise ValueError(
                f"Modality {name!r}: {type(transformer).__name__} takes texts, and the frame has "
                f"{n_columns(block)} columns. Choose the one of texts."
            )
        block = as_block(np.asarray(block)[:, 0], name)
    try:
        return method(block)
    except (ValueError, TypeError) as error:
        raise about(f"Modality {name!r}, {type(transformer).__name__}", error) from error
