"""``MixedModalClustering``: its parameters, its documentation, and methods that hand on."""

from __future__ import annotations

import math
import os
import reprlib
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from inspect import Parameter, signature
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    InvalidParameterError,
    StrOptions,
)
from sklearn.utils.validation import check_is_fitted
from torch import distributed, nn

from ._device import device_at_hand, resolve_device
from ._isolation import isolated
from ._messages import about
from ._peers import ALONE, Peers
from ._sklearn import CallbackSupportMixin, EpochTasks, steps_before
from ._version import DOCUMENTATION
from .alignment import Aligner, GeometricAlignment, RowMatches
from .alignment.counterparts import nearest_counterparts, trust_of_rows
from .checked import CheckedData, check_data
from .data import (
    MixedModalData,
    as_known_modalities,
    as_mixed_modal,
    is_mudata,
    modality_index,
)
from .data.rows import FloatRows
from .exceptions import AlignmentWarning, caller_level
from .fitting import Fit, Seeds, common_centers, fit_model
from .identity import fit_identity
from .model import FittedModel
from .networks import Architecture, CrossModalSystem
from .plan import (
    LARGEST,
    MOST_UNITS,
    ClusteringSettings,
    FitPlan,
    clusters_per_modality,
    positive_sizes,
    rates_per_modality,
)
from .report import Report, report_on
from .training import (
    AdversarialSettings,
    Callback,
    EarlyStop,
    PretrainingSettings,
    RegressionSettings,
    kept_on_disk,
    shown_progress,
)

LOW_CONFIDENCE = 0.5
LONGEST_MESSAGE = 500  # characters


class _Number(Interval):  # type: ignore[misc]
    """An interval of numbers that True and False are not in, nor what no float can hold."""

    def is_satisfied_by(self, value: Any) -> bool:
        if not isinstance(value, self.type) or isinstance(value, bool | np.bool_):
            return False
        try:
            return float(value) in self
        except OverflowError:
            return False


_COUNT = _Number(Integral, 1, None, closed="left")
_NATURAL = _Number(Integral, 0, None, closed="left")
_WEIGHT = _Number(Real, 0, LARGEST, closed="both")
_POSITIVE = _Number(Real, 0, LARGEST, closed="right")


