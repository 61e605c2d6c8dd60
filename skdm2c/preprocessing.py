"""``PerModality``: apply a separate transformer to each modality."""

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
from .data.blocks import as_block, in_memory, is_table, n_columns, n_rows
from .data.messages import about, keyword


class PerModality(  # type: ignore[call-arg]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
    auto_wrap_output_keys=None,
):
    """Apply a separate transformer to each modality.

    Use it as the first step of a Pipeline that is fitted with
    ``pipe.fit(X_a, X_b)``: a plain StandardScaler there would transform only
    the first block.

    Parameters
    ----------
    **transformers : transformer, "passthrough" or None
        Transformer of each modality, by name of the modality. Modalities that
        are not named are passed through unchanged.

    Attributes
    ----------
    transformers_ : dict of str to transformer
        Fitted transformers, by name of the modality.

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
        """Get the transformers and their parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of the transformers, ``a__...`` for
            modality "a".

        Returns
        -------
        dict
            Parameter names mapped to their values.
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
            Transformers or parameters, by name.

        Returns
        -------
        PerModality
            This object.

        Raises
        ------
        ValueError
            If a parameter does not exist.
        """
        nested = {}
        for key, value in params.items():
            name, _, parameter = key.partition("__")
            if parameter:
                nested[name, parameter] = value
            else:
                self.transformers[name] = value
        for (name, parameter), value in nested.items():  # after new transformers are set
            if not hasattr(self.transformers.get(name), "set_params"):
                raise ValueError(
                    f"Invalid parameter {name + '__' + parameter!r}: there is no transformer for "
                    f"modality {name!r}."
                )
            self.transformers[name].set_params(**{parameter: value})
        return self

    def fit(self, X: Any, y: Any = None) -> PerModality:
        """Fit each transformer on the block of its modality.

        Parameters
        ----------
        X : MixedModalData, or block of shape (n_a, d_a)
            Rows of all modalities, or the first of two blocks.
        y : block of shape (n_b, d_b) or None
            Second block, if ``X`` is the first one.

        Returns
        -------
        PerModality
            This object, fitted.

        Raises
        ------
        ValueError
            If there is a transformer for an unknown modality, or a modality with
            a transformer has no rows.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> MixedModalData:
        """Fit each transformer and return the transformed rows.

        Parameters
        ----------
        X : MixedModalData, or block of shape (n_a, d_a)
            Rows of all modalities, or the first of two blocks.
        y : block of shape (n_b, d_b) or None
            Second block, if ``X`` is the first one.

        Returns
        -------
        MixedModalData
            Container with the same rows and the transformed blocks.

        Raises
        ------
        ValueError
            If there is a transformer for an unknown modality, or a modality with
            a transformer has no rows.
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
                    "instance of a transformer, which has a method transform for new rows."
                )
            if n_rows(data.blocks[name]) == 0:
                raise ValueError(f"Modality {name!r} has no rows to fit its transformer on.")
            fitted[name] = clone(transformer)
            blocks[name] = _apply(fitted[name].fit_transform, transformer, data, name)
        self.names_in_, self.transformers_ = data.names, fitted
        self._columns = dict(data.columns)
        self._input_names = {
            name: [*getattr(block, "columns", [f"x{i}" for i in range(n_columns(block))])]
            for name, block in data.blocks.items()
        }
        return data.with_blocks(blocks)

    def transform(self, X: Any, *, modality: str | None = None) -> MixedModalData:
        """Transform new rows.

        Parameters
        ----------
        X : MixedModalData, or a block if ``modality`` is given
            New rows. Modalities may be absent.
        modality : str, default=None
            Name of the modality of a plain block.

        Returns
        -------
        MixedModalData
            Container with the same rows and the transformed blocks.

        Raises
        ------
        ValueError
            If ``X`` is a plain block and ``modality`` is None, or if an AnnData has
            other variables than in ``fit``.
        """
        check_is_fitted(self)
        data = as_known_modalities(X, self.names_in_, modality=modality)
        for name, columns in data.columns.items():
            fitted = self._columns[name]
            if columns is not None and fitted is not None and not np.array_equal(columns, fitted):
                raise ValueError(
                    f"Modality {name!r}: the variables are not those in fit, or are in another "
                    "order. Select those in fit, in their order, for example with adata[:, names]."
                )
        return data.with_blocks(
            {
                name: _apply(transformer.transform, transformer, data, name)
                for name, transformer in self.transformers_.items()
                if n_rows(data.blocks[name]) > 0
            }
        )

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Get the names of all transformed columns, prefixed by modality (``a__word``).

        Parameters
        ----------
        input_features : object
            Ignored. Exists for compatibility with scikit-learn.

        Returns
        -------
        ndarray of str
            Names of the columns of all modalities, in the order of the modalities.
        """
        check_is_fitted(self)
        return np.array(
            [
                f"{name}__{feature}"
                for name in self.names_in_
                for feature in (
                    self.transformers_[name].get_feature_names_out()
                    if name in self.transformers_
                    else self._input_names[name]
                )
            ],
            dtype=object,
        )

    def set_output(self, *, transform: str | None = None) -> PerModality:
        """Set the output container of all transformers.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            Form of the transformed blocks. None leaves it unchanged.

        Returns
        -------
        PerModality
            This object.
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
    if tags.string and not tags.two_d_array and is_table(block):
        # Text vectorisers iterate over their input: a frame yields the names of its columns, and
        # an array its rows.
        if n_columns(block) != 1:
            raise ValueError(
                f"Modality {name!r}: {type(transformer).__name__} takes texts, and the block has "
                f"{n_columns(block)} columns. Pass only the column of texts."
            )
        block = as_block(np.asarray(block)[:, 0], name)
    try:
        return method(block)
    except Exception as error:
        raise about(f"Modality {name!r}, {type(transformer).__name__}", error) from error
