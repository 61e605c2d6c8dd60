"""The estimator: ``MixedModalClustering``."""

from __future__ import annotations

import math
import os
import reprlib
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from inspect import Parameter, signature
from numbers import Integral
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch
from joblib import Memory, effective_n_jobs, parallel_config
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import distributed, nn

from ._sklearn import (
    BaseEstimator,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    HasMethods,
    Hidden,
    StrOptions,
    TransformerMixin,
    fit_context,
    is_refitted_later,
    output_form,
    steps_before,
)
from ._version import DOCUMENTATION
from .alignment import Aligner, GeometricAlignment, Matching, RowMatches
from .alignment.counterparts import nearest_counterparts, trust_of_rows
from .clustering.clusters import ClusteringSettings
from .data import (
    MixedModalData,
    as_known_modalities,
    as_mixed_modal,
    is_mudata,
    modality_index,
)
from .data.messages import about
from .data.prepared import PreparedData, prepare
from .data.readers import Reading
from .data.rows import FloatRows
from .exceptions import AlignmentWarning, caller_level
from .fitting import Fit, Run, Seeds, common_centers, fit_model
from .model import FittedModel
from .networks import Architecture, CrossModalSystem, Networks
from .report import Report, report_on
from .runtime.device import device_at_hand, resolve_device
from .runtime.isolation import isolated
from .runtime.processes import SINGLE_PROCESS, Processes
from .settings import (
    COUNT,
    MOST_UNITS,
    NATURAL,
    OBJECTS,
    WEIGHT,
    FitPlan,
    Number,
    checked_settings,
    clusters_per_modality,
    plain_number,
    positive_sizes,
    rates_per_modality,
    require_small_networks,
    short_messages,
)
from .training import (
    AdversarialTraining,
    Callback,
    Checkpoint,
    EpochTasks,
    Pretraining,
    PretrainingMemory,
    saved_on_disk,
    shown_progress,
)
from .training.fingerprint import describe_rows, fit_fingerprint, versions

LOW_CONFIDENCE = 0.5


