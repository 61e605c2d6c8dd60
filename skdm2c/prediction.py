"""What a fitted model does with new rows: transform, predict, translate, score."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .clustering import Clusters
from .data import MixedModalData, as_known_modalities, modality_index
from .data.blocks import n_columns, n_rows
from .fitting import require_all_modalities
from .inputs import FloatRows, ModalityInput
from .parameters import ModelParameters
from .scoring import label_free_score
from .system import CrossModalSystem
from .training import apply_in_chunks


class FittedModel(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    ModelParameters,
):
    """The methods of :class:`skdm2c.MixedModalClustering` that need a fitted model."""

    modality_names_: tuple[str, ...]
    n_features_per_modality_: dict[str, int]
    cluster_centers_: FloatRows
    _clusters: Clusters
    _inputs: list[ModalityInput]
    _system: CrossModalSystem

    def transform(self, X: Any, X_b: Any = None, *, modality: str | int | None = None) -> FloatRows:
        """Map rows into the unified space.

        Parameters
        ----------
        X : MixedModalData or block of shape (n_a, d_a)
        X_b : block of shape (n_b, d_b), default=None
            The second modality's rows, where ``X`` is the first's.
        modality : str or int, default=None
            The modality of ``X``, where it is the only block.

        Returns
        -------
        ndarray of shape (n, n_components)

        Raises
        ------
        ValueError
            If a block is no good, or of an unknown modality.
        """
        check_is_fitted(self)
        if not isinstance(X, MixedModalData):
            # Once more as a container, for set_output: a frame of A cannot index rows of A and B.
            data = as_known_modalities(X, self.modality_names_, X_b, modality)
            embedding: FloatRows = self.transform(data)
            return embedding
        return self._embedding_of(as_known_modalities(X, self.modality_names_, X_b, modality))

    def predict(
        self, X: Any, X_b: Any = None, *, modality: str | int | None = None
    ) -> NDArray[np.int32]:
        """Assign rows to the likeliest cluster, or the nearest (``assignment="kmeans"``).

        Parameters
        ----------
        X : MixedModalData or block of shape (n_a, d_a)
        X_b : block of shape (n_b, d_b), default=None
            The second modality's rows, where ``X`` is the first's.
        modality : str or int, default=None
            The modality of ``X``, where it is the only block.

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        ValueError
            If a block is no good, or of an unknown modality.
        """
        check_is_fitted(self)
        data = as_known_modalities(X, self.modality_names_, X_b, modality)
        return self._clusters.assign(self._embedding_of(data))

    def translate(self, X: Any, source: str | int, target: str | int) -> NDArray[np.float64]:
        """Rows of one modality in the features of another: Enc, G, Dec.

        Parameters
        ----------
        X : block of shape (n, d_source)
        source, target : str or int
            Modalities by name or number.

        Returns
        -------
        ndarray of shape (n, d_target)
            In the units of the target's columns.

        Raises
        ------
        ValueError
            If the block is no good, or a modality unknown.
        """
        check_is_fitted(self)
        s, t = (modality_index(m, self.modality_names_) for m in (source, target))
        data = as_known_modalities(X, self.modality_names_, modality=s)
        rows = self._checked_rows(data)[s]
        translated = apply_in_chunks(
            lambda x: self._system.translate(x, s, t), rows, self._system.device
        )
        return self._inputs[t].inverse_transform(translated)

    def score(self, X: Any, y: Any = None) -> float:
        """How good the clustering of ``X`` looks without labels; higher is better.

        The mean silhouette of the predicted clusters in each modality's own data, every
        cluster counting alike, less the share of the modality's entropy that clusters
        tell (0 where every cluster holds the modalities alike, 1 where clusters are
        modalities).

        Parameters
        ----------
        X : MixedModalData
            With rows of every modality.
        y : ignored
            1-D, as scikit-learn passes labels.

        Returns
        -------
        float
            Between -2, for a clustering that puts all rows into one cluster, and 1.

        Raises
        ------
        ValueError
            If rows of a modality are lacking, or ``y`` is a second block.
        """
        check_is_fitted(self)
        if not isinstance(X, MixedModalData) or (y is not None and len(np.shape(y)) == 2):
            raise ValueError(
                "score takes both blocks in one container, score(MixedModalData(X_a, X_b)): "
                "in a Pipeline a second block would skip the preprocessing."
            )
        data = as_known_modalities(X, self.modality_names_)
        require_all_modalities(data, at_least=1)
        rows = self._checked_rows(data)
        labels = self.predict(data)
        return label_free_score(rows, [labels[data.codes == m] for m in range(len(rows))])

    @property
    def _n_features_out(self) -> int:
        return int(self.cluster_centers_.shape[1])

    def _checked_rows(self, data: MixedModalData) -> list[FloatRows]:
        # Standardised rows of each modality; none for one not seen here.
        widths = self.n_features_per_modality_
        rows = []
        for door, (name, block) in zip(self._inputs, data.blocks.items(), strict=True):
            if n_rows(block) == 0:
                rows.append(np.empty((0, widths[name]), dtype=np.float32))
                continue
            fits = [other for other, width in widths.items() if width == n_columns(block)]
            try:
                rows.append(door.transform(block))
            except ValueError as error:
                if name in fits or not fits or isinstance(block, list):
                    raise
                raise ValueError(
                    f"{error} Modality {fits[0]!r} has {n_columns(block)}: are the blocks "
                    "swapped, or is modality= the wrong one?"
                ) from error
        return rows

    def _embedding_of(self, data: MixedModalData) -> FloatRows:
        embedding = embed(self._system, self._checked_rows(data), data.codes)
        if not np.isfinite(embedding).all():
            row = int(np.argwhere(~np.isfinite(embedding))[0, 0])
            name = data.names[data.codes[row]]
            raise ValueError(
                f"Modality {name!r}: row {data.positions[row]} has values so far from those in "
                "fit that the networks overflow. Check its units."
            )
        return embedding


def embed(system: CrossModalSystem, rows: list[FloatRows], codes: NDArray[np.intp]) -> FloatRows:
    """Rows of all modalities in the unified space, in the order of ``codes``.

    Parameters
    ----------
    system : CrossModalSystem
    rows : list of ndarray, the m-th of shape (n_m, d_m)
    codes : ndarray of shape (n,)
        Each row's modality.

    Returns
    -------
    ndarray of shape (n, n_components)
    """
    embedding = np.empty((len(codes), system.architecture.n_components), dtype=np.float32)
    for m, x in enumerate(rows):
        if len(x):
            unify = partial(system.unify, modality=m)
            embedding[codes == m] = apply_in_chunks(unify, x, system.device)
    return embedding