class MixedModalClustering(
    CallbackSupportMixin,  # type: ignore[misc]
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    ClusterMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Cluster instances that were each seen in one modality only, without pairs or labels.

    Every modality learns a latent space with an auto-encoder; generators map the
    latents of each modality into the space of one of them, the *hub*; all rows are
    clustered there. Each modality's own clusters are matched with the others' by the
    geometry that the modalities share; that teaches the generators.

    Parameters
    ----------
    n_clusters : int or mapping of str to int, default=8
        Clusters over all modalities. Where some modalities lack clusters that others have, a
        mapping says how many each has, by its name, as in ``{"rna": 10, "atac": 9}``: the
        largest is the number of all, and ``matching_["atac"].unmatched`` are those that it lacks
        (they are found, by what matches best without them).
    unify_to : "auto", str or int, default="auto"
        The hub, by name or number. "auto" takes the modality whose own clusters have
        the highest silhouette in its own latent space.
    alignment : "geometry", Aligner or None, default="geometry"
        What teaches the generators which cluster of one modality is which of another:
        "geometry" is :class:`skdm2c.alignment.GeometricAlignment` as it is; give an instance
        with other settings, or an aligner of your own (two methods, ``describe`` and
        ``match``: :class:`skdm2c.alignment.Aligner`). None, the paper: generators start at
        random.
    standardize : "auto" or bool, default="auto"
        True brings every column to mean 0 and variance 1 inside. "auto" does so too,
        but leaves component scores (columns uncorrelated and sorted by spread, as PCA
        and SVD give them) their spreads and divides them by one number; which it was is
        in ``scaling_``.
    n_components : int, default=32
        Width of the latent spaces.
    autoencoder_hidden_sizes : sequence of int, default=(256,)
        Hidden widths of the encoders; the decoders mirror them.
    generator_hidden_sizes : sequence of int, default=(128, 64)
        Hidden widths on the way in, the bottleneck last; mirrored on the way out.
    discriminator_hidden_sizes : sequence of int, default=(64,)
        Hidden widths of the discriminators.
    normalization : {"batch", "layer", "none"}, default="layer"
        What follows the activations of auto-encoders and generators.
    lambda_neighbors : float, default=1.0
        Weight of the neighbourhood term beside equation (1) in pretraining: rows that
        are neighbours in a modality (by cosine in 30 principal components, as many as there
        are clusters if they are more; by distance where it has three columns or fewer) stay
        so in its latent space. 0 is the paper.
    n_neighbors : int, default=15
        Of each row; fewer where a modality has fewer than 8 times as many rows.
    negative_weight : float, default=5.0
        How strongly rows that are no neighbours repel each other.
    input_noise : float, default=0.5
        Standard deviation of the noise added to rows in pretraining, in units of
        their spread.
    pretrain_epochs : int, default=60
        Length of the first phase, each modality by itself. 0 leaves a phase out, here and below.
    alignment_epochs : int, default=80
        Length of the second, in which generators are taught.
    adversarial_epochs : int, default=10
        Length of the third, the game of equation (4).
    decoder_epochs : int, default=100
        Length of the last, in which decoders are fitted to the final latents, for ``translate``.
    batch_size : int, default=256
        Rows of a step; in the game of equation (4) of all modalities together.
    max_epoch_rows : int or None, default=20000
        Rows of a modality (in the game, on average over the modalities) that an epoch goes
        through. Of larger data every epoch draws as many anew, so that training takes no
        longer for more rows. None goes through all.
    pretrain_learning_rate : float or sequence of float, default=1e-3
        For pretraining and decoding, one for all or one a modality (and the greatest of
        them for the alignment phase); Adam.
    pretrain_weight_decay : float, default=0.0
        Weight of the squared norm of the auto-encoders' weights in pretraining.
    learning_rate_schedule : {"linear", "constant"}, default="linear"
        For all phases but the adversarial: "linear" is constant for the first half
        and falls to a hundredth in the second.
    autoencoder_learning_rate : float, default=0.0
        For the adversarial phase; with 0 the auto-encoders keep the neighbourhoods that
        pretraining taught them.
    generator_learning_rate : float, default=1e-4
        For the adversarial phase.
    discriminator_learning_rate : float, default=1e-4
        For the adversarial phase.
    weight_decay : float, default=0.0
        Weight of the squared norm of all weights in the adversarial phase.
    optimizer : {"adam", "rmsprop"}, default="adam"
        Of the adversarial phase.
    generator_steps : int, default=1
        Steps of generators and auto-encoders between those of the discriminators.
    discriminator_steps : int, default=1
        Steps of the discriminators at a time.
    adversarial_loss : {"wasserstein", "gan"}, default="wasserstein"
        Equation (3), or the cross-entropy of a plain GAN.
    lipschitz : {"clip", "gradient_penalty", "spectral_norm", None}, default="spectral_norm"
        What keeps the discriminators smooth.
    clip_value : float, default=0.05
        Bound on the discriminators' weights, for "clip".
    gradient_penalty_weight : float, default=10.0
        For "gradient_penalty".
    lambda_cycle : float, default=1.0
        Weight of equation (2), λ₁ of the paper.
    lambda_reconstruction : float, default=1.0
        Weight of equation (1) in the adversarial phase, λ₂ of the paper.
    lambda_adversarial : float, default=0.1
        Weight of equation (3).
    lambda_cycle_reconstruction : float, default=0.0
        Weight of the reconstruction of rows from cycled latents, which the paper's
        code has and its print has not.
    lambda_pairs : float, default=1.0
        Trust in the known pairs of the data, if there are any: what they say of the matching of
        clusters is multiplied by it, and so is the distance of an instance's two rows in the
        game. From two trusted pairs a cluster with the hub on, aligned clusters are found in both
        modalities together. 1 takes pairs as right, some slips aside; 0 learns nothing from them.
        The rows of one instance get one label in any case.
    assignment : {"mixture", "kmeans"}, default="mixture"
        How rows of the unified space become clusters: by a mixture of Gaussians of one
        covariance, or by k-means (the paper).
    kmeans_n_init : int, default=10
        Restarts of k-means, which a mixture starts from too.
    device : str, default="auto"
        "auto" takes cuda, then mps, then cpu.
    n_jobs : int or None, default=None
        Threads in which modalities learn by themselves at once; more than there are
        modalities are of no use. None is 1, but in a :func:`joblib.parallel_config`; -1 takes
        all cores. It changes no result. Under a search leave it, and give that n_jobs.
    process_group : {"world"} or None, default=None
        "world" fits one model with all processes that ``torchrun`` has started, each of which
        gives its own rows and gets their labels; see docs/cores.md. None is this process alone.
    checkpoint : str, PathLike or None, default=None
        Folder in which a fit is kept while it runs. A fit with the same folder, data and
        parameters goes on from there, to the same result; with others it is refused. One
        folder a fit, so none under a search.
    checkpoint_every : float, default=60.0
        Seconds between two files in it.
    n_iter_no_change : int or None, default=None
        Ends a phase once its losses have not fallen for so many epochs in a row; None never
        does. No labels are looked at.
    tol : float, default=1e-4
        By what part of themselves losses must fall to count, for ``n_iter_no_change``.
    warm_start : bool, default=False
        True goes on from the networks of the fit before, where there was one; modalities,
        columns, widths of layers, normalization and whether ``lipschitz`` is "spectral_norm"
        must be the same.
    verbose : int, default=0
        1 shows one bar over all phases with the time left, where rich is installed and there
        is a terminal or notebook, or else prints a few lines a phase; 2 prints every epoch.
        The logger "skdm2c" hears of phases at INFO and of epochs at DEBUG, whatever this is.
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
        In [0, 1]: estimated probability that clusters are matched rightly *across* modalities.
        With more than two modalities that of the worst spoke. 0.0 where ``alignment=None`` or
        ``alignment_epochs=0``, as nothing was tested.
    alignment_p_value_ : float
        How often the centres of unrelated clusters, as many and as far spread, would match as
        well as these; of the worst spoke. It is at least 1 / 41, and with three to five
        clusters hardly ever small: nearly any few clusters match well. 1.0 where that was not
        tested.
    cluster_confidence_ : ndarray of shape (n_clusters,)
        The same as ``alignment_confidence_``, cluster by cluster: low where a cluster of one
        modality may well be another one of the other.
    matching_ : mapping of str to SpokeMatching
        For every modality but the hub how its clusters were matched with the hub's, in the
        numbers of ``labels_``: shared masses, partners, confidence. Prints as a table; empty
        where nothing was aligned. Of the clusters that each modality has by itself, where
        many known pairs made others of them.
    history_ : list of dict
        One record an epoch and phase: ``phase``, ``modality`` where it is about one (or
        about a generator, "a to b"),
        ``epoch``, ``n_epochs``, ``seconds`` since the start, and mean losses by name.
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
        If ``alignment_confidence_`` is below 0.5, unless ``alignment=None``.

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
    after every epoch, with its record of ``history_`` as ``context.record`` and, after
    pretraining, with the estimator as it would be fitted now; one that returns True ends the
    phase there. Labels given as ``y`` beside a container reach them alone, as
    ``ScoringMonitor`` wants. ``MixedModalClustering(**skdm2c.presets.PUBLISHED)`` is the
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

    modality_names_: tuple[str, ...]
    _model: FittedModel

    _doc_link_module = "skdm2c"
    _doc_link_template = DOCUMENTATION

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [_COUNT, Mapping],
        "unify_to": [str, _NATURAL],
        "alignment": [StrOptions({"geometry"}), HasMethods(["describe", "match"]), None],
        "standardize": ["boolean", StrOptions({"auto"})],
        "n_components": [_Number(Integral, 1, MOST_UNITS, closed="both")],
        "autoencoder_hidden_sizes": ["array-like"],
        "generator_hidden_sizes": ["array-like"],
        "discriminator_hidden_sizes": ["array-like"],
        "normalization": [StrOptions({"batch", "layer", "none"})],
        "pretrain_epochs": [_NATURAL],
        "alignment_epochs": [_NATURAL],
        "adversarial_epochs": [_NATURAL],
        "learning_rate_schedule": [StrOptions({"constant", "linear"})],
        "lambda_neighbors": [_WEIGHT],
        "n_neighbors": [_COUNT],
        "negative_weight": [_WEIGHT],
        "input_noise": [_WEIGHT],
        "decoder_epochs": [_NATURAL],
        "batch_size": [_Number(Integral, 2, None, closed="left")],
        "max_epoch_rows": [_COUNT, None],
        "pretrain_learning_rate": [_POSITIVE, "array-like"],
        "pretrain_weight_decay": [_WEIGHT],
        "autoencoder_learning_rate": [_WEIGHT],
        "generator_learning_rate": [_POSITIVE],
        "discriminator_learning_rate": [_POSITIVE],
        "weight_decay": [_WEIGHT],
        "optimizer": [StrOptions({"adam", "rmsprop"})],
        "generator_steps": [_COUNT],
        "discriminator_steps": [_COUNT],
        "adversarial_loss": [StrOptions({"wasserstein", "gan"})],
        "lipschitz": [StrOptions({"clip", "gradient_penalty", "spectral_norm"}), None],
        "clip_value": [_POSITIVE],
        "gradient_penalty_weight": [_WEIGHT],
        "lambda_cycle": [_WEIGHT],
        "lambda_reconstruction": [_WEIGHT],
        "lambda_adversarial": [_WEIGHT],
        "lambda_cycle_reconstruction": [_WEIGHT],
        "lambda_pairs": [_WEIGHT],
        "assignment": [StrOptions({"mixture", "kmeans"})],
        "kmeans_n_init": [_COUNT],
        "device": [str, Hidden(torch.device)],
        "n_jobs": [_COUNT, _Number(Integral, None, -1, closed="right"), None],
        "process_group": [StrOptions({"world"}), None],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_every": [_WEIGHT],
        "n_iter_no_change": [_COUNT, None],
        "tol": [_WEIGHT],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int | Mapping[str, int] = 8,
        *,
        unify_to: str | int = "auto",
        alignment: Any = "geometry",
        standardize: bool | str = "auto",
        n_components: int = 32,
        autoencoder_hidden_sizes: Sequence[int] = (256,),
        generator_hidden_sizes: Sequence[int] = (128, 64),
        discriminator_hidden_sizes: Sequence[int] = (64,),
        normalization: str = "layer",
        lambda_neighbors: float = 1.0,
        n_neighbors: int = 15,
        negative_weight: float = 5.0,
        input_noise: float = 0.5,
        pretrain_epochs: int = 60,
        alignment_epochs: int = 80,
        adversarial_epochs: int = 10,
        decoder_epochs: int = 100,
        batch_size: int = 256,
        max_epoch_rows: int | None = 20_000,
        pretrain_learning_rate: float | Sequence[float] = 1e-3,
        pretrain_weight_decay: float = 0.0,
        learning_rate_schedule: str = "linear",
        autoencoder_learning_rate: float = 0.0,
        generator_learning_rate: float = 1e-4,
        discriminator_learning_rate: float = 1e-4,
        weight_decay: float = 0.0,
        optimizer: str = "adam",
        generator_steps: int = 1,
        discriminator_steps: int = 1,
        adversarial_loss: str = "wasserstein",
        lipschitz: str | None = "spectral_norm",
        clip_value: float = 0.05,
        gradient_penalty_weight: float = 10.0,
        lambda_cycle: float = 1.0,
        lambda_reconstruction: float = 1.0,
        lambda_adversarial: float = 0.1,
        lambda_cycle_reconstruction: float = 0.0,
        lambda_pairs: float = 1.0,
        assignment: str = "mixture",
        kmeans_n_init: int = 10,
        device: str | torch.device = "auto",
        n_jobs: int | None = None,
        process_group: str | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: float = 60.0,
        n_iter_no_change: int | None = None,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.unify_to = unify_to
        self.alignment = alignment
        self.standardize = standardize
        self.n_components = n_components
        self.autoencoder_hidden_sizes = autoencoder_hidden_sizes
        self.generator_hidden_sizes = generator_hidden_sizes
        self.discriminator_hidden_sizes = discriminator_hidden_sizes
        self.normalization = normalization
        self.lambda_neighbors = lambda_neighbors
        self.n_neighbors = n_neighbors
        self.negative_weight = negative_weight
        self.input_noise = input_noise
        self.pretrain_epochs = pretrain_epochs
        self.alignment_epochs = alignment_epochs
        self.adversarial_epochs = adversarial_epochs
        self.decoder_epochs = decoder_epochs
        self.batch_size = batch_size
        self.max_epoch_rows = max_epoch_rows
        self.pretrain_learning_rate = pretrain_learning_rate
        self.pretrain_weight_decay = pretrain_weight_decay
        self.learning_rate_schedule = learning_rate_schedule
        self.autoencoder_learning_rate = autoencoder_learning_rate
        self.generator_learning_rate = generator_learning_rate
        self.discriminator_learning_rate = discriminator_learning_rate
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.generator_steps = generator_steps
        self.discriminator_steps = discriminator_steps
        self.adversarial_loss = adversarial_loss
        self.lipschitz = lipschitz
        self.clip_value = clip_value
        self.gradient_penalty_weight = gradient_penalty_weight
        self.lambda_cycle = lambda_cycle
        self.lambda_reconstruction = lambda_reconstruction
        self.lambda_adversarial = lambda_adversarial
        self.lambda_cycle_reconstruction = lambda_cycle_reconstruction
        self.lambda_pairs = lambda_pairs
        self.assignment = assignment
        self.kmeans_n_init = kmeans_n_init
        self.device = device
        self.n_jobs = n_jobs
        self.process_group = process_group
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    @isolated
    def fit(self, X: Any, y: Any = None) -> MixedModalClustering:
        """Train the networks and cluster the rows.

        Parameters
        ----------
        X : MixedModalData, MuData, or block of shape (n_a, d_a)
            A block is an array, sparse matrix, data frame, memory map or AnnData. Names of
            columns, where it has any, must be the same again in new rows.
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
        found = self._fitted_attributes(X, y)
        # In one step: an interrupt, and predict in another thread, find what was there or all
        # that is new. What was there is held till then, as letting go of it may take more steps.
        before = dict(self.__dict__)
        self.__dict__.update(found)
        del before
        return self

    def set_params(self, **params: Any) -> MixedModalClustering:
        """Set parameters, also those of parameters: ``alignment__n_matches=2``.

        Parameters
        ----------
        **params : object

        Returns
        -------
        MixedModalClustering

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        nested = {key.partition("__")[0] for key in params if "__" in key}
        if "alignment" in nested - set(params) and self.alignment == "geometry":
            self.alignment = GeometricAlignment()
        super().set_params(**params)
        return self

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int32]:
        """Fit and return ``labels_``.

        Parameters
        ----------
        X : MixedModalData, MuData, or block of shape (n_a, d_a)
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
        X : MixedModalData, MuData, or block of shape (n_a, d_a)
        y : block of shape (n_b, d_b) or None

        Returns
        -------
        ndarray of shape (n, n_components)
        """
        embedding: FloatRows = self.fit(X, y).transform(as_mixed_modal(X, y))
        return embedding

    @isolated
    def transform(self, X: Any, X_b: Any = None, *, modality: str | int | None = None) -> FloatRows:
        """Map rows into the unified space.

        Parameters
        ----------
        X : MixedModalData, MuData, or block of shape (n_a, d_a)
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

        Examples
        --------
        >>> from skdm2c.datasets import make_mixed_modal_blobs
        >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
        >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
        >>> model.transform(X.blocks["b"][:5], modality="b").shape
        (5, 32)
        """
        model = self._fitted_model()
        if not isinstance(X, MixedModalData):
            # Once more as a container, for set_output: a frame of A cannot index rows of A and B.
            data = as_known_modalities(X, model.names, X_b, modality)
            embedding: FloatRows = self.transform(data)
            return embedding
        return model.embed(as_known_modalities(X, model.names, X_b, modality))

    @isolated
    def predict(
        self, X: Any, X_b: Any = None, *, modality: str | int | None = None
    ) -> NDArray[np.int32]:
        """Assign rows to the likeliest cluster, or the nearest (``assignment="kmeans"``).

        Parameters
        ----------
        X : MixedModalData, MuData, or block of shape (n_a, d_a)
        X_b : block of shape (n_b, d_b), default=None
            The second modality's rows, where ``X`` is the first's.
        modality : str or int, default=None
            The modality of ``X``, where it is the only block.

        Returns
        -------
        ndarray of shape (n,)
            In the order of the rows given.

        Raises
        ------
        ValueError
            If a block is no good, or of an unknown modality.

        Examples
        --------
        >>> from skdm2c.datasets import make_mixed_modal_blobs
        >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
        >>> X_a, X_b = X.blocks.values()
        >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X_a[:-10], X_b[:-5])
        >>> model.predict(X_a[-10:], modality="a").shape, model.predict(X_a[-10:], X_b[-5:]).shape
        ((10,), (15,))
        """
        model = self._fitted_model()
        data = as_known_modalities(X, model.names, X_b, modality)
        return model.assign(model.embed(data), data.codes, data.numbered_pairs)

    @isolated
    def predict_proba(
        self, X: Any, X_b: Any = None, *, modality: str | int | None = None
    ) -> NDArray[np.float64]:
        """Probability of each cluster for each row.

        The responsibilities of the mixture (of k-means: of round Gaussians with the spread
        of its clusters), mostly less sure than the latents would have them: their logarithms
        are divided by a number of 1 or more for each modality, such that on average over the
        rows in the fit the likeliest cluster is no likelier than a neighbour in the data is
        in the same cluster.
        The likeliest is what :meth:`predict` gives. A row whose largest probability is below
        0.5 lies between clusters; call it unsure. How often probabilities were right is
        measured in docs/score.md. They know nothing of whether clusters were matched rightly
        across modalities: that is ``cluster_confidence_``.

        Parameters
        ----------
        X : MixedModalData, MuData, or block of shape (n_a, d_a)
        X_b : block of shape (n_b, d_b), default=None
            The second modality's rows, where ``X`` is the first's.
        modality : str or int, default=None
            The modality of ``X``, where it is the only block.

        Returns
        -------
        ndarray of shape (n, n_clusters)
            In the order of the rows given; rows sum to one.

        Raises
        ------
        ValueError
            If a block is no good, or of an unknown modality.

        Examples
        --------
        >>> from skdm2c.datasets import make_mixed_modal_blobs
        >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
        >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
        >>> probabilities = model.predict_proba(X)
        >>> probabilities.shape, bool((probabilities.argmax(axis=1) == model.labels_).all())
        ((200, 3), True)
        >>> unsure = probabilities.max(axis=1) < 0.5
        """
        model = self._fitted_model()
        return model.share(as_known_modalities(X, model.names, X_b, modality))

    @isolated
    def translate(self, X: Any, source: str | int, target: str | int) -> NDArray[np.float64]:
        """Show rows of one modality in the features of another: Enc, G, Dec.

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

        Examples
        --------
        >>> from skdm2c.datasets import make_mixed_modal_blobs
        >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
        >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
        >>> X.blocks["a"].shape, model.translate(X.blocks["a"], source="a", target="b").shape
        ((100, 10), (100, 15))
        """
        model = self._fitted_model()
        if isinstance(X, MixedModalData) or is_mudata(X):
            raise ValueError("translate takes the source's rows alone, such as X.blocks['a'].")
        s, t = (modality_index(m, model.names) for m in (source, target))
        return model.translate(as_known_modalities(X, model.names, modality=s), s, t)

    @isolated
    def match_rows(
        self,
        X: Any,
        source: str | int,
        target: str | int,
        *,
        candidates: Any = None,
        n_matches: int = 5,
    ) -> RowMatches:
        """Find the likeliest counterparts of rows among the rows of another modality.

        Rows are compared in the unified space, with a correction for hubs: rows that are
        near to many others.

        Parameters
        ----------
        X : block of shape (n, d_source)
        source, target : str or int
            Modalities by name or number.
        candidates : block of shape (m, d_target), default=None
            Rows to choose from; None for the target's rows of the fit.
        n_matches : int, default=5
            Number of counterparts a row; reduced where there are fewer candidates.

        Returns
        -------
        RowMatches
            Numbers of the counterparts, their weights, and a trust for each row.

        Raises
        ------
        ValueError
            If a block is no good, a modality is unknown, ``source`` is ``target``, or
            ``n_matches`` is no positive integer.

        References
        ----------
        Conneau, Lample, Ranzato, Denoyer, Jégou, "Word translation without parallel data",
        ICLR 2018, for the correction (CSLS).

        Examples
        --------
        >>> from skdm2c.datasets import make_mixed_modal_blobs
        >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
        >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
        >>> matches = model.match_rows(X.blocks["a"][:4], source="a", target="b")
        >>> matches.rows.shape, matches.weights.sum(axis=1).round(2)
        ((4, 5), array([1., 1., 1., 1.]))
        """
        model = self._fitted_model()
        if isinstance(X, MixedModalData) or is_mudata(X):
            raise ValueError("match_rows takes the source's rows alone, such as X.blocks['a'].")
        s, t = (modality_index(m, model.names) for m in (source, target))
        if s == t:
            raise ValueError(f"source and target are both {model.names[s]!r}: name two modalities.")
        if not isinstance(n_matches, Integral) or n_matches < 1:
            raise ValueError(f"n_matches must be a positive integer, got {n_matches!r}.")
        rows = as_known_modalities(X, model.names, modality=s)
        known = self.modality_ == model.names[t]
        if candidates is None:
            z = self.embedding_[known]
        else:
            z = model.embed(as_known_modalities(candidates, model.names, modality=t))
        if len(z) == 0:
            raise ValueError(f"There are no candidates of {model.names[t]!r} to choose from.")
        neighborhood = self.embedding_[self.modality_ == model.names[s]]
        embedded = model.embed(rows)
        indices, weights = nearest_counterparts(
            embedded, z, neighborhood, min(int(n_matches), len(z))
        )
        shares = model.share_embedded(embedded, rows.codes)
        of_candidates = model.share_embedded(z, np.full(len(z), t, dtype=np.intp))
        return RowMatches(
            indices,
            weights,
            trust_of_rows(indices, weights, shares * self.cluster_confidence_, of_candidates),
        )

    @isolated
    def score(self, X: Any, y: Any = None, sample_weight: None = None) -> float:
        """How good the clustering of ``X`` looks without labels; higher is better.

        For each modality that ``X`` has rows of: how much more often neighbours in its data
        share a cluster than by chance, times how alike its clusters are to those that the
        fit found in the other modalities, in shares and in the distances between them.

        Parameters
        ----------
        X : MixedModalData or MuData
            May lack modalities, as a fold of a plain ``KFold`` does: their clusters are
            remembered from the fit.
        y : ignored
            1-D, as scikit-learn passes labels.
        sample_weight : None
            Rows count alike; it is here because a Pipeline that routes metadata passes it on.

        Returns
        -------
        float
            At most 1. Near 0 for a clustering that puts almost all rows into one cluster, or
            each modality into clusters of its own.

        Raises
        ------
        ValueError
            If ``X`` is one block, of which the modality cannot be told, or ``y`` a second;
            or if rows are given weights.

        Notes
        -----
        At most 2000 rows of each modality are looked at. How closely scores follow the ARI
        with the true classes, setting by setting, is measured in docs/score.md.

        Examples
        --------
        Clusters as they are score higher than clusters that are merged:

        >>> from skdm2c.datasets import make_mixed_modal_blobs
        >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
        >>> three, two = (MixedModalClustering(k, random_state=0).fit(X) for k in (3, 2))
        >>> three.score(X) > two.score(X)
        True
        """
        model = self._fitted_model()
        if sample_weight is not None:
            raise ValueError("score counts all rows alike: leave sample_weight out.")
        container = isinstance(X, MixedModalData) or is_mudata(X)
        if not container or (y is not None and len(np.shape(y)) == 2):
            raise ValueError(
                "score takes rows in a container, score(MixedModalData(X_a, X_b)): of a plain "
                "block the modality cannot be told, and in a Pipeline a second block would "
                "skip the preprocessing."
            )
        return model.score(as_known_modalities(X, model.names))

    def report(self, path: str | os.PathLike[str] | None = None) -> Report:
        """Say in plain words what was found, how far to trust it, and what to try next.

        Rows, clusters and their mix, who was matched with whom and how surely, which clusters
        not to trust across modalities, training, settings.

        Parameters
        ----------
        path : str or PathLike, default=None
            Where to write it as a page, with pictures, that needs no other file. That takes
            matplotlib and jinja2 (``pip install skdm2c[report]``).

        Returns
        -------
        Report
            ``print`` it; a notebook shows it as the page.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If a page is asked for and matplotlib or jinja2 is not installed.

        Examples
        --------
        >>> from skdm2c.datasets import make_mixed_modal_blobs
        >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
        >>> print(MixedModalClustering(n_clusters=3, random_state=0).fit(X).report())
        Clusters of 'a' and 'b'
        =======================
        <BLANKLINE>
        200 rows, 100 of 'a' and 100 of 'b', in 3 clusters. ...
        """
        self._fitted_model()
        found = report_on(self)
        if path is not None:
            found.write(path)
        return found

    @property
    def autoencoders_(self) -> dict[str, nn.Module]:
        """The trained auto-encoders by modality."""
        model = self._fitted_model()
        return dict(zip(model.names, model.system.autoencoders, strict=True))

    @property
    def generators_(self) -> dict[tuple[str, str], nn.Module]:
        """The trained generators by (source, target)."""
        model = self._fitted_model()
        return {
            (model.names[s], model.names[t]): model.system.generator_of(s, t)
            for s, t in model.system.edges
        }

    @property
    def discriminators_(self) -> dict[str, nn.Module]:
        """The trained discriminators by modality."""
        model = self._fitted_model()
        return dict(zip(model.names, model.system.discriminators, strict=True))

    @property
    def _n_features_out(self) -> int:
        return int(self.cluster_centers_.shape[1])

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def _fitted_attributes(self, X: Any, y: Any) -> dict[str, Any]:
        # By itself, so that nothing has changed when scikit-learn tears down callbacks.
        data = as_mixed_modal(X, y)
        container = data is X or is_mudata(X)
        if not container:
            _warn_of_plain_transformers(self)
        plan = self._plan(data.names)
        if plan.aligner and plan.lambda_pairs and data.numbered_pairs:
            _require_use_of_pairs(plan.aligner)
        peers = self._peers()
        checked = check_data(data, plan.clustering.n_clusters, self.standardize, peers)
        before = self._networks_before(checked)
        device = resolve_device(self.device)
        # None is fresh entropy: scikit-learn would draw from NumPy's global generator.
        random = check_random_state(
            np.random.RandomState() if self.random_state is None else self.random_state
        )
        seeds = peers.once(lambda: tuple(random.randint(2**31 - 1, size=4).tolist()))
        labels = y if container and y is not None and np.ndim(y) == 1 else None
        tasks = EpochTasks(
            self, plan.n_epochs, data, labels, partial(fitted_attributes, modality=data.modality)
        )
        callbacks: list[Callback] = [tasks]
        if self.n_iter_no_change is not None:
            callbacks.append(EarlyStop(int(self.n_iter_no_change), float(self.tol)))
        identity = {}
        if self.checkpoint is not None:
            identity = fit_identity(checked, self.get_params(deep=False), seeds, device)
        with (
            kept_on_disk(self.checkpoint, self.checkpoint_every, identity, seeds) as (seeds, kept),
            shown_progress(self.verbose, plan.n_epochs) as progress,
        ):
            callbacks = [*kept, progress, *callbacks]
            fitted = fit_model(
                checked,
                plan,
                Seeds(*seeds),
                device,
                callbacks,
                before,
                # Several processes must send the same things in the same order.
                effective_n_jobs(self.n_jobs) if peers.size == 1 else 1,
                peers,
            )
        if self.alignment is not None:
            _warn_of_low_confidence(fitted.model)
        attributes = fitted_attributes(fitted, data.modality)
        attributes["cluster_centers_"] = common_centers(
            attributes["labels_"], attributes["cluster_centers_"], peers
        )
        tasks.fit_ended(attributes)
        return attributes

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            said = str(error)
            if len(said) < LONGEST_MESSAGE:
                raise
            half = LONGEST_MESSAGE // 2  # between them lies the value, say a whole array
            raise InvalidParameterError(f"{said[:half]} ... {said[-half:]}") from None

    def _plan(self, names: tuple[str, ...]) -> FitPlan:
        # What constraints cannot say is checked here: the contents of sequences. Numbers become
        # Python's own, as NumPy's narrow integers overflow.
        names_here = MixedModalClustering._get_param_names()  # a subclass may have fewer
        given: Any = SimpleNamespace(
            **{name: _plain_number(getattr(self, name)) for name in names_here}
        )
        if isinstance(given.alignment, type):
            raise ValueError(
                f"alignment is the class {given.alignment.__name__}: give an instance, "
                f"alignment={given.alignment.__name__}()."
            )
        rates = rates_per_modality(
            "pretrain_learning_rate", given.pretrain_learning_rate, len(names)
        )
        aligner: Aligner | None = None  # what nobody learns from is not worked out
        if given.alignment_epochs > 0:
            aligner = GeometricAlignment() if given.alignment == "geometry" else given.alignment
        own_numbers = clusters_per_modality("n_clusters", given.n_clusters, names)
        hub = _hub(given.unify_to, names)
        _require_use_of_numbers(own_numbers, names, hub, aligner)
        return FitPlan(
            hub=hub,
            own_numbers=own_numbers,
            n_neighbors=given.n_neighbors,
            learning_rates=rates,
            aligner=aligner,
            lambda_pairs=given.lambda_pairs,
            networks=Architecture(
                n_components=given.n_components,
                autoencoder_hidden_sizes=positive_sizes(
                    "autoencoder_hidden_sizes", given.autoencoder_hidden_sizes
                ),
                generator_hidden_sizes=positive_sizes(
                    "generator_hidden_sizes", given.generator_hidden_sizes, at_least=1
                ),
                discriminator_hidden_sizes=positive_sizes(
                    "discriminator_hidden_sizes", given.discriminator_hidden_sizes
                ),
                normalization=given.normalization,
                spectral=given.lipschitz == "spectral_norm",
            ),
            clustering=ClusteringSettings(max(own_numbers), given.assignment, given.kmeans_n_init),
            pretraining=PretrainingSettings(
                n_epochs=given.pretrain_epochs,
                batch_size=given.batch_size,
                weight_decay=given.pretrain_weight_decay,
                schedule=given.learning_rate_schedule,
                lambda_neighbors=given.lambda_neighbors,
                negative_weight=given.negative_weight,
                input_noise=given.input_noise,
                max_epoch_rows=given.max_epoch_rows,
            ),
            teaching=RegressionSettings(
                "alignment",
                given.alignment_epochs,
                given.batch_size,
                given.learning_rate_schedule,
                given.max_epoch_rows,
            ),
            adversarial=AdversarialSettings(
                n_epochs=given.adversarial_epochs,
                batch_size=given.batch_size,
                adversarial_loss=given.adversarial_loss,
                lipschitz=given.lipschitz,
                clip_value=given.clip_value,
                gradient_penalty_weight=given.gradient_penalty_weight,
                lambda_cycle=given.lambda_cycle,
                lambda_reconstruction=given.lambda_reconstruction,
                lambda_adversarial=given.lambda_adversarial,
                lambda_cycle_reconstruction=given.lambda_cycle_reconstruction,
                lambda_pairs=given.lambda_pairs,
                generator_steps=given.generator_steps,
                discriminator_steps=given.discriminator_steps,
                autoencoder_learning_rate=given.autoencoder_learning_rate,
                generator_learning_rate=given.generator_learning_rate,
                discriminator_learning_rate=given.discriminator_learning_rate,
                optimizer=given.optimizer,
                weight_decay=given.weight_decay,
                max_epoch_rows=given.max_epoch_rows,
            ),
            decoding=RegressionSettings(
                "decoding",
                given.decoder_epochs,
                given.batch_size,
                given.learning_rate_schedule,
                given.max_epoch_rows,
            ),
        )

    def _peers(self) -> Peers:
        if self.process_group is None:
            return ALONE
        if not (distributed.is_available() and distributed.is_initialized()):
            raise ValueError(
                f"process_group={self.process_group!r}, but this process is in none. Start it with "
                "torchrun, and call torch.distributed.init_process_group() before fit."
            )
        for name, value in (("checkpoint", None), ("warm_start", False)):
            if getattr(self, name) != value:
                raise ValueError(f"{name} cannot be had with process_group={self.process_group!r}.")
        if self.normalization == "batch":
            raise ValueError(
                f"normalization='batch' cannot be had with process_group={self.process_group!r}: "
                "each process would have means of its own. Use 'layer'."
            )
        return Peers(distributed.group.WORLD)

    def _networks_before(self, data: CheckedData) -> CrossModalSystem | None:
        model: FittedModel | None = getattr(self, "_model", None)
        if model is None or not self.warm_start:
            return None
        if self.checkpoint is not None:
            raise ValueError(
                f"checkpoint={self.checkpoint!r} cannot keep a fit with warm_start=True that goes "
                "on from another. Set one of them aside."
            )
        if model.names != data.names:
            raise ValueError(
                "warm_start=True goes on from the fit before, whose modalities were "
                f"{model.names}, and are {data.names} now. Set warm_start=False to begin anew."
            )
        for door, now in zip(model.doors, data.doors, strict=True):
            then, new = (getattr(d, "feature_names_in_", None) for d in (door, now))
            if then is not None and new is not None and then.tolist() != new.tolist():
                raise ValueError(
                    f"warm_start=True goes on from the fit before, whose columns of {door.name!r} "
                    f"were {reprlib.repr(then.tolist())}, and are {reprlib.repr(new.tolist())} "
                    "now. Set warm_start=False to begin anew, or bring them into that order."
                )
        return model.system

    def _fitted_model(self) -> FittedModel:
        # Asked for once a method: a fit in another thread may put a new one in its place.
        check_is_fitted(self)
        return self._model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_model")

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_model" in state:
            self._model = self._model.to(device_at_hand(self.device))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _hub(unify_to: str | int, names: tuple[str, ...]) -> int | None:
    try:
        return None if unify_to == "auto" else modality_index(unify_to, names)
    except ValueError as error:
        raise about(f"unify_to={unify_to!r}", error) from None