class MixedModalClustering(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Cluster samples of different modalities without pairs or labels.

    Each sample is observed in one modality only, for instance as a photo or as a text. An
    auto-encoder learns a latent space for each modality, in which the modality is clustered. The
    clusters of different modalities are matched by comparing the distances between them. From
    this matching, generators learn to map the latents of every modality into the latent space of
    one of them, the *hub*, where all rows are clustered together.

    Parameters
    ----------
    n_clusters : int or mapping of str to int, default=8
        Number of clusters over all modalities. If some modalities lack clusters that others
        have, pass the number of clusters of each modality by name, as in
        ``{"rna": 10, "atac": 9}``. The total is the largest of these numbers, and
        ``matching_["atac"].unmatched`` holds the clusters that "atac" lacks.
    unify_to : "auto", str or int, default="auto"
        Name or number of the modality used as the hub. "auto" chooses the modality whose
        clusters have the highest silhouette in its own latent space.
    alignment : "geometry", Aligner or None, default="geometry"
        How clusters are matched across modalities. "geometry" stands for
        :class:`skdm2c.alignment.GeometricAlignment` with its defaults; pass an instance with
        other settings, or any object with the two methods of
        :class:`skdm2c.alignment.Aligner`. None matches no clusters and initializes the
        generators at random, as in the paper.
    standardize : "auto" or bool, default="auto"
        True scales every column to mean 0 and variance 1. "auto" does the same, except that it
        divides component scores (uncorrelated columns sorted by variance, such as those of PCA
        or truncated SVD) by a single number. False leaves the data unchanged. ``scaling_``
        records which scaling was applied.
    n_components : int, default=32
        Dimension of the latent spaces.
    n_neighbors : int, default=15
        Number of nearest neighbours that pretraining preserves; reduced to an eighth of the rows
        in small modalities.
    networks : Networks or None, default=None
        Layers of the networks. None stands for :class:`skdm2c.Networks` with its defaults.
    pretraining : Pretraining or None, default=None
        Learning rate, neighbourhood loss and noise of the first phase. None stands for
        :class:`skdm2c.Pretraining` with its defaults.
    adversarial : AdversarialTraining or None, default=None
        Length, losses, learning rates and weights of the third phase, equation (4) of the paper.
        None stands for :class:`skdm2c.AdversarialTraining` with its defaults.
    pretrain_epochs : int, default=30
        Number of epochs of the first phase, which trains each auto-encoder separately. If 0, it
        is skipped.
    alignment_epochs : int, default=15
        Number of epochs of the second phase, in which the generators learn from the matching. If
        0, clusters are not matched at all.
    batch_size : int, default=256
        Number of rows per training step; in adversarial training, summed over the modalities.
    max_epoch_rows : int or None, default=10000
        Maximum number of rows per modality in an epoch (in adversarial training, on average over
        the modalities). Each epoch draws a new sample from larger data, so that training time
        does not grow with the number of rows. None uses all rows.
    learning_rate_schedule : {"linear", "constant"}, default="linear"
        Schedule of the learning rate in all phases except adversarial training. "linear" keeps
        the rate constant in the first half of a phase and then decreases it linearly to a
        hundredth.
    lambda_pairs : float, default=1.0
        Weight of the known pairs, if the data have any, in the matching of clusters and in
        adversarial training. 1 treats the pairs as correct, apart from a few errors; 0 ignores
        them. With at least two trusted pairs per cluster, the clusters of both modalities are
        estimated jointly. The two rows of a pair get the same label in any case.
    assignment : {"mixture", "kmeans"}, default="mixture"
        Clustering model: a Gaussian mixture with one shared covariance matrix, or k-means, as in
        the paper.
    kmeans_n_init : int, default=10
        Number of k-means initializations, which are also used to initialize the mixture.
    device : str, default="auto"
        PyTorch device. "auto" chooses the first available of cuda, mps and cpu.
    n_jobs : int or None, default=None
        Number of threads that train modalities and match clusters in parallel. None means 1
        unless in a :func:`joblib.parallel_config` context; -1 means all cores. The result does
        not depend on ``n_jobs``. In a search, set the ``n_jobs`` of the search instead.
    process_group : {"world"} or None, default=None
        "world" fits one model with all processes started by ``torchrun``. Each process passes
        its own rows and gets their labels; see docs/cores.md.
    memory : str, path or joblib.Memory, default=None
        Folder in which pretrained auto-encoders are kept. Fits with the same rows, seed and
        settings of pretraining, as in a search over ``n_clusters``, then train them only once,
        to the same result. Not used together with ``callbacks`` or ``process_group``.
    callbacks : sequence of Callback, default=()
        Callbacks that are called during the fit. :class:`skdm2c.Checkpoint` saves the fit so
        that it can be resumed, :class:`skdm2c.EarlyStop` ends phases whose losses no longer
        improve, and subclasses of :class:`skdm2c.Callback` define their own behaviour.
    warm_start : bool, default=False
        If True, clusters that persist keep their numbers (if ``alignment`` is not None), and
        training continues from the networks of the previous fit, which must have had
        the same modalities, columns and network settings.
    verbose : int, default=0
        1 shows a progress bar with the remaining time if rich is installed and the output is a
        terminal or notebook, and prints a few lines for each phase otherwise; 2 prints every
        epoch. Regardless of ``verbose``, the logger "skdm2c" receives phases at INFO level and
        epochs at DEBUG level.
    random_state : int, RandomState or None, default=None
        Random seed. The same int gives the same result on the same machine, whatever the number
        of threads. NumPy's global generator is never used.

    Attributes
    ----------
    labels_ : ndarray of shape (n,)
        Cluster of each row, in the order of the input, with the rows of the first modality
        first.
    cluster_centers_ : ndarray of shape (n_clusters, n_components)
        Mean of each cluster in the unified space.
    embedding_ : ndarray of shape (n, n_components)
        Coordinates of the rows in the unified space.
    modality_ : ndarray of shape (n,) of str
        Modality of each row.
    modality_names_ : tuple of str
        Names of the modalities.
    unified_modality_ : str
        Name of the hub.
    alignment_confidence_ : float
        Estimated probability, in [0, 1], that the clusters are matched correctly *across*
        modalities; with more than two modalities, the minimum over the spokes. 0.0 if nothing
        was matched (``alignment=None`` or ``alignment_epochs=0``).
    alignment_p_value_ : float
        Proportion of random draws in which the centres of unrelated clusters, of the same number
        and spread, match at least as well as the observed ones; with more than two modalities,
        the maximum over the spokes. The smallest possible value is 1 / 41. With three to five
        clusters the value is hardly ever small, since almost any few clusters match well. 1.0 if
        no test was done.
    cluster_confidence_ : ndarray of shape (n_clusters,)
        Like ``alignment_confidence_``, for each cluster. A low value means that the cluster of
        one modality may correspond to another cluster of the other modality.
    matching_ : mapping of str to SpokeMatching
        How the clusters of each modality except the hub were matched with those of the hub:
        shared masses, partners and confidence, in the numbering of ``labels_``. The mapping
        prints as a table, and is empty if nothing was matched.
    history_ : list of dict
        One record for each epoch of each phase, with the keys ``phase``, ``modality`` (if the
        phase trains one modality at a time; "a to b" for a generator), ``epoch``, ``n_epochs``,
        ``seconds`` since the start, and the mean losses by name.
    n_iter_ : int
        Total number of epochs over all phases.
    scaling_ : dict of str to {"columns", "block", "none"}
        How each modality was scaled: by one number for each column ("columns"), by a single
        number ("block"), or not at all ("none").
    n_features_per_modality_ : dict of str to int
        Number of columns of each modality.
    n_features_in_ : int
        Total number of columns over all modalities.
    autoencoders_, generators_, discriminators_ : dict of torch modules
        Copies of the networks. Auto-encoders and discriminators are keyed by modality,
        generators by (source, target).

    Warns
    -----
    AlignmentWarning
        If ``alignment_confidence_`` is below 0.5, unless ``alignment=None``. A search with
        ``refit=True`` warns of its best candidate only.

    See Also
    --------
    MixedModalData : Container of the modalities that works in Pipeline and GridSearchCV.
    PerModality : Preprocessing of each modality, as the first step of a Pipeline.
    ModalityKFold : Cross-validation folds in which every modality is represented.

    Notes
    -----
    In a Pipeline, a plain transformer such as StandardScaler before this estimator would
    transform the first modality only: use :class:`PerModality`.

    Callbacks of scikit-learn 1.9 (``set_callbacks``) are called after every epoch. They receive
    the record of the epoch in ``history_`` as ``context.record`` and, after pretraining, the
    estimator as if the fit had ended there. A callback that returns True ends the phase. Labels
    passed as ``y`` beside a container are used by callbacks only, for instance by
    ``ScoringMonitor``.

    ``MixedModalClustering(**skdm2c.presets.PUBLISHED)`` is the configuration of the paper.

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

    labels_: NDArray[np.int32]
    cluster_centers_: NDArray[np.float64]
    embedding_: FloatRows
    modality_: NDArray[np.str_]
    modality_names_: tuple[str, ...]
    unified_modality_: str
    alignment_confidence_: float
    alignment_p_value_: float
    cluster_confidence_: NDArray[np.float64]
    matching_: Matching
    history_: list[dict[str, Any]]
    n_iter_: int
    scaling_: dict[str, str]
    n_features_per_modality_: dict[str, int]
    n_features_in_: int
    _model: FittedModel
    _reading: Reading

    _doc_link_module = "skdm2c"
    _doc_link_template = DOCUMENTATION

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [COUNT, Mapping],
        "unify_to": [str, NATURAL],
        "alignment": [StrOptions({"geometry"}), HasMethods(["describe", "match"]), None],
        "standardize": ["boolean", StrOptions({"auto"})],
        "n_components": [Number(Integral, 1, MOST_UNITS, closed="both")],
        "n_neighbors": [COUNT],
        "networks": [Networks, None],
        "pretraining": [Pretraining, None],
        "adversarial": [AdversarialTraining, None],
        "pretrain_epochs": [NATURAL],
        "alignment_epochs": [NATURAL],
        "batch_size": [Number(Integral, 2, None, closed="left")],
        "max_epoch_rows": [COUNT, None],
        "learning_rate_schedule": [StrOptions({"constant", "linear"})],
        "lambda_pairs": [WEIGHT],
        "assignment": [StrOptions({"mixture", "kmeans"})],
        "kmeans_n_init": [COUNT],
        "device": [str, Hidden(torch.device)],
        "n_jobs": [COUNT, Number(Integral, None, -1, closed="right"), None],
        "process_group": [StrOptions({"world"}), None],
        "memory": [str, os.PathLike, HasMethods(["cache"]), None],
        "callbacks": [list, tuple],
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
        n_neighbors: int = 15,
        networks: Networks | None = None,
        pretraining: Pretraining | None = None,
        adversarial: AdversarialTraining | None = None,
        pretrain_epochs: int = 30,
        alignment_epochs: int = 15,
        batch_size: int = 256,
        max_epoch_rows: int | None = 10_000,
        learning_rate_schedule: str = "linear",
        lambda_pairs: float = 1.0,
        assignment: str = "mixture",
        kmeans_n_init: int = 10,
        device: str | torch.device = "auto",
        n_jobs: int | None = None,
        process_group: str | None = None,
        memory: Any = None,
        callbacks: Sequence[Callback] = (),
        warm_start: bool = False,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.unify_to = unify_to
        self.alignment = alignment
        self.standardize = standardize
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.networks = networks
        self.pretraining = pretraining
        self.adversarial = adversarial
        self.pretrain_epochs = pretrain_epochs
        self.alignment_epochs = alignment_epochs
        self.batch_size = batch_size
        self.max_epoch_rows = max_epoch_rows
        self.learning_rate_schedule = learning_rate_schedule
        self.lambda_pairs = lambda_pairs
        self.assignment = assignment
        self.kmeans_n_init = kmeans_n_init
        self.device = device
        self.n_jobs = n_jobs
        self.process_group = process_group
        self.memory = memory
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    @isolated
    def fit(self, X: Any, y: Any = None, *others: Any) -> MixedModalClustering:
        """Train the networks and cluster the rows.

        Parameters
        ----------
        X : MixedModalData, MuData, mapping of str to block, or block of shape (n_a, d_a)
            Rows of all modalities in a container, or the block of the first modality. A block is
            an array, sparse matrix, data frame, memory map or AnnData. If a block has column
            names, new rows must have the same names.
        y : block of shape (n_b, d_b) or None
            Block of the second modality if ``X`` is that of the first. One-dimensional labels,
            which other clusterers accept, are ignored. Beside a container, ``y`` is ignored
            altogether, because a Pipeline whose PerModality has read both blocks still passes
            the second one on.
        *others : object
            Not accepted: pass three or more blocks in a container.

        Returns
        -------
        MixedModalClustering
            The fitted estimator. Its attributes change only once training has succeeded: after
            an error or an interrupt, the estimator is in its previous state.

        Raises
        ------
        ValueError
            If a parameter or a block is invalid. The check precedes any training.
        TypeError
            If more than two blocks are passed without a container.
        TrainingDivergedError
            If a loss becomes NaN or infinite.
        """
        if others:
            raise TypeError(
                f"Got {2 + len(others)} blocks; pass more than two in a container: "
                "fit(MixedModalData(X_1, X_2, X_3))."
            )
        attributes = self._fit(X, y)
        # A single update, so that an interrupt, or predict in another thread, sees either the
        # old attributes or the new ones. The old ones are kept alive until then, as releasing
        # them may run destructors in the middle of the update.
        previous_attributes = dict(self.__dict__)
        self.__dict__.update(attributes)
        del previous_attributes
        return self

    def set_params(self, **params: Any) -> MixedModalClustering:
        """Set the parameters of this estimator, or of its nested objects.

        Parameters
        ----------
        **params : object
            Parameters by name. Those of nested objects are written with a double underscore, as
            in ``alignment__n_matches=2``.

        Returns
        -------
        MixedModalClustering
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter does not exist.
        """
        nested = {key.partition("__")[0] for key in params if "__" in key}
        for name in nested & set(OBJECTS) - set(params):
            value = getattr(self, name)
            # A copy, because another estimator or a preset may hold the same object.
            settings = clone(value) if hasattr(value, "get_params") else OBJECTS[name]()
            setattr(self, name, settings)
        super().set_params(**params)
        return self

    def fit_predict(self, X: Any, y: Any = None, *others: Any) -> NDArray[np.int32]:
        """Fit the model and return the cluster labels.

        Parameters
        ----------
        X : MixedModalData, MuData, mapping of str to block, or block of shape (n_a, d_a)
            Rows of all modalities, or the block of the first modality.
        y : block of shape (n_b, d_b) or None
            Block of the second modality if ``X`` is that of the first.
        *others : object
            Not accepted: pass three or more blocks in a container.

        Returns
        -------
        ndarray of shape (n,)
            Cluster of each row, in the order of the container; of two blocks, the rows of the
            first come first.
        """
        labels: NDArray[np.int32] = self.fit(X, y, *others).labels_
        return labels

    def fit_transform(self, X: Any, y: Any = None, *others: Any) -> FloatRows:
        """Fit the model and return the coordinates of the rows in the unified space.

        Parameters
        ----------
        X : MixedModalData, MuData, mapping of str to block, or block of shape (n_a, d_a)
            Rows of all modalities, or the block of the first modality.
        y : block of shape (n_b, d_b) or None
            Block of the second modality if ``X`` is that of the first.
        *others : object
            Not accepted: pass three or more blocks in a container.

        Returns
        -------
        ndarray of shape (n, n_components)
            Coordinates of the rows in the unified space.
        """
        embedding: FloatRows = self.fit(X, y, *others).transform(as_mixed_modal(X, y))
        return embedding

    @isolated
    def transform(self, X: Any, X_b: Any = None, *, modality: str | int | None = None) -> FloatRows:
        """Map rows into the unified space.

        Parameters
        ----------
        X : MixedModalData, MuData, mapping of str to block, or block of shape (n_a, d_a)
            Rows of any modalities in a container, or the block of one modality.
        X_b : block of shape (n_b, d_b), default=None
            Block of the second modality if ``X`` is that of the first.
        modality : str or int, default=None
            Name or number of the modality of ``X``, required if it is the only block.

        Returns
        -------
        ndarray of shape (n, n_components)
            Coordinates of the rows in the unified space.

        Raises
        ------
        ValueError
            If a block is invalid or its modality is unknown.

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
            # set_output wraps the result with the index of X. The index of a data frame of one
            # modality does not fit the rows of two, so the call is repeated with a container.
            data = as_known_modalities(X, model.names, X_b, modality)
            embedding: FloatRows = self.transform(data)
            return embedding
        data = as_known_modalities(X, model.names, X_b, modality)
        embedding = model.embed(data)
        if output_form(self) == "pandas" and data.index is not None:
            import pandas as pd  # installed, as set_output was called

            embedding = pd.DataFrame(embedding, index=data.index)  # set_output names the columns
        return embedding

    @isolated
    def predict(
        self, X: Any, X_b: Any = None, *, modality: str | int | None = None
    ) -> NDArray[np.int32]:
        """Predict the most likely cluster of each row.

        With ``assignment="kmeans"``, this is the nearest cluster.

        Parameters
        ----------
        X : MixedModalData, MuData, mapping of str to block, or block of shape (n_a, d_a)
            Rows of any modalities in a container, or the block of one modality.
        X_b : block of shape (n_b, d_b), default=None
            Block of the second modality if ``X`` is that of the first.
        modality : str or int, default=None
            Name or number of the modality of ``X``, required if it is the only block.

        Returns
        -------
        ndarray of shape (n,)
            Cluster of each row, in the order of the input.

        Raises
        ------
        ValueError
            If a block is invalid or its modality is unknown.

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
        """Predict the probability of each cluster for each row.

        The probabilities are the responsibilities of the Gaussian mixture or, with
        ``assignment="kmeans"``, of spherical Gaussians that have the spread of the clusters. As
        these tend to be overconfident, their logarithms are divided by a temperature of at least
        1 for each modality. It is chosen such that, on average over the rows of the fit, the
        largest probability does not exceed the proportion of nearest neighbours in the data that
        are in the same cluster.

        The most likely cluster is the one that :meth:`predict` returns. Rows whose largest
        probability is below 0.5 lie between clusters and should be treated as unsure. The
        accuracy of the probabilities is measured in docs/score.md. They do not account for
        wrong matches of clusters across modalities: see ``cluster_confidence_``. The less
        a row resembles those of the fit, the closer its probabilities are to equal ones: see
        :meth:`score_samples`.

        Parameters
        ----------
        X : MixedModalData, MuData, mapping of str to block, or block of shape (n_a, d_a)
            Rows of any modalities in a container, or the block of one modality.
        X_b : block of shape (n_b, d_b), default=None
            Block of the second modality if ``X`` is that of the first.
        modality : str or int, default=None
            Name or number of the modality of ``X``, required if it is the only block.

        Returns
        -------
        ndarray of shape (n, n_clusters)
            Probabilities in the order of the input; each row sums to one.

        Raises
        ------
        ValueError
            If a block is invalid or its modality is unknown.

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
        return model.responsibilities(as_known_modalities(X, model.names, X_b, modality))

    @isolated
    def translate(self, X: Any, source: str | int, target: str | int) -> NDArray[np.float64]:
        """Translate rows of one modality into the features of another.

        Rows are encoded, mapped by the generator into the latent space of the target, and
        decoded there.

        Parameters
        ----------
        X : block of shape (n, d_source)
            Rows of the source modality.
        source, target : str or int
            Names or numbers of the modalities.

        Returns
        -------
        ndarray of shape (n, d_target)
            Translated rows, in the units of the target's columns.

        Raises
        ------
        ValueError
            If the block is invalid or a modality is unknown.

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
            raise ValueError("translate takes a block of the source, such as X.blocks['a'].")
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
        """Find the most likely counterparts of rows among the rows of another modality.

        Rows are compared in the unified space, with a correction for rows that are close to many
        others.

        Parameters
        ----------
        X : block of shape (n, d_source)
            Rows of the source modality.
        source, target : str or int
            Names or numbers of the modalities.
        candidates : block of shape (m, d_target), default=None
            Rows of the target to choose from. None uses the target's rows of the fit.
        n_matches : int, default=5
            Number of counterparts per row; reduced to the number of candidates.

        Returns
        -------
        RowMatches
            Row numbers of the counterparts, their weights, and the trust in each row's
            counterparts.

        Raises
        ------
        ValueError
            If a block is invalid, a modality is unknown, ``source`` equals ``target``, or
            ``n_matches`` is not a positive integer.

        References
        ----------
        Conneau, Lample, Ranzato, Denoyer, Jégou, "Word translation without parallel data",
        ICLR 2018 (the correction is called CSLS there).

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
            raise ValueError("match_rows takes a block of the source, such as X.blocks['a'].")
        s, t = (modality_index(m, model.names) for m in (source, target))
        if s == t:
            raise ValueError(f"source and target are both {model.names[s]!r}: name two modalities.")
        if not isinstance(n_matches, Integral) or n_matches < 1:
            raise ValueError(f"n_matches must be a positive integer, got {n_matches!r}.")
        rows = as_known_modalities(X, model.names, modality=s)
        if candidates is None:
            z = self.embedding_[self.modality_ == model.names[t]]
        else:
            z = model.embed(as_known_modalities(candidates, model.names, modality=t))
        if len(z) == 0:
            raise ValueError(f"There are no candidates of {model.names[t]!r} to choose from.")
        neighborhood = self.embedding_[self.modality_ == model.names[s]]
        embedded = model.embed(rows)
        indices, weights = nearest_counterparts(
            embedded, z, neighborhood, min(int(n_matches), len(z))
        )
        responsibilities = model.embedded_responsibilities(embedded, rows.codes)
        z_responsibilities = model.embedded_responsibilities(z, np.full(len(z), t, dtype=np.intp))
        return RowMatches(
            indices,
            weights,
            trust_of_rows(
                indices, weights, responsibilities * self.cluster_confidence_, z_responsibilities
            ),
        )

    @isolated
    def score_samples(
        self, X: Any, X_b: Any = None, *, modality: str | int | None = None
    ) -> NDArray[np.float64]:
        """Score how much each row resembles the rows of the fit; higher is more typical.

        A row is atypical if its density under the mixture is low, or if its auto-encoder
        reconstructs it poorly. The log-density and the negative logarithm of the reconstruction
        error are standardised by their medians and spreads among at most 5000 rows of the same
        modality in the fit; the score is the smaller one. Typical rows score about -0.5. The
        further a row is below the rows of the fit, the closer :meth:`predict_proba` brings its
        probabilities to equal ones; a margin allows for new rows, which are reconstructed less
        well than those of the fit if these were few.

        Parameters
        ----------
        X : MixedModalData, MuData, mapping of str to block, or block of shape (n_a, d_a)
            Rows of any modalities in a container, or the block of one modality.
        X_b : block of shape (n_b, d_b), default=None
            Block of the second modality if ``X`` is that of the first.
        modality : str or int, default=None
            Name or number of the modality of ``X``, required if it is the only block.

        Returns
        -------
        ndarray of shape (n,)
            Scores in the order of the input.

        Raises
        ------
        ValueError
            If a block is invalid or its modality is unknown.

        Examples
        --------
        >>> from skdm2c.datasets import make_mixed_modal_blobs
        >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
        >>> X_a, X_b = X.blocks.values()
        >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X_a, X_b)
        >>> alien = 100 * X_a[:5]
        >>> bool(model.score_samples(alien, modality="a").max() < model.score_samples(X).min())
        True
        """
        model = self._fitted_model()
        return model.familiarity_scores(as_known_modalities(X, model.names, X_b, modality))

    @isolated
    def score(self, X: Any, y: Any = None, sample_weight: None = None) -> float:
        """Score the clustering of ``X`` without labels; higher is better.

        The score is a mean over the modalities present in ``X``. For each of them it is a
        product of three factors: how much more often neighbours in the data share a cluster than
        expected by chance, and how similar the clusters are to those that the fit found in the
        other modalities, in their proportions and in the distances between them.

        Parameters
        ----------
        X : MixedModalData or MuData
            Rows to score. Modalities may be missing, as in a fold of a plain ``KFold``: their
            clusters are remembered from the fit.
        y : ignored
            Not used; present for API consistency, as scikit-learn passes labels.
        sample_weight : None
            Not supported; present because a Pipeline that routes metadata passes it.

        Returns
        -------
        float
            Score of at most 1. It is near 0 if almost all rows are in one cluster, or if each
            modality has clusters of its own.

        Raises
        ------
        ValueError
            If ``X`` is a single block, whose modality is unknown, if ``y`` is a second block, or
            if ``sample_weight`` is given.

        Notes
        -----
        At most 2000 rows of each modality are used. How well scores agree with the ARI of the
        true classes, for many settings, is measured in docs/score.md.

        Examples
        --------
        The true number of clusters scores higher than a smaller one:

        >>> from skdm2c.datasets import make_mixed_modal_blobs
        >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
        >>> three, two = (MixedModalClustering(k, random_state=0).fit(X) for k in (3, 2))
        >>> three.score(X) > two.score(X)
        True
        """
        model = self._fitted_model()
        if sample_weight is not None:
            raise ValueError("score weights all rows equally: leave sample_weight out.")
        container = isinstance(X, MixedModalData) or is_mudata(X)
        if not container or (y is not None and len(np.shape(y)) == 2):
            raise ValueError(
                "score takes rows in a container, as in score(MixedModalData(X_a, X_b)): the "
                "modality of a plain block is unknown, and in a Pipeline a second block would "
                "skip the preprocessing."
            )
        return model.score(as_known_modalities(X, model.names))

    def report(self, path: str | os.PathLike[str] | None = None) -> Report:
        """Summarize the fit in plain words: results, their reliability, and what to try next.

        The report covers the numbers of rows, the alignment and its confidence, the composition
        of each cluster, the clusters that should not be compared across modalities, the training
        and the settings.

        Parameters
        ----------
        path : str or PathLike, default=None
            File to which the report is written as a self-contained HTML page with pictures. This
            requires matplotlib and jinja2 (``pip install skdm2c[report]``).

        Returns
        -------
        Report
            Report that prints as text and is displayed as a page in notebooks.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If ``path`` is not a path, for example a container.
        ImportError
            If ``path`` is given and matplotlib or jinja2 is not installed.

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
        if not isinstance(path, str | os.PathLike | None):
            raise TypeError(
                f"report takes the path of a page to write, got {type(path).__name__}. It reports "
                "on the rows of the fit; for other rows see results_frame(model, X)."
            )
        report = report_on(self)
        if path is not None:
            report.write(path)
        return report

    @property
    def autoencoders_(self) -> dict[str, nn.Module]:
        """Copies of the trained auto-encoders, by modality.

        The model does not change if the copies are trained.
        """
        model = self._fitted_model()
        return dict(zip(model.names, deepcopy(model.system.autoencoders), strict=True))

    @property
    def generators_(self) -> dict[tuple[str, str], nn.Module]:
        """Copies of the trained generators, by (source, target)."""
        model = self._fitted_model()
        return {
            (model.names[s], model.names[t]): deepcopy(model.system.generator_of(s, t))
            for s, t in model.system.edges
        }

    @property
    def discriminators_(self) -> dict[str, nn.Module]:
        """Copies of the trained discriminators, by modality."""
        model = self._fitted_model()
        return dict(zip(model.names, deepcopy(model.system.discriminators), strict=True))

    @property
    def _n_features_out(self) -> int:
        return int(self.cluster_centers_.shape[1])

    @fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def _fit(self, X: Any, y: Any) -> dict[str, Any]:
        # Returns the fitted attributes. Not part of fit, because the estimator must still be
        # unchanged when scikit-learn tears down its callbacks at the end of fit_context.
        data = as_mixed_modal(X, y)
        is_container = data is X or is_mudata(X)
        if not is_container:
            _warn_of_plain_transformers(self)
        plan = self._plan(data.names)
        if plan.aligner and plan.lambda_pairs and data.numbered_pairs:
            _require_use_of_pairs(plan.aligner)
        processes = self._processes()
        prepared = prepare(data, plan.cluster_counts, self.standardize, processes)
        require_small_networks(plan.networks, [rows.shape[1] for rows in prepared.rows])
        previous = self._previous_networks(prepared)
        device = resolve_device(self.device)
        # For None, scikit-learn would draw from NumPy's global generator.
        rng = check_random_state(
            np.random.RandomState() if self.random_state is None else self.random_state
        )
        seeds = processes.once(lambda: tuple(rng.randint(2**31 - 1, size=4).tolist()))
        labels = y if is_container and y is not None and np.ndim(y) == 1 else None
        tasks = EpochTasks(
            self,
            plan.n_epochs,
            data,
            labels,
            partial(fitted_attributes, modality=data.modality, reading=data.reading),
        )
        checkpoint = self._checkpoint()
        other_callbacks = [c for c in self.callbacks if c is not checkpoint]
        fingerprint = {}
        if checkpoint is not None:
            fingerprint = fit_fingerprint(prepared, self.get_params(deep=False), seeds, device)
        # Processes must communicate in the same order, which threads do not ensure.
        n_threads = effective_n_jobs(self.n_jobs) if processes.size == 1 else 1
        with (
            parallel_config("threading", n_jobs=n_threads),
            saved_on_disk(checkpoint, fingerprint, seeds) as (seeds, checkpoints),
            shown_progress(self.verbose, plan.n_epochs) as progress,
        ):
            memories = self._memories(prepared, plan, device)
            callbacks = [*checkpoints, *memories, progress, tasks, *other_callbacks]
            fitted = fit_model(
                Run(
                    prepared,
                    plan,
                    Seeds(*seeds),
                    device,
                    callbacks,
                    previous,
                    None if previous is None else _labels_of(self._model, data),
                    n_threads,
                    processes,
                )
            )
            progress.on_step(_outcome(fitted))
        # Of a search, the refit warns, and not each of the fits.
        if self.alignment is not None and not is_refitted_later():
            warn_of_low_confidence(fitted.model)
        attributes = fitted_attributes(fitted, data.modality, data.reading)
        attributes["cluster_centers_"] = common_centers(
            attributes["labels_"], attributes["cluster_centers_"], processes
        )
        tasks.fit_ended(attributes)
        return attributes

    def _validate_params(self) -> None:
        with short_messages():
            super()._validate_params()

    def _memories(
        self, data: PreparedData, plan: FitPlan, device: torch.device
    ) -> list[PretrainingMemory]:
        # None with callbacks, which expect to be called in every epoch.
        if self.memory is None or self.callbacks or self.process_group:
            return []
        is_path = isinstance(self.memory, str | os.PathLike)
        memory = Memory(self.memory, verbose=0) if is_path else self.memory
        settings = [plan.of_pretraining(), device.type, versions()]
        return [PretrainingMemory(memory, describe_rows(data), settings)]

    def _plan(self, names: tuple[str, ...]) -> FitPlan:
        # The parameter constraints do not check the contents of sequences and mappings; this
        # method does. Numbers become Python's own, because NumPy's narrow integers overflow.
        parameter_names = MixedModalClustering._get_param_names()  # a subclass may have fewer
        parameters: Any = SimpleNamespace(
            **{name: plain_number(getattr(self, name)) for name in parameter_names}
        )
        if parameters.memory is not None and not str(parameters.memory):
            raise ValueError("memory is empty: pass the path of a folder, or '.' for this one.")
        if isinstance(parameters.alignment, type):
            name = parameters.alignment.__name__
            raise ValueError(
                f"alignment must be an instance, got the class {name}: pass alignment={name}()."
            )
        aligner: Aligner | None = None  # without alignment epochs nothing would use a matching
        if parameters.alignment_epochs > 0:
            geometric = parameters.alignment == "geometry"
            aligner = GeometricAlignment() if geometric else parameters.alignment
        _require_callbacks(parameters.callbacks)
        cluster_counts = clusters_per_modality("n_clusters", parameters.n_clusters, names)
        hub = _hub(parameters.unify_to, names)
        networks = checked_settings(parameters.networks or Networks())
        pretraining = checked_settings(parameters.pretraining or Pretraining())
        rates = rates_per_modality("learning_rate", pretraining.learning_rate, len(names))
        adversarial = checked_settings(parameters.adversarial or AdversarialTraining())
        _require_consistent_counts(cluster_counts, names, hub, aligner)
        return FitPlan(
            hub=hub,
            cluster_counts=cluster_counts,
            n_neighbors=parameters.n_neighbors,
            learning_rates=rates,
            aligner=aligner,
            lambda_pairs=parameters.lambda_pairs,
            pretrain_epochs=parameters.pretrain_epochs,
            alignment_epochs=parameters.alignment_epochs,
            batch_size=parameters.batch_size,
            schedule=parameters.learning_rate_schedule,
            max_epoch_rows=parameters.max_epoch_rows,
            networks=Architecture(
                n_components=parameters.n_components,
                autoencoder_hidden_sizes=positive_sizes(
                    "autoencoder_hidden_sizes", networks.autoencoder_hidden_sizes
                ),
                generator_hidden_sizes=positive_sizes(
                    "generator_hidden_sizes", networks.generator_hidden_sizes, at_least=1
                ),
                discriminator_hidden_sizes=positive_sizes(
                    "discriminator_hidden_sizes", networks.discriminator_hidden_sizes
                ),
                normalization=networks.normalization,
                spectral=adversarial.lipschitz == "spectral_norm",
            ),
            clustering=ClusteringSettings(
                max(cluster_counts), parameters.assignment, parameters.kmeans_n_init
            ),
            pretraining=pretraining,
            adversarial=adversarial,
        )

    def _checkpoint(self) -> Checkpoint | None:
        for callback in self.callbacks:
            if isinstance(callback, Checkpoint):
                return callback
        return None

    def _processes(self) -> Processes:
        if self.process_group is None:
            return SINGLE_PROCESS
        if not (distributed.is_available() and distributed.is_initialized()):
            raise ValueError(
                f"process_group={self.process_group!r} needs an initialized process group: start "
                "the program with torchrun, and call torch.distributed.init_process_group() before "
                "fit."
            )
        for name, value in (("Checkpoint", self._checkpoint()), ("warm_start", self.warm_start)):
            if value:
                raise ValueError(
                    f"{name} is not supported with process_group={self.process_group!r}."
                )
        if self.networks is not None and self.networks.normalization == "batch":
            raise ValueError(
                f"normalization='batch' is not supported with "
                f"process_group={self.process_group!r}, as each process would use the means of "
                "its own rows. Use 'layer'."
            )
        return Processes(distributed.group.WORLD)

    def _previous_networks(self, data: PreparedData) -> CrossModalSystem | None:
        model: FittedModel | None = getattr(self, "_model", None)
        if model is None or not self.warm_start:
            return None
        if self._checkpoint() is not None:
            raise ValueError(
                f"{self._checkpoint()!r} cannot save a fit that continues a previous one "
                "(warm_start=True). Remove the callback, or set warm_start=False."
            )
        if model.names != data.names:
            raise ValueError(
                f"warm_start=True continues the previous fit, whose modalities were {model.names}; "
                f"they are now {data.names}. Set warm_start=False to start afresh."
            )
        for old_scaler, new_scaler in zip(model.scalers, data.scalers, strict=True):
            old, new = (getattr(s, "feature_names_in_", None) for s in (old_scaler, new_scaler))
            if old is not None and new is not None and old.tolist() != new.tolist():
                raise ValueError(
                    "warm_start=True continues the previous fit, in which the columns of "
                    f"{old_scaler.name!r} were {reprlib.repr(old.tolist())}; they are now "
                    f"{reprlib.repr(new.tolist())}. Reorder the columns, or set warm_start=False "
                    "to start afresh."
                )
        return model.system

    def _fitted_model(self) -> FittedModel:
        # Each method calls this once, as a fit in another thread may replace the model meanwhile.
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


