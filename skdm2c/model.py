"""Fitted model, which maps rows to embeddings, clusters and translations."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor

from ._version import __version__
from .alignment import Alignment, Matching, SpokeMatching
from .clustering.familiarity import Familiarity
from .clustering.mixture import Clusters
from .clustering.scoring import ClusterProfile, label_free_score, profile
from .data import MixedModalData
from .data.blocks import n_columns, n_rows
from .data.pairs import NumberedPairs, instances
from .data.rows import FloatRows, Matrix, Rows
from .data.scaling import ModalityScaler
from .networks import CrossModalSystem, apply_in_chunks
from .networks.system import system_from_arrays, system_to_arrays

FORMAT = 2  # of pickled models; to be increased whenever it changes


@dataclass(frozen=True)
class FittedModel:
    """Everything that a fit has learned, independent of the estimator.

    Modalities are numbered in the order of ``names``.
    """

    names: tuple[str, ...]
    scalers: tuple[ModalityScaler, ...]
    system: CrossModalSystem  # trained, in evaluation mode
    clusters: Clusters  # in the unified space, the hub's latent space
    alignments: dict[int, Alignment]  # of each spoke's clusters with the hub's; may be empty
    profiles: tuple[ClusterProfile, ...]  # of the clusters in each modality's fitted rows
    temperatures: tuple[float, ...]  # of the responsibilities of each modality's rows
    familiarities: tuple[Familiarity, ...]  # of the rows of each modality with those of the fit

    @property
    def hub(self) -> int:
        """Number of the modality in whose latent space all others are embedded."""
        return self.system.hub

    @property
    def confidence(self) -> float:
        """Confidence of the least certain spoke; 0 if nothing was aligned."""
        return min((alignment.confidence for alignment in self.alignments.values()), default=0.0)

    @property
    def p_value(self) -> float:
        """P-value of the least certain spoke; 1 if nothing was aligned."""
        return max((alignment.p_value for alignment in self.alignments.values()), default=1.0)

    @property
    def matching(self) -> Matching:
        """Matching of each spoke with the hub, numbered like the labels."""
        spokes = {
            self.names[m]: SpokeMatching.of(alignment) for m, alignment in self.alignments.items()
        }
        return Matching(self.names[self.hub], spokes)

    @property
    def cluster_confidence(self) -> NDArray[np.float64]:
        """Confidence of each cluster in its least certain spoke; 0 if nothing was aligned."""
        confidences = [spoke.cluster_confidence for spoke in self.matching.values()]
        return np.min(confidences, axis=0) if confidences else np.zeros(len(self.clusters.means))

    def to(self, device: torch.device) -> FittedModel:
        """Return this model if it is on the device, or else a copy with its networks there."""
        if device == self.system.device:
            return self
        return replace(self, system=deepcopy(self.system).to(device))

    def scale(self, data: MixedModalData) -> list[Rows]:
        """Check and scale the rows of each modality; the m-th result has shape (n_m, d_m).

        ``data`` must have this model's modalities, which may be empty. Raise ValueError if a
        block is not valid, or its columns are not those of the fit.
        """
        widths = {scaler.name: scaler.n_features_in_ for scaler in self.scalers}
        rows: list[Rows] = []
        for scaler, (name, block) in zip(self.scalers, data.blocks.items(), strict=True):
            if n_rows(block) == 0:
                rows.append(np.empty((0, widths[name]), dtype=np.float32))
                continue
            same_width = [other for other, width in widths.items() if width == n_columns(block)]
            try:
                rows.append(scaler.transform(block, data.columns[name]))
            except ValueError as error:
                if name in same_width or not same_width or isinstance(block, list):
                    raise
                raise ValueError(
                    f"{error} Modality {same_width[0]!r} has {n_columns(block)}: are the blocks "
                    "swapped, or is modality= the wrong one?"
                ) from error
        return rows

    def embed(self, data: MixedModalData) -> FloatRows:
        """Map n rows into the unified space, as an array of shape (n, n_components).

        Raise ValueError as ``scale`` does, or if a row is too far from those of the fit.
        """
        return self._embed_scaled(data, self.scale(data))

    def _embed_scaled(self, data: MixedModalData, rows: list[Rows]) -> FloatRows:
        embedding = unify(self.system, rows, data.codes)
        for m in range(len(self.names)):
            self._require_finite(embedding[data.codes == m], m)
        return embedding

    def _require_finite(self, values: Matrix | FloatRows, modality: int) -> None:
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            raise ValueError(
                f"Modality {self.names[modality]!r}: row {np.flatnonzero(~finite)[0]} has values "
                "so far from those in fit that the networks overflow. Check its units."
            )

    def responsibilities(self, data: MixedModalData) -> NDArray[np.float64]:
        """Return the probability of each cluster for n rows, of shape (n, n_clusters).

        Paired rows get the probabilities of their instance. Those of rows unlike any of the fit
        are averaged with equal probabilities.
        """
        rows = self.scale(data)
        embedding = self._embed_scaled(data, rows)
        responsibilities = self.embedded_responsibilities(embedding, data.codes)
        weights = self._of_each_modality(Familiarity.weights, rows, embedding, data.codes)
        pairs = data.numbered_pairs
        if pairs:
            instance = instances(pairs, data.codes)
            responsibilities = of_instances(responsibilities, instance)
            highest = np.zeros(len(weights))
            np.maximum.at(highest, instance, weights)
            weights = highest[instance]
        return averaged_with_equal(responsibilities, weights)

    def familiarity_scores(self, data: MixedModalData) -> NDArray[np.float64]:
        """Return how usual each of n rows is, of shape (n,); see ``clustering.familiarity``."""
        rows = self.scale(data)
        embedding = self._embed_scaled(data, rows)
        return self._of_each_modality(Familiarity.scores, rows, embedding, data.codes)

    def _of_each_modality(
        self,
        measure: Callable[[Familiarity, Matrix, FloatRows], NDArray[np.floating]],
        rows: list[Rows],
        embedding: FloatRows,
        codes: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        measured = np.empty(len(codes))
        for m, (x, familiarity) in enumerate(zip(rows, self.familiarities, strict=True)):
            density = self.clusters.log_density(embedding[codes == m])
            errors = reconstruction_errors(self.system, x, m)
            measured[codes == m] = measure(familiarity, density, errors)
        return measured

    def assign(
        self, embedding: FloatRows, codes: NDArray[np.intp], pairs: NumberedPairs
    ) -> NDArray[np.int32]:
        """Return the most likely cluster of each of n embedded rows, of shape (n,).

        ``codes``, of shape (n,), holds the modality of each row. Rows in ``pairs`` get the most
        likely cluster of their instance.
        """
        labels = np.empty(len(embedding), dtype=np.int32)
        for m, temperature in enumerate(self.temperatures):
            labels[codes == m] = self.clusters.assign(embedding[codes == m], temperature)
        if pairs:
            instance = instances(pairs, codes)
            paired = np.flatnonzero(np.bincount(instance)[instance] > 1)
            responsibilities = self.embedded_responsibilities(embedding[paired], codes[paired])
            labels[paired] = of_instances(responsibilities, instance[paired]).argmax(axis=1)
        return labels

    def embedded_responsibilities(
        self, embedding: FloatRows, codes: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return the probability of each cluster for n embedded rows, of shape (n, n_clusters).

        ``codes``, of shape (n,), holds the modality of each row. Pairs are ignored.
        """
        by_modality = [
            self.clusters.responsibilities(embedding[codes == m], temperature)
            for m, temperature in enumerate(self.temperatures)
        ]
        return in_order_given(by_modality, codes)

    def score(self, data: MixedModalData) -> float:
        """Score the clusters of rows without labels; see :mod:`skdm2c.clustering.scoring`.

        Modalities may be empty. Raise ValueError as ``embed`` does, or if none has two rows.
        """
        rows = self.scale(data)
        labels = self.assign(self._embed_scaled(data, rows), data.codes, {})
        profiles = {
            m: profile(x, labels[data.codes == m], len(self.clusters.means))
            for m, x in enumerate(rows)
            if len(x) > 1  # one row has no neighbours
        }
        if not profiles:
            raise ValueError("score needs at least two rows of a modality.")
        return label_free_score(profiles, self.profiles)

    def translate(self, data: MixedModalData, source: int, target: int) -> NDArray[np.float64]:
        """Translate the rows of one modality into the features and units of another.

        The result has shape (n_source, d_target). Raise ValueError as ``embed`` does.
        """
        rows = self.scale(data)[source]
        translate = partial(self.system.translate, source=source, target=target)
        scaled = apply_in_chunks(translate, rows, self.system.device)
        self._require_finite(scaled, source)
        with np.errstate(over="ignore", invalid="ignore"):  # reported below, with the row
            translated = self.scalers[target].inverse_transform(scaled)
        overflows = ~np.isfinite(translated).all(axis=1)
        if overflows.any():
            raise ValueError(
                f"Modality {self.names[target]!r}: the translation of row "
                f"{np.flatnonzero(overflows)[0]} of {self.names[source]!r} overflows in its units, "
                "as its columns had values near the largest float in fit. Rescale them."
            )
        return translated

    def __getstate__(self) -> dict[str, Any]:
        state = {"format": FORMAT, "version": __version__, **self.__dict__}
        return state | {"system": system_to_arrays(self.system)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        fields = dict(state)
        format_, version = fields.pop("format", None), fields.pop("version", "of unknown version")
        if format_ != FORMAT:
            raise ValueError(
                f"This model was pickled by skdm2c {version}, in the format {format_!r}; skdm2c "
                f"{__version__} reads the format {FORMAT}. Load it with the version that saved "
                "it, or fit anew."
            )
        self.__dict__.update(fields, system=system_from_arrays(fields["system"]))


def in_order_given(parts: list[Matrix], codes: NDArray[np.intp]) -> Matrix:
    """Merge results of each modality, the m-th of shape (n_m, c), in the order of ``codes``.

    ``codes``, of shape (n,), holds the modality of each row; the result has shape (n, c).

    Examples
    --------
    >>> in_order_given([np.array([[1.0], [2.0]]), np.array([[9.0]])], np.array([0, 1, 0]))
    array([[1.],
           [9.],
           [2.]])
    """
    merged = np.empty((len(codes), parts[0].shape[1]))
    for m, part in enumerate(parts):
        merged[codes == m] = part
    return merged


def of_instances(responsibilities: Matrix, instances: NDArray[np.intp]) -> Matrix:
    """Combine the probabilities of rows, of shape (n, k), that belong to the same instance.

    ``instances``, of shape (n,), numbers the instance of each row. Its rows get their normalised
    product, as of independent observations; an instance's only row stays exactly as it is.

    Examples
    --------
    >>> responsibilities = np.array([[0.8, 0.2], [0.5, 0.5], [0.3, 0.7]])
    >>> of_instances(responsibilities, np.array([0, 1, 0])).round(2)
    array([[0.63, 0.37],
           [0.5 , 0.5 ],
           [0.63, 0.37]])
    """
    _, numbers, counts = np.unique(instances, return_inverse=True, return_counts=True)
    log = np.log(np.maximum(responsibilities, np.finfo(float).tiny))
    log_products = np.zeros((len(counts), responsibilities.shape[1]))
    np.add.at(log_products, numbers, log)
    combined: Matrix = softmax(log_products, axis=1)[numbers]
    return np.where(counts[numbers, None] > 1, combined, responsibilities)


def averaged_with_equal(probabilities: Matrix, weights: NDArray[np.float64]) -> Matrix:
    """Average probabilities of n rows and k clusters with 1 / k, which has the weight 1 - weights.

    Examples
    --------
    >>> averaged_with_equal(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1.0, 0.5]))
    array([[1.  , 0.  ],
           [0.75, 0.25]])
    """
    every, best = np.arange(len(probabilities)), probabilities.argmax(axis=1)
    averaged: Matrix = weights[:, None] * probabilities
    averaged += (1 - weights[:, None]) / probabilities.shape[1]
    # Rounding may have made a smaller probability equal to the largest.
    tied = averaged.argmax(axis=1) != best
    averaged[every[tied], best[tied]] = np.nextafter(averaged[tied].max(axis=1), 1)
    return averaged


def reconstruction_errors(system: CrossModalSystem, rows: Rows, modality: int) -> FloatRows:
    """Return the mean squared error of each of n scaled rows' reconstruction, of shape (n,)."""

    def errors(x: Tensor) -> Tensor:
        return (system.decode(system.encode(x, modality), modality) - x).square().mean(1, True)

    return apply_in_chunks(errors, rows, system.device)[:, 0]


def unify(system: CrossModalSystem, rows: list[Rows], codes: NDArray[np.intp]) -> FloatRows:
    """Map the scaled rows of each modality into the unified space, in the order of ``codes``.

    ``codes``, of shape (n,), holds the modality of each row; the result has shape
    (n, n_components).
    """
    embedding = np.empty((len(codes), system.architecture.n_components), dtype=np.float32)
    for m, x in enumerate(rows):
        if len(x):
            encode = partial(system.unify, modality=m)
            embedding[codes == m] = apply_in_chunks(encode, x, system.device)
    return embedding