def _plain_number(value: Any) -> Any:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def fitted_attributes(fitted: Fit, modality: NDArray[np.str_]) -> dict[str, Any]:
    """All that a fit leaves on an estimator, by name.

    Parameters
    ----------
    fitted : Fit
    modality : ndarray of str of shape (n,)
        Of each row.

    Returns
    -------
    dict
    """
    model, embedding = fitted.model, fitted.embedding
    widths = {door.name: int(door.n_features_in_) for door in model.doors}
    return {
        "_model": model,
        "modality_names_": model.names,
        "unified_modality_": model.names[model.hub],
        "embedding_": embedding,
        "cluster_centers_": model.clusters.centers(embedding),
        "labels_": fitted.labels,
        "modality_": modality,
        "alignment_confidence_": model.confidence,
        "alignment_p_value_": model.p_value,
        "cluster_confidence_": model.cluster_confidence,
        "matching_": model.matching,
        "history_": list(fitted.records),
        "n_iter_": len(fitted.records),
        "scaling_": {door.name: door.scaling_ for door in model.doors},
        "n_features_per_modality_": widths,
        "n_features_in_": sum(widths.values()),
    }


def _warn_of_plain_transformers(estimator: MixedModalClustering) -> None:
    before = steps_before(estimator)
    if before:
        name = type(before[0]).__name__
        warnings.warn(
            f"In this Pipeline {name} has seen the first block alone; the second has come here "
            f"as it was. Put PerModality(a={name}(), b={name}()) in its place.",
            UserWarning,
            stacklevel=caller_level(),
        )