def fitted_attributes(fitted: Fit, modality: NDArray[np.str_], reading: Reading) -> dict[str, Any]:
    """Return the attributes of a fitted estimator by name.

    ``modality`` holds the modality of each row, ``reading`` how assays were read.
    """
    model, embedding = fitted.model, fitted.embedding
    widths = {scaler.name: int(scaler.n_features_in_) for scaler in model.scalers}
    return {
        "_model": model,
        "_reading": reading,
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
        "scaling_": {scaler.name: scaler.scaling_ for scaler in model.scalers},
        "n_features_per_modality_": widths,
        "n_features_in_": sum(widths.values()),
    }


def _require_callbacks(callbacks: Sequence[Any]) -> None:
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise ValueError(
                "callbacks must contain instances of skdm2c.Callback, such as EarlyStop() or "
                f"Checkpoint(folder), got {callback!r:.200}."
            )
    if sum(isinstance(callback, Checkpoint) for callback in callbacks) > 1:
        raise ValueError(
            "callbacks contains several Checkpoints: a fit is saved in one directory only."
        )


def _warn_of_plain_transformers(estimator: MixedModalClustering) -> None:
    previous_steps = steps_before(estimator)
    if previous_steps:
        name = type(previous_steps[0]).__name__
        warnings.warn(
            f"{name} in this Pipeline transformed only the first block; the second was passed "
            f"through unchanged. Use PerModality(a={name}(), b={name}()) instead.",
            UserWarning,
            stacklevel=caller_level(),
        )


