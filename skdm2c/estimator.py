"""``MixedModalClustering``: validate, pretrain, align, train, unify, cluster."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClusterMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ._callbacks import CallbackSupportMixin, EpochTasks
from ._device import resolve_device
from ._persistence import PersistentSystem
from .clustering import fit_kmeans, fit_mixture
from .data import as_mixed_modal, modality_index
from .exceptions import AlignmentWarning
from .fitting import check_data, train_system
from .hub import best_separated
from .inputs import FloatRows
from .prediction import FittedModel, embed
from .system import CrossModalSystem
from .training import TrainingHistory

LOW_CONFIDENCE = 0.35


class MixedModalClustering(
    PersistentSystem,
    CallbackSupportMixin,  # type: ignore[misc]
    ClusterMixin,  # type: ignore[misc]
    FittedModel,
):
    """Cluster instances that were each seen in one modality only, without pairs or labels.

    Every modality learns a latent space with an auto-encoder; generators map the
    latents of each modality into the space of one of them, the *hub*; all rows are
    clustered there by k-means.

    Parameters
    ----------
    n_clusters : int, default=8
        Clusters over all modalities.
    unify_to : "auto", str or int, default="auto"
        The hub, by name or number. "auto" takes the modality whose own k-means
        clusters have the highest silhouette.
    alignment : {"geometry", None}, default="geometry"
        How the generators start: from a coupling of the modalities by the geometry
        they share, or (None, the paper) at random.
    standardize : "auto" or bool, default="auto"
        True brings every column to mean 0 and variance 1 inside. "auto" does so too,
        but leaves component scores (columns uncorrelated and sorted by spread, as PCA
        and SVD give them) their spreads and divides them by one number; which it was is
        in ``scaling_``.
    n_components : int, default=32
        Width of the latent spaces.
    autoencoder_hidden_sizes, generator_hidden_sizes : sequence of int
        Hidden widths on the way in; mirrored on the way out.
    discriminator_hidden_sizes : sequence of int
    normalization : {"batch", "layer", "none"}, default="layer"
        What follows the activations of auto-encoders and generators.
    lambda_neighbors : float, default=1.0
        Weight of the neighbourhood term beside equation (1) in pretraining: rows that
        are neighbours in a modality stay so in its latent space. 0 is the paper.
    n_neighbors : int, default=15
        Of each row; fewer where a modality has fewer than 8 times as many rows.
    negative_weight : float, default=5.0
        How strongly rows that are no neighbours repel each other.
    input_noise : float, default=0.5
        Standard deviation of the noise added to rows in pretraining, in units of
        their spread.
    pretrain_epochs, alignment_epochs, adversarial_epochs : int
        Lengths of the three phases; 0 leaves one out.
    batch_size : int, default=256
        Rows of a modality in pretraining, of all together afterwards.
    pretrain_learning_rate : float or sequence of float, default=1e-3
        For pretraining, one for all or one a modality (and the greatest of them
        for the alignment phase); Adam.
    pretrain_weight_decay : float, default=0.0
    learning_rate_schedule : {"linear", "constant"}, default="linear"
        For pretraining and the alignment phase: "linear" is constant for the first half
        and falls to a hundredth in the second.
    autoencoder_learning_rate, generator_learning_rate, discriminator_learning_rate : float
        For the adversarial phase.
    weight_decay : float, default=0.0
        In the adversarial phase.
    optimizer : {"adam", "rmsprop"}, default="adam"
        Of the adversarial phase.
    generator_steps, discriminator_steps : int, default=1
        After so many steps of generators and auto-encoders the discriminators make
        so many.
    adversarial_loss : {"wasserstein", "gan"}, default="wasserstein"
        Equation (3), or the cross-entropy of a plain GAN.
    lipschitz : {"clip", "gradient_penalty", "spectral_norm", None}, default="spectral_norm"
        What keeps the discriminators smooth.
    clip_value : float, default=0.05
        Bound on the discriminators' weights, for "clip".
    gradient_penalty_weight : float, default=10.0
        For "gradient_penalty".
    lambda_cycle : float, default=1.0
        λ₁, weight of equation (2).
    lambda_reconstruction : float, default=1.0
        λ₂, weight of equation (1) in the adversarial phase.
    lambda_adversarial : float, default=0.1
        Weight of equation (3).
    lambda_cycle_reconstruction : float, default=0.0
        Weight of the reconstruction of rows from cycled latents, which the paper's
        code has and its print has not.
    assignment : {"mixture", "kmeans"}, default="mixture"
        How rows of the unified space become clusters: by a mixture of Gaussians of one
        covariance, or by k-means (the paper).
    kmeans_n_init : int, default=10
        Restarts of k-means, which a mixture starts from too.
    device : str, default="auto"
        "auto" takes cuda, then mps, then cpu.
    verbose : int, default=0
        1 prints a few lines a phase, 2 every epoch.
    random_state : int, RandomState or None, default=None
        With an int the same fit on the same machine, whatever the number of threads;
        None draws anew each time. NumPy's global generator is never used.

    Attributes
    ----------
    labels_ : ndarray of shape (n,)
        Cluster of each row, in the order of the rows given (A's first).
    cluster_centers_ : ndarray of shape (n_clusters, n_components)
        Means of the rows of each cluster, by their share in it.
    embedding_ : ndarray of shape (n, n_components)
        The rows in the unified space.
    modality_ : ndarray of shape (n,) of str
    modality_names_ : tuple of str
    unified_modality_ : str
        The hub.
    alignment_confidence_ : float
        In [0, 1]: how far to trust clusters *across* modalities. With more than two
        modalities that of the worst spoke. 0.0 where ``alignment=None`` or
        ``alignment_epochs=0``, as nothing was tested.
    history_ : list of dict
        One record an epoch and phase.
    n_iter_ : int
        Epochs of all phases together.
    scaling_ : dict of str to {"columns", "block", "none"}
        What each modality was divided by: a number a column, one for all, nothing.
    n_features_per_modality_ : dict of str to int
    n_features_in_ : int
        Their sum.
    autoencoders_, generators_, discriminators_ : dict of torch modules
        By modality; generators by (source, target).

    Warns
    -----
    AlignmentWarning
        If ``alignment_confidence_`` is below 0.35, unless ``alignment=None``.

    See Also
    --------
    MixedModalData : The container that goes through Pipeline and GridSearchCV.
    PerModality : Preprocessing for each modality; first in a Pipeline.
    ModalityKFold : Folds that lack no modality.

    Notes
    -----
    One unpaired set has rows of A and of B. A plain transformer such as
    StandardScaler before this estimator in a Pipeline would see A alone: use
    :class:`PerModality`. Callbacks of scikit-learn 1.9 (``set_callbacks``) are called
    after every epoch, with its record of ``history_`` as ``metadata``; one that returns
    True ends the phase there. ``MixedModalClustering(**skdm2c.presets.PUBLISHED)`` is the
    configuration of the paper.

    References
    ----------
    Jiang, Xu, Yang, Cao, Huang, "DM2C: Deep Mixed-Modal Clustering", NeurIPS 2019.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
    >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
    >>> model.labels_.shape, model.transform(X).shape
    ((200,), (200, 32))
    >>> bool((model.predict(X) == model.labels_).all())
    True
    """

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> MixedModalClustering:
        """Train the networks and cluster the rows.

        Parameters
        ----------
        X : MixedModalData, or block of shape (n_a, d_a)
        y : block of shape (n_b, d_b) or None
            B's block where ``X`` is A's. 1-D labels, as other clusterers accept
            them, are ignored; so is anything beside a container, as a Pipeline
            whose PerModality has read both blocks passes B's on.

        Returns
        -------
        MixedModalClustering
            Itself. Until training is over nothing of it changes: after an error or
            an interrupt it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or block is no good; before any training.
        TrainingDivergedError
            If a loss becomes NaN or infinite.
        """
        data = as_mixed_modal(X, y)
        checked = check_data(self, data)
        widths = [x.shape[1] for x in checked.rows]
        device = resolve_device(self.device)
        # None is fresh entropy: scikit-learn would draw from NumPy's global generator.
        random = check_random_state(
            np.random.RandomState() if self.random_state is None else self.random_state
        )
        init_seed, batch_seed, align_seed, cluster_seed = random.randint(2**31 - 1, size=4).tolist()
        hub = (
            best_separated(checked.rows, self.n_clusters, cluster_seed)
            if self.unify_to == "auto"
            else modality_index(self.unify_to, data.names)
        )
        system = CrossModalSystem(
            self.architecture(widths, hub),
            torch.Generator().manual_seed(init_seed),
        ).to(device)
        tasks = EpochTasks(self, self.n_epochs(len(widths)))
        history = TrainingHistory(self.verbose, on_epoch=tasks.epoch_ended)
        confidence = train_system(
            system,
            checked,
            self,
            generator=torch.Generator(device).manual_seed(batch_seed),
            align_seed=align_seed,
            history=history,
        )
        embedding = embed(system, checked.rows, data.codes)
        if history.records:
            last = history.records[-1]["phase"]
            history.check(last, "unified space", float(np.abs(embedding).max()))
        self._warn_of_low_confidence(confidence)
        fit_clusters = fit_kmeans if self.assignment == "kmeans" else fit_mixture
        clusters = fit_clusters(embedding, self.n_clusters, self.kmeans_n_init, cluster_seed)
        fitted = {
            "_system": system,
            "_inputs": checked.inputs,
            "modality_names_": data.names,
            "unified_modality_": data.names[hub],
            "embedding_": embedding,
            "_clusters": clusters,
            "cluster_centers_": clusters.centers(embedding),
            "labels_": clusters.assign(embedding),
            "modality_": data.modality,
            "alignment_confidence_": confidence,
            "history_": history.records,
            "n_iter_": len(history.records),
            "scaling_": {door.name: door.scaling_ for door in checked.inputs},
            "n_features_per_modality_": dict(zip(data.names, widths, strict=True)),
            "n_features_in_": sum(widths),
        }
        for name, value in fitted.items():
            setattr(self, name, value)
        tasks.fit_ended()
        return self

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int32]:
        """Fit and return ``labels_``.

        Parameters
        ----------
        X : MixedModalData, or block of shape (n_a, d_a)
        y : block of shape (n_b, d_b) or None

        Returns
        -------
        ndarray of shape (n,)
            A's rows first.
        """
        labels: NDArray[np.int32] = self.fit(X, y).labels_
        return labels

    def fit_transform(self, X: Any, y: Any = None) -> FloatRows:
        """Fit and return the rows in the unified space.

        Parameters
        ----------
        X : MixedModalData, or block of shape (n_a, d_a)
        y : block of shape (n_b, d_b) or None

        Returns
        -------
        ndarray of shape (n, n_components)
        """
        data = as_mixed_modal(X, y)
        embedding: FloatRows = self.fit(data).transform(data)
        return embedding

    @property
    def autoencoders_(self) -> dict[str, nn.Module]:
        """The trained auto-encoders by modality."""
        check_is_fitted(self)
        return dict(zip(self.modality_names_, self._system.autoencoders, strict=True))

    @property
    def generators_(self) -> dict[tuple[str, str], nn.Module]:
        """The trained generators by (source, target)."""
        check_is_fitted(self)
        names = self.modality_names_
        return {
            (names[s], names[t]): self._system.generator_of(s, t) for s, t in self._system.edges
        }

    @property
    def discriminators_(self) -> dict[str, nn.Module]:
        """The trained discriminators by modality."""
        check_is_fitted(self)
        return dict(zip(self.modality_names_, self._system.discriminators, strict=True))

    def _warn_of_low_confidence(self, confidence: float) -> None:
        if self.alignment is not None and confidence < LOW_CONFIDENCE:
            warnings.warn(
                f"alignment_confidence_ is {confidence:.2f}: the modalities share "
                "little geometry, so that labels mean something within a modality, but the same "
                "label in two modalities may well be two different things. Try other features.",
                AlignmentWarning,
                stacklevel=4,
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