def _require_use_of_pairs(aligner: Aligner) -> None:
    # What the user knows is not to be dropped in silence.
    parameters = signature(aligner.match).parameters.values()
    if not any(p.name == "pairs" or p.kind is Parameter.VAR_KEYWORD for p in parameters):
        raise ValueError(
            f"The data have known pairs, of which {type(aligner).__name__}.match takes none. Give "
            "it a parameter pairs=None (a skdm2c.alignment.KnownPairs), or set lambda_pairs=0 to "
            "learn nothing from them."
        )


def _require_use_of_numbers(
    own_numbers: tuple[int, ...], names: tuple[str, ...], hub: int | None, aligner: Aligner | None
) -> None:
    if len(set(own_numbers)) == 1:
        return
    given = dict(zip(names, own_numbers, strict=True))
    if aligner is None:
        raise ValueError(
            f"n_clusters={given}: which clusters a modality lacks is found by matching, and there "
            "is none (alignment=None, or alignment_epochs=0). Give one number."
        )
    if hub is not None and own_numbers[hub] < max(own_numbers):
        raise ValueError(
            f"n_clusters={given}: {names[hub]!r} lacks clusters that others have, so it cannot be "
            f"the space of all (unify_to={names[hub]!r}). Choose another modality, or 'auto'."
        )


def _rounded_down(confidence: float) -> float:
    # 0.496 is low, and 0.50 would not look so.
    return math.floor(100 * confidence) / 100


def _warn_of_low_confidence(model: FittedModel) -> None:
    if model.confidence < LOW_CONFIDENCE:
        found = (
            "as the geometry that they share does not tell them apart"
            if model.alignments
            else "as nothing was aligned (alignment_epochs=0)"
        )
        warnings.warn(
            f"alignment_confidence_ is {_rounded_down(model.confidence):.2f}: labels mean "
            "something within a modality, but which cluster of one modality is which of another "
            f"is not certain, {found}. Do not compare modalities by these labels as they are: "
            "try other features or fewer clusters, or some known pairs more "
            "(MixedModalData(..., pairs=...)), or check the clusters of both modalities against "
            "what you know of them.",
            AlignmentWarning,
            stacklevel=caller_level(),
        )