def _require_use_of_pairs(aligner: Aligner) -> None:
    # Known pairs must not be ignored silently.
    parameters = signature(aligner.match).parameters.values()
    if not any(p.name == "pairs" or p.kind is Parameter.VAR_KEYWORD for p in parameters):
        raise ValueError(
            f"The data have known pairs, but {type(aligner).__name__}.match does not accept any. "
            "Add a parameter pairs=None (a skdm2c.alignment.KnownPairs) to it, or set "
            "lambda_pairs=0 to ignore the pairs."
        )


def _require_consistent_counts(
    cluster_counts: tuple[int, ...],
    names: tuple[str, ...],
    hub: int | None,
    aligner: Aligner | None,
) -> None:
    if len(set(cluster_counts)) == 1:
        return
    n_clusters = dict(zip(names, cluster_counts, strict=True))
    if aligner is None:
        raise ValueError(
            f"n_clusters={n_clusters}: the clusters that a modality lacks are identified by "
            "matching, which is disabled (alignment=None or alignment_epochs=0). Pass a single "
            "number."
        )
    if hub is not None and cluster_counts[hub] < max(cluster_counts):
        raise ValueError(
            f"n_clusters={n_clusters}: {names[hub]!r} has fewer clusters than others, so it cannot "
            f"be the hub (unify_to={names[hub]!r}). Choose another modality, or 'auto'."
        )


