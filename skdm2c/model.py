"""A fitted model as a value: rows in, embeddings, clusters and translations out."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from ._version import __version__
from .alignment import Alignment, Matching, SpokeMatching
from .clustering.mixture import Clusters
from .clustering.scoring import ClusterProfile, label_free_score, profile
from .data import MixedModalData
from .data.blocks import n_columns, n_rows
from .data.pairs import NumberedPairs, instances
from .data.rows import FloatRows, Matrix, Rows
from .data.scaling import ModalityScaler
from .networks import CrossModalSystem, apply_in_chunks
from .networks.system import system_from_arrays, system_to_arrays

FORMAT = 1  # of a pickled model; it grows when that changes


@dataclass(frozen=True)
class FittedModel:
    """All that was learned; it knows no estimator.

    Modalities are numbered in the order of ``names``.

    Attributes
    ----------
    names : tuple of str
    scalers : tuple of ModalityScaler
        What checks and scales each modality's rows.
    system : CrossModalSystem
        Trained, in evaluation mode.
    clusters : Clusters
        In the hub's latent space.
    alignments : dict of int to Alignment
        Of each spoke's own clusters with the hub's; empty where nothing was aligned.
    profiles : tuple of ClusterProfile
        Of the clusters in each modality's rows in the fit.
    temperatures : tuple of float
        Of each modality's probabilities.
    """

    names: tuple[str, ...]
    scalers: tuple[ModalityScaler, ...]
    system: CrossModalSystem
    clusters: Clusters
    alignments: dict[int, Alignment]
    profiles: tuple[ClusterProfile, ...]
    temperatures: tuple[float, ...]

    @property
    def hub(self) -> int:
        """The modality all others are unified to."""
        return self.system.hub

    @property
    def confidence(self) -> float:
        """That of the worst spoke; 0 where nothing was aligned."""
        return min((found.confidence for found in self.alignments.values()), default=0.0)

    @property
    def p_value(self) -> float:
        """That of the worst spoke; 1 where nothing was aligned."""
        return max((found.p_value for found in self.alignments.values()), default=1.0)

    @property
    def matching(self) -> Matching:
        """The matching of each spoke with the hub, in the numbers that labels have."""
        spokes = {self.names[m]: SpokeMatching.of(found) for m, found in self.alignments.items()}
        return Matching(self.names[self.hub], spokes)

    @property
    def cluster_confidence(self) -> NDArray[np.float64]:
        """That of each cluster, by its worst spoke; 0 where nothing was aligned."""
        found = [spoke.cluster_confidence for spoke in self.matching.values()]
        return np.min(found, axis=0) if found else np.zeros(len(self.clusters.means))

    def to(self, device: torch.device) -> FittedModel:
        """Return the same model with its networks on another device; this one stays where it is."""
        if device == self.system.device:
            return self
        return replace(self, system=deepcopy(self.system).to(device))

    def scale(self, data: MixedModalData) -> list[Rows]:
        """Check rows and bring them to the networks' scale, a modality at a time.

        Parameters
        ----------
        data : MixedModalData
            With this model's modalities; one may have no rows.

        Returns
        -------
        list of Rows, the m-th of shape (n_m, d_m)

        Raises
        ------
        ValueError
            If a block is no good, or its columns are not those fitted.
        """
        widths = {scaler.name: scaler.n_features_in_ for scaler in self.scalers}
        rows: list[Rows] = []
        for scaler, (name, block) in zip(self.scalers, data.blocks.items(), strict=True):
            if n_rows(block) == 0:
                rows.append(np.empty((0, widths[name]), dtype=np.float32))
                continue
            fits = [other for other, width in widths.items() if width == n_columns(block)]
            try:
                rows.append(scaler.transform(block, data.columns[name]))
            except ValueError as error:
                if name in fits or not fits or isinstance(block, list):
                    raise
                raise ValueError(
                    f"{error} Modality {fits[0]!r} has {n_columns(block)}: are the blocks "
                    "swapped, or is modality= the wrong one?"
                ) from error
        return rows

    def embed(self, data: MixedModalData) -> FloatRows:
        """Map rows into the unified space.

        Parameters
        ----------
        data : MixedModalData
            With this model's modalities.

        Returns
        -------
        ndarray of shape (n, n_components)
            In the order of the rows.

        Raises
        ------
        ValueError
            If a block is no good, or a row so far from those in fit that it cannot be mapped.
        """
        return self._embed_scaled(data, self.scale(data))

    def _embed_scaled(self, data: MixedModalData, rows: list[Rows]) -> FloatRows:
        embedding = unify(self.system, rows, data.codes)
        for m in range(len(self.names)):
            self._require_finite(embedding[data.codes == m], m)
        return embedding

    def _require_finite(self, found: Matrix | FloatRows, modality: int) -> None:
        finite = np.isfinite(found).all(axis=1)
        if not finite.all():
            raise ValueError(
                f"Modality {self.names[modality]!r}: row {np.flatnonzero(~finite)[0]} has values "
                "so far from those in fit that the networks overflow. Check its units."
            )

    def responsibilities(self, data: MixedModalData) -> NDArray[np.float64]:
        """Probability of each cluster for each row.

        Parameters
        ----------
        data : MixedModalData
            With this model's modalities.

        Returns
        -------
        ndarray of shape (n, n_clusters)
        """
        responsibilities = self.embedded_responsibilities(self.embed(data), data.codes)
        pairs = data.numbered_pairs
        return (
            of_instances(responsibilities, instances(pairs, data.codes))
            if pairs
            else responsibilities
        )

    def assign(
        self, embedding: FloatRows, codes: NDArray[np.intp], pairs: NumberedPairs
    ) -> NDArray[np.int32]:
        """Likeliest cluster of rows that were mapped already; of an instance, if rows are of one.

        Parameters
        ----------
        embedding : ndarray of shape (n, n_components)
        codes : ndarray of shape (n,)
            Each row's modality.
        pairs : dict of (int, int) to ndarray of shape (m, 2)

        Returns
        -------
        ndarray of shape (n,)
        """
        labels = self.clusters.assign(embedding)
        if pairs:
            of = instances(pairs, codes)
            paired = np.flatnonzero(np.bincount(of)[of] > 1)
            responsibilities = self.embedded_responsibilities(embedding[paired], codes[paired])
            labels[paired] = of_instances(responsibilities, of[paired]).argmax(axis=1)
        return labels

    def embedded_responsibilities(
        self, embedding: FloatRows, codes: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Probability of each cluster for rows that were mapped already, each by itself.

        Parameters
        ----------
        embedding : ndarray of shape (n, n_components)
        codes : ndarray of shape (n,)
            Each row's modality.

        Returns
        -------
        ndarray of shape (n, n_clusters)
        """
        parts = [
            self.clusters.responsibilities(embedding[codes == m], temperature)
            for m, temperature in enumerate(self.temperatures)
        ]
        return in_order_given(parts, codes)

    def score(self, data: MixedModalData) -> float:
        """How good the clusters of rows look without labels; see :mod:`skdm2c.clustering.scoring`.

        Parameters
        ----------
        data : MixedModalData
            With this model's modalities; some may have no rows.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            As ``embed``; and if no modality has two rows.
        """
        rows = self.scale(data)
        labels = self.clusters.assign(self._embed_scaled(data, rows))
        found = {
            m: profile(x, labels[data.codes == m], len(self.clusters.means))
            for m, x in enumerate(rows)
            if len(x) > 1  # one row has no neighbours
        }
        if not found:
            raise ValueError("score needs at least two rows of a modality.")
        return label_free_score(found, self.profiles)

    def translate(self, data: MixedModalData, source: int, target: int) -> NDArray[np.float64]:
        """Rows of one modality in the features of another: Enc, G, Dec.

        Parameters
        ----------
        data : MixedModalData
        source, target : int

        Returns
        -------
        ndarray of shape (n_source, d_target)
            In the units of the target's columns.

        Raises
        ------
        ValueError
            As ``embed``.
        """
        rows = self.scale(data)[source]
        through = partial(self.system.translate, source=source, target=target)
        with np.errstate(over="ignore", invalid="ignore"):  # told below, with the row
            translated = self.scalers[target].inverse_transform(
                apply_in_chunks(through, rows, self.system.device)
            )
        self._require_finite(translated, source)
        return translated

    def __getstate__(self) -> dict[str, Any]:
        kept = {"format": FORMAT, "version": __version__, **self.__dict__}
        return kept | {"system": system_to_arrays(self.system)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = dict(state)
        found, version = kept.pop("format", None), kept.pop("version", "of unknown version")
        if found != FORMAT:
            raise ValueError(
                f"This model was pickled by skdm2c {version}, in the format {found!r}; skdm2c "
                f"{__version__} reads the format {FORMAT}. Load it with the version that saved "
                "it, or fit anew."
            )
        self.__dict__.update(kept, system=system_from_arrays(kept["system"]))


def in_order_given(parts: list[Matrix], codes: NDArray[np.intp]) -> Matrix:
    """Put what was worked out a modality at a time into the order of the rows.

    Parameters
    ----------
    parts : list of ndarray, the m-th of shape (n_m, c)
    codes : ndarray of shape (n,)
        Each row's modality.

    Returns
    -------
    ndarray of shape (n, c)

    Examples
    --------
    >>> in_order_given([np.array([[1.0], [2.0]]), np.array([[9.0]])], np.array([0, 1, 0]))
    array([[1.],
           [9.],
           [2.]])
    """
    whole = np.empty((len(codes), parts[0].shape[1]))
    for m, part in enumerate(parts):
        whole[codes == m] = part
    return whole


def of_instances(responsibilities: Matrix, instances: NDArray[np.intp]) -> Matrix:
    """Probabilities of instances, by all the rows that each was seen in.

    Parameters
    ----------
    responsibilities : ndarray of shape (n, k)
        Probability of each cluster for each row by itself.
    instances : ndarray of int of shape (n,)
        Which instance each row is of.

    Returns
    -------
    ndarray of shape (n, k)
        Those of a row alone of its kind as they were; of others the product over the rows of
        the instance, as of what is seen independently, scaled to sum to one.

    Examples
    --------
    >>> responsibilities = np.array([[0.8, 0.2], [0.5, 0.5], [0.3, 0.7]])
    >>> of_instances(responsibilities, np.array([0, 1, 0])).round(2)
    array([[0.63, 0.37],
           [0.5 , 0.5 ],
           [0.63, 0.37]])
    """
    _, which, size = np.unique(instances, return_inverse=True, return_counts=True)
    log = np.log(np.maximum(responsibilities, np.finfo(float).tiny))
    total = np.zeros((len(size), responsibilities.shape[1]))
    np.add.at(total, which, log)
    together: Matrix = softmax(total, axis=1)[which]
    return np.where(size[which, None] > 1, together, responsibilities)


def unify(system: CrossModalSystem, rows: list[Rows], codes: NDArray[np.intp]) -> FloatRows:
    """Scaled rows of all modalities in the unified space, in the order of ``codes``.

    Parameters
    ----------
    system : CrossModalSystem
    rows : list of Rows, the m-th of shape (n_m, d_m)
    codes : ndarray of shape (n,)
        Each row's modality.

    Returns
    -------
    ndarray of shape (n, n_components)
    """
    embedding = np.empty((len(codes), system.architecture.n_components), dtype=np.float32)
    for m, x in enumerate(rows):
        if len(x):
            through = partial(system.unify, modality=m)
            embedding[codes == m] = apply_in_chunks(through, x, system.device)
    return embedding
