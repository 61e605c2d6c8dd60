"""``MixedModalClustering``: validate, pretrain, align, train, unify, cluster."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ._device import resolve_device
from ._persistence import system_from_arrays, system_to_arrays
from .alignment import Alignment, align, barycentric_targets
from .clustering import fit_centers, nearest_center
from .data import MixedModalData, as_known_modalities, as_mixed_modal, modality_index
from .data.blocks import n_columns, n_rows
from .exceptions import AlignmentWarning
from .hub import best_separated
from .inputs import FloatRows, ModalityInput
from .networks import (
    CrossModalGenerator,
    CrossModalSystem,
    ModalityAutoEncoder,
    ModalityDiscriminator,
)
from .parameters import ModelParameters
from .scoring import label_free_score
from .training import (
    TrainingHistory,
    apply_in_chunks,
    pretrain_autoencoder,
    regress_generators,
    train_adversarially,
)

LOW_CONFIDENCE = 0.35


class MixedModalClustering(  # type: ignore[misc]
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, ModelParameters
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
    standardize : bool, default=True
        Bring every column to mean 0 and variance 1 inside.
    n_components : int, default=32
        Width of the latent spaces.
    autoencoder_hidden_sizes, generator_hidden_sizes : sequence of int
        Hidden widths on the way in; mirrored on the way out.
    discriminator_hidden_sizes : sequence of int
    normalization : {"batch", "layer", "none"}, default="layer"
        What follows the activations of auto-encoders and generators.
    pretrain_epochs, alignment_epochs, adversarial_epochs : int
        Lengths of the three phases; 0 leaves one out.
    batch_size : int, default=128
        Rows of all modalities together.
    pretrain_learning_rate : float or sequence of float, default=1e-3
        For pretraining, one for all or one a modality (and the greatest of them
        for the alignment phase); Adam.
    pretrain_weight_decay : float, default=0.0
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
    kmeans_n_init : int, default=20
        Restarts of the final k-means.
    device : str, default="auto"
        "auto" takes cuda, then mps, then cpu.
    verbose : int, default=0
        1 prints a few lines a phase, 2 every epoch.
    random_state : int, RandomState or None, default=None
        With an int the same fit on the same machine, whatever the number of threads.

    Attributes
    ----------
    labels_ : ndarray of shape (n,)
        Cluster of each row, in the order of the rows given (A's first).
    cluster_centers_ : ndarray of shape (n_clusters, n_components)
    embedding_ : ndarray of shape (n, n_components)
        The rows in the unified space.
    modality_ : ndarray of shape (n,) of str
    modality_names_ : tuple of str
    unified_modality_ : str
        The hub.
    alignment_confidence_ : float
        In [0, 1]: how far to trust clusters *across* modalities. With more than two
        modalities that of the worst spoke. 0.0 where ``alignment=None``, as nothing
        was tested.
    history_ : list of dict
        One record an epoch and phase.
    n_iter_ : int
        Epochs of all phases together.
    n_features_per_modality_ : dict of str to int
    n_features_in_ : int
        Their sum.
    autoencoders_, generators_, discriminators_ : dict of torch modules
        By modality; generators by (source, target).

    Warns
    -----
    AlignmentWarning
        If ``alignment_confidence_`` is below 0.35.

    See Also
    --------
    MixedModalData : The container that goes through Pipeline and GridSearchCV.
    PerModality : Preprocessing for each modality; first in a Pipeline.
    ModalityKFold : Folds that lack no modality.

    Notes
    -----
    One unpaired set has rows of A and of B. A plain transformer such as
    StandardScaler before this estimator in a Pipeline would see A alone: use
    :class:`PerModality`. ``MixedModalClustering(**skdm2c.presets.PUBLISHED)`` is the
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
            them, are ignored.

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
        inputs, rows = self._check_data(data)
        device = resolve_device(self.device)
        random = check_random_state(self.random_state)
        init_seed, batch_seed, align_seed, cluster_seed = random.randint(2**31 - 1, size=4).tolist()
        hub = (
            best_separated(rows, self.n_clusters, cluster_seed)
            if self.unify_to == "auto"
            else modality_index(self.unify_to, data.names)
        )
        system = CrossModalSystem(
            self._architecture([x.shape[1] for x in rows], hub),
            torch.Generator().manual_seed(init_seed),
        ).to(device)
        history = TrainingHistory(self.verbose)
        confidence = self._train(
            system,
            rows,
            names=data.names,
            generator=torch.Generator(device).manual_seed(batch_seed),
            align_seed=align_seed,
            history=history,
        )
        system.eval()
        embedding = _embed(system, rows, data.codes)
        centers = fit_centers(embedding, self.n_clusters, self.kmeans_n_init, cluster_seed)
        fitted = {
            "_system": system,
            "_inputs": inputs,
            "modality_names_": data.names,
            "unified_modality_": data.names[hub],
            "embedding_": embedding,
            "cluster_centers_": centers,
            "labels_": nearest_center(embedding, centers),
            "modality_": data.modality,
            "alignment_confidence_": confidence,
            "history_": history.records,
            "n_iter_": len(history.records),
            "n_features_per_modality_": {
                name: x.shape[1] for name, x in zip(data.names, rows, strict=True)
            },
            "n_features_in_": sum(x.shape[1] for x in rows),
        }
        vars(self).update(fitted)
        self._warn_of_low_confidence()
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
        return self.fit(X, y).transform(as_mixed_modal(X, y))

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
        return self._embedding_of(as_known_modalities(X, self.modality_names_))

    def predict(
        self, X: Any, X_b: Any = None, *, modality: str | int | None = None
    ) -> NDArray[np.int32]:
        """Assign rows to the nearest cluster centre in the unified space.

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
        return nearest_center(self._embedding_of(data), self.cluster_centers_)

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
        system: CrossModalSystem = self._system
        translated = apply_in_chunks(
            lambda x: system.translate(x, s, t), rows, next(system.parameters()).device
        )
        return self._inputs[t].inverse_transform(translated)  # type: ignore[no-any-return]

    def score(self, X: Any, y: Any = None) -> float:
        """How good the clustering of ``X`` looks without labels; higher is better.

        The mean silhouette of the predicted clusters in each modality's own data,
        less the share of the modality's entropy that clusters tell (0 where every
        cluster holds the modalities alike, 1 where clusters are modalities).

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
        if y is not None and len(np.shape(y)) == 2:
            raise ValueError(
                "score takes both blocks in one container, score(MixedModalData(X_a, X_b)): "
                "in a Pipeline a second block would skip the preprocessing."
            )
        data = as_known_modalities(X, self.modality_names_)
        _require_all_modalities(data, 1)
        rows = self._checked_rows(data)
        labels = self.predict(data)
        return label_free_score(rows, [labels[data.codes == m] for m in range(len(rows))])

    @property
    def autoencoders_(self) -> dict[str, ModalityAutoEncoder]:
        """The trained auto-encoders by modality."""
        check_is_fitted(self)
        return dict(zip(self.modality_names_, self._system.autoencoders, strict=True))

    @property
    def generators_(self) -> dict[tuple[str, str], CrossModalGenerator]:
        """The trained generators by (source, target)."""
        check_is_fitted(self)
        names = self.modality_names_
        return {
            (names[s], names[t]): self._system.generator_of(s, t) for s, t in self._system.edges
        }

    @property
    def discriminators_(self) -> dict[str, ModalityDiscriminator]:
        """The trained discriminators by modality."""
        check_is_fitted(self)
        return dict(zip(self.modality_names_, self._system.discriminators, strict=True))

    @property
    def _n_features_out(self) -> int:
        return self.cluster_centers_.shape[1]  # type: ignore[no-any-return]

    def _check_data(self, data: MixedModalData) -> tuple[list[ModalityInput], list[FloatRows]]:
        # All that can be wrong with parameters and data together, before anything is trained.
        self._check_sizes()
        self._pretrain_rates(len(data.names))
        if self.unify_to != "auto":
            modality_index(self.unify_to, data.names)
        _require_all_modalities(data, 2)
        if len(data) < self.n_clusters:
            raise ValueError(
                f"n_samples={len(data)} should be >= n_clusters={self.n_clusters}: "
                "there are fewer rows than clusters."
            )
        inputs = [ModalityInput(name, self.standardize) for name in data.names]
        return inputs, [
            door.fit_transform(block)
            for door, block in zip(inputs, data.blocks.values(), strict=True)
        ]

    def _train(
        self,
        system: CrossModalSystem,
        rows: list[FloatRows],
        *,
        names: tuple[str, ...],
        generator: torch.Generator,
        align_seed: int,
        history: TrainingHistory,
    ) -> float:
        device = generator.device
        blocks = [torch.from_numpy(x).to(device) for x in rows]
        rates = self._pretrain_rates(len(rows))
        for m, (block, rate) in enumerate(zip(blocks, rates, strict=True)):
            pretrain_autoencoder(
                system.autoencoders[m],  # type: ignore[arg-type]
                block,
                n_epochs=self.pretrain_epochs,
                batch_size=self.batch_size,
                learning_rate=rate,
                weight_decay=self.pretrain_weight_decay,
                generator=generator,
                history=history,
                name=names[m],
            )
        confidence = 0.0
        if self.alignment == "geometry":
            hub = system.architecture.hub
            found = {
                m: align(rows[m], rows[hub], self.n_clusters, align_seed)
                for m in range(len(rows))
                if m != hub
            }
            regress_generators(
                system,
                _examples(system, rows, found, device),
                n_epochs=self.alignment_epochs,
                batch_size=self.batch_size,
                learning_rate=max(rates),
                generator=generator,
                history=history,
            )
            confidence = min(alignment.confidence for alignment in found.values())
        train_adversarially(
            system,
            blocks,
            self._adversarial_settings(),
            batch_size=self.batch_size,
            generator=generator,
            history=history,
        )
        return confidence

    def _warn_of_low_confidence(self) -> None:
        if self.alignment is not None and self.alignment_confidence_ < LOW_CONFIDENCE:
            warnings.warn(
                f"alignment_confidence_ is {self.alignment_confidence_:.2f}: the modalities share "
                "little geometry, so that labels mean something within a modality, but the same "
                "label in two modalities may well be two different things. Try other features.",
                AlignmentWarning,
                stacklevel=4,
            )

    def _checked_rows(self, data: MixedModalData) -> list[FloatRows]:
        # Standardised rows of each modality; none for one not seen here.
        widths = list(self.n_features_per_modality_.values())
        rows = []
        for m, (name, block) in enumerate(data.blocks.items()):
            width = n_columns(block)
            others = [other for other, d in self.n_features_per_modality_.items() if d == width]
            if n_rows(block) and width != widths[m] and others and not isinstance(block, list):
                raise ValueError(
                    f"Modality {name!r}: X has {width} features, but MixedModalClustering is "
                    f"expecting {widths[m]} features as input. Modality {others[0]!r} has {width}: "
                    "are the blocks swapped, or is modality= the wrong one?"
                )
            rows.append(
                self._inputs[m].transform(block)
                if n_rows(block)
                else np.empty((0, widths[m]), dtype=np.float32)
            )
        return rows

    def _embedding_of(self, data: MixedModalData) -> FloatRows:
        return _embed(self._system, self._checked_rows(data), data.codes)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_system" in state:
            state["_system"] = system_to_arrays(state["_system"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_system" in state:
            try:
                device = resolve_device(self.device)
            except ValueError:  # fitted on a device this machine lacks
                device = resolve_device("auto")
            self._system = system_from_arrays(state["_system"]).to(device)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _require_all_modalities(data: MixedModalData, at_least: int) -> None:
    for name, block in data.blocks.items():
        if n_rows(block) < at_least:
            raise ValueError(
                f"Modality {name!r} has n_samples = {n_rows(block)} here; every modality needs "
                f"{at_least} or more. In cross-validation use cv=ModalityKFold(), as a plain "
                "KFold can leave a fold without a modality."
            )


def _embed(system: CrossModalSystem, rows: list[FloatRows], codes: NDArray[np.intp]) -> FloatRows:
    # Rows of all modalities in the unified space, in the order of ``codes``.
    device = next(system.parameters()).device
    embedding = np.empty((len(codes), system.architecture.n_components), dtype=np.float32)
    for m, x in enumerate(rows):
        if len(x):
            embedding[codes == m] = apply_in_chunks(lambda t, m=m: system.unify(t, m), x, device)
    return embedding


def _examples(
    system: CrossModalSystem,
    rows: list[FloatRows],
    found: dict[int, Alignment],
    device: torch.device,
) -> dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]]:
    # For each generator: latents, and where the coupling sends them.
    system.eval()
    latents = [
        apply_in_chunks(lambda t, m=m: system.encode(t, m), x, device) for m, x in enumerate(rows)
    ]
    hub = system.architecture.hub
    examples = {}
    for spoke, a in found.items():
        z_spoke, z_hub = latents[spoke][a.left_rows], latents[hub][a.right_rows]
        for edge, z, targets in (
            ((spoke, hub), z_spoke, barycentric_targets(a.coupling, z_hub)),
            ((hub, spoke), z_hub, barycentric_targets(a.coupling.T, z_spoke)),
        ):
            examples[edge] = tuple(
                torch.from_numpy(np.asarray(v, dtype=np.float32)).to(device) for v in (z, targets)
            )
    return examples  # type: ignore[return-value]