def _outcome(fitted: Fit) -> str:
    n_clusters = len(np.unique(fitted.labels))
    confidence = ""
    if fitted.model.alignments:
        confidence = f", confidence {_rounded_down(fitted.model.confidence):.2f}"
    return f"{len(fitted.labels):,} rows in {n_clusters} clusters{confidence}"


def _labels_of(model: FittedModel, data: MixedModalData) -> NDArray[np.int32] | None:
    # What a previous fit makes of the rows; nothing if they are too far from those it knows.
    try:
        return model.assign(model.embed(data), data.codes, {})
    except ValueError:
        return None


def _rounded_down(confidence: float) -> float:
    # Ordinary rounding would show a low confidence of 0.496 as a sufficient 0.50.
    return math.floor(100 * confidence) / 100


def warn_of_low_confidence(model: FittedModel) -> None:
    """Warn if clusters were not matched with confidence."""
    if model.confidence < LOW_CONFIDENCE:
        reason = (
            "the geometry that they share does not determine how their clusters match"
            if model.alignments
            else "nothing was matched (alignment_epochs=0)"
        )
        # The text is the same for every fit, so that Python shows it once in a search.
        warnings.warn(
            f"alignment_confidence_ is below {LOW_CONFIDENCE}: cluster numbers cannot be compared "
            f"between modalities, because {reason}. Try other features, fewer clusters or known "
            "pairs; model.report() says more.",
            AlignmentWarning,
            stacklevel=caller_level(),
        )
