"""``MixedModalClustering``: its parameters, its documentation, and methods that hand on."""

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
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import distributed, nn

from ._sklearn import (
    CallbackSupportMixin,
    HasMethods,
    Hidden,
    StrOptions,
    fit_context,
    steps_before,
)
from ._version import DOCUMENTATION
from .alignment import Aligner, GeometricAlignment, RowMatches
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
    short_messages,
)
from .training import (
    AdversarialTraining,
    Callback,
    Checkpoint,
    EpochTasks,
    Pretraining,
    kept_on_disk,
    shown_progress,
)
from .training.fingerprint import fit_fingerprint

LOW_CONFIDENCE = 0.5


class MixedModalClustering(
    CallbackSupportMixin,  # type: ignore[misc]
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    ClusterMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Cluster instances that were each seen in one modality only, without pairs or labels.

    An auto-encoder learns a latent space for each modality, in which the modality is clustered
    by itself. The clusters of the modalities are matched by the geometry that they share. The
    matching teaches generators that map each modality into the latent space of one of them, the
    *hub*, where all rows are clustered together.

    Parameters
    ----------
    n_clusters : int or mapping of str to int, default=8
        Number of clusters over all modalities. If some modalities lack clusters that others
        have, give the number of each by its name, as in ``{"rna": 10, "atac": 9}``. The total is
        the largest of them; ``matching_["atac"].unmatched`` then holds the clusters that
        "atac" lacks.
    unify_to : "auto", str or int, default="auto"
        The hub, by name or number. "auto" chooses the modality whose clusters have the highest
        silhouette in its own latent space.
    alignment : "geometry", Aligner or None, default="geometry"
        How clusters are matched across modalities. "geometry" stands for
        :class:`skdm2c.alignment.GeometricAlignment` with its defaults; pass an instance with
        other settings, or any object with the two methods of
        :class:`skdm2c.alignment.Aligner`. With None, as in the paper, nothing is matched and the
        generators start at random.
    standardize : "auto" or bool, default="auto"
        True scales every column to mean 0 and variance 1. "auto" does the same, except that it
        divides component scores (uncorrelated columns sorted by variance, such as those of PCA
        or truncated SVD) by a single number. ``scaling_`` tells which was done. False leaves the
        data as they are.
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
    pretrain_epochs : int, default=60
        Number of epochs of the first phase, in which each auto-encoder is trained by itself. 0
        skips a phase, here and below.
    alignment_epochs : int, default=80
        Number of epochs of the second phase, in which the generators learn the matching. With 0
        clusters are not matched at all.
    decoder_epochs : int, default=100
        Number of epochs of the last phase, in which the decoders are fitted for ``translate``.
    batch_size : int, default=256
        Number of rows in a training step; in adversarial training summed over the modalities.
    max_epoch_rows : int or None, default=20000
        Maximum number of rows of a modality in an epoch (in adversarial training on average over
        the modalities). From larger data each epoch draws a new sample, so that training time
        does not grow with the number of rows. None uses all rows.
    learning_rate_schedule : {"linear", "constant"}, default="linear"
        Schedule of the learning rate in all phases but adversarial training. "linear" is
        constant in the first half and falls to a hundredth in the second.
    lambda_pairs : float, default=1.0
        Weight of the known pairs, if the data have any, in the matching of clusters and in
        adversarial training. 1 treats the pairs as correct, apart from a few errors; 0 ignores
        them. With two trusted pairs for each cluster, clusters are found in both modalities at
        once. The two rows of a pair get the same label in any case.
    assignment : {"mixture", "kmeans"}, default="mixture"
        Model of the clusters: a Gaussian mixture with one common covariance, or k-means, as in
        the paper.
    kmeans_n_init : int, default=10
        Number of k-means initializations, which are also used to initialize the mixture.
    device : str, default="auto"
        PyTorch device. "auto" chooses cuda, mps or cpu, the first that is available.
    n_jobs : int or None, default=None
        Number of threads that train modalities in parallel; more than there are modalities have
        no effect. None means 1 unless in a :func:`joblib.parallel_config`; -1 means all cores.
        The result does not depend on it. Within a search, set the search's ``n_jobs`` instead.
    process_group : {"world"} or None, default=None
        "world" fits one model with all processes that ``torchrun`` has started. Each process
        passes its own rows and gets their labels; see docs/cores.md.
    callbacks : sequence of Callback, default=()
        What is called while the fit runs: :class:`skdm2c.Checkpoint` saves it so that it can be
        resumed, :class:`skdm2c.EarlyStop` ends phases whose losses no longer improve, and
        subclasses of :class:`skdm2c.Callback` do what you like.
    warm_start : bool, default=False
        True continues from the networks of the previous fit, which must have had the same
        modalities, columns and networks.
    verbose : int, default=0
        1 shows a progress bar with the remaining time if rich is installed and the output is a
        terminal or notebook, and otherwise prints a few lines for each phase; 2 prints every
        epoch. Independently of it, the logger "skdm2c" receives phases at INFO and epochs at
        DEBUG level.
    random_state : int, RandomState or None, default=None
        Random seed. The same int gives the same fit on the same machine, whatever the number of
        threads. NumPy's global generator is never used.

    Attributes
    ----------
    labels_ : ndarray of shape (n,)
        Cluster of each row, in the order of the rows given (A's first).
    cluster_centers_ : ndarray of shape (n_clusters, n_components)
        Mean of each cluster in the unified space, weighted by the rows' responsibilities.
    embedding_ : ndarray of shape (n, n_components)
        The rows in the unified space.
    modality_ : ndarray of shape (n,) of str
        Modality of each row.
    modality_names_ : tuple of str
    unified_modality_ : str
        Name of the hub.
    alignment_confidence_ : float
        In [0, 1]: estimated probability that the clusters are matched correctly *across*
        modalities; with more than two modalities the lowest over the spokes. 0.0 if nothing was
        matched (``alignment=None`` or ``alignment_epochs=0``).
    alignment_p_value_ : float
        Share of draws in which the centres of unrelated clusters, equally many and equally
        spread, match as well as these do; with more than two modalities the largest over the
        spokes. It is at least 1 / 41. With three to five clusters it is hardly ever small, as
        nearly any few clusters match well. 1.0 if it was not tested.
    cluster_confidence_ : ndarray of shape (n_clusters,)
        The same as ``alignment_confidence_`` for each cluster; low if the cluster of one modality
        may correspond to another cluster of the other modality.
    matching_ : mapping of str to SpokeMatching
        For every modality but the hub, how its own clusters were matched with the hub's: shared
        masses, partners and confidence, in the numbering of ``labels_``. Prints as a table; empty
        if nothing was matched.
    history_ : list of dict
        One record for each epoch of each phase: ``phase``, ``modality`` (for generators
        "a to b") where the phase trains one at a time, ``epoch``, ``n_epochs``, ``seconds`` since
        the start, and the mean losses by name.
    n_iter_ : int
        Number of epochs of all phases together.
    scaling_ : dict of str to {"columns", "block", "none"}
        How each modality was scaled: by a number for each column, by a single number, or not.
    n_features_per_modality_ : dict of str to int
        Number of columns of each modality.
    n_features_in_ : int
        Their sum.
    autoencoders_, generators_, discriminators_ : dict of torch modules
        Copies of the networks by modality; of the generators by (source, target).

    Warns
    -----
    AlignmentWarning
        If ``alignment_confidence_`` is below 0.5, unless ``alignment=None``.

    See Also
    --------
    MixedModalData : The container that goes through Pipeline and GridSearchCV.
    PerModality : Preprocessing for each modality; first in a Pipeline.
    ModalityKFold : Folds in which every modality is represented.

    Notes
    -----
    In a Pipeline, a plain transformer such as StandardScaler before this estimator would
    transform the first modality only: use :class:`PerModality`.

    Callbacks of scikit-learn 1.9 (``set_callbacks``) are called after every epoch, with its
    record of ``history_`` as ``context.record`` and, after pretraining, with the estimator as if
    the fit had ended there. A callback that returns True ends the phase. Labels passed as ``y``
    beside a container are used by callbacks only, for instance by ``ScoringMonitor``.

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

    modality_names_: tuple[str, ...]
    _model: FittedModel

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
        "decoder_epochs": [NATURAL],
        "batch_size": [Number(Integral, 2, None, closed="left")],
        "max_epoch_rows": [COUNT, None],
        "learning_rate_schedule": [StrOptions({"constant", "linear"})],
        "lambda_pairs": [WEIGHT],
        "assignment": [StrOptions({"mixture", "kmeans"})],
        "kmeans_n_init": [COUNT],
        "device": [str, Hidden(torch.device)],
        "n_jobs": [COUNT, Number(Integral, None, -1, closed="right"), None],
        "process_group": [StrOptions({"world"}), None],
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
        pretrain_epochs: int = 60,
        alignment_epochs: int = 80,
        decoder_epochs: int = 100,
        batch_size: int = 256,
        max_epoch_rows: int | None = 20_000,
        learning_rate_schedule: str = "linear",
        lambda_pairs: float = 1.0,
        assignment: str = "mixture",
        kmeans_n_init: int = 10,
        device: str | torch.device = "auto",
        n_jobs: int | None = None,
        process_group: str | None = None,
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
        self.decoder_epochs = decoder_epochs
        self.batch_size = batch_size
        self.max_epoch_rows = max_epoch_rows
        self.learning_rate_schedule = learning_rate_schedule
        self.lambda_pairs = lambda_pairs
        self.assignment = assignment
        self.kmeans_n_init = kmeans_n_init
        self.device = device
        self.n_jobs = n_jobs
        self.process_group = process_group
        self.callbacks = callbacks
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
        for name in nested & set(OBJECTS) - set(params):
            value = getattr(self, name)
            # A copy: the object may be another estimator's, or a preset's.
            settings = clone(value) if hasattr(value, "get_params") else OBJECTS[name]()
            setattr(self, name, settings)
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
        return model.responsibilities(as_known_modalities(X, model.names, X_b, modality))

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
        responsibilities = model.embedded_responsibilities(embedded, rows.codes)
        of_candidates = model.embedded_responsibilities(z, np.full(len(z), t, dtype=np.intp))
        return RowMatches(
            indices,
            weights,
            trust_of_rows(
                indices, weights, responsibilities * self.cluster_confidence_, of_candidates
            ),
        )

    @isolated
    def score(self, X: Any, y: Any = None, sample_weight: None = None) -> float:
        """How good the clustering of ``X`` looks without labels; higher is better.

        For each modality that ``X`` has rows of: how much more often neighbours in its data
        share a cluster than by chance, times how alike its clusters are to those that the
        fit found in the other modalities, in responsibilities and in the distances between them.

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
        """Copies of the trained auto-encoders by modality: training them changes no model."""
        model = self._fitted_model()
        return dict(zip(model.names, deepcopy(model.system.autoencoders), strict=True))

    @property
    def generators_(self) -> dict[tuple[str, str], nn.Module]:
        """Copies of the trained generators by (source, target)."""
        model = self._fitted_model()
        return {
            (model.names[s], model.names[t]): deepcopy(model.system.generator_of(s, t))
            for s, t in model.system.edges
        }

    @property
    def discriminators_(self) -> dict[str, nn.Module]:
        """Copies of the trained discriminators by modality."""
        model = self._fitted_model()
        return dict(zip(model.names, deepcopy(model.system.discriminators), strict=True))

    @property
    def _n_features_out(self) -> int:
        return int(self.cluster_centers_.shape[1])

    @fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def _fitted_attributes(self, X: Any, y: Any) -> dict[str, Any]:
        # By itself, so that nothing has changed when scikit-learn tears down callbacks.
        data = as_mixed_modal(X, y)
        container = data is X or is_mudata(X)
        if not container:
            _warn_of_plain_transformers(self)
        plan = self._plan(data.names)
        if plan.aligner and plan.lambda_pairs and data.numbered_pairs:
            _require_use_of_pairs(plan.aligner)
        processes = self._processes()
        prepared = prepare(data, plan.clustering.n_clusters, self.standardize, processes)
        previous = self._previous_networks(prepared)
        device = resolve_device(self.device)
        # None is fresh entropy: scikit-learn would draw from NumPy's global generator.
        random = check_random_state(
            np.random.RandomState() if self.random_state is None else self.random_state
        )
        seeds = processes.once(lambda: tuple(random.randint(2**31 - 1, size=4).tolist()))
        labels = y if container and y is not None and np.ndim(y) == 1 else None
        tasks = EpochTasks(
            self, plan.n_epochs, data, labels, partial(fitted_attributes, modality=data.modality)
        )
        checkpoint = self._checkpoint()
        others = [c for c in self.callbacks if c is not checkpoint]
        identity = {}
        if checkpoint is not None:
            identity = fit_fingerprint(prepared, self.get_params(deep=False), seeds, device)
        with (
            kept_on_disk(checkpoint, identity, seeds) as (seeds, kept),
            shown_progress(self.verbose, plan.n_epochs) as progress,
        ):
            callbacks = [*kept, progress, tasks, *others]
            fitted = fit_model(
                Run(
                    prepared,
                    plan,
                    Seeds(*seeds),
                    device,
                    callbacks,
                    previous,
                    # Several processes must send the same things in the same order.
                    effective_n_jobs(self.n_jobs) if processes.size == 1 else 1,
                    processes,
                )
            )
        if self.alignment is not None:
            _warn_of_low_confidence(fitted.model)
        attributes = fitted_attributes(fitted, data.modality)
        attributes["cluster_centers_"] = common_centers(
            attributes["labels_"], attributes["cluster_centers_"], processes
        )
        tasks.fit_ended(attributes)
        return attributes

    def _validate_params(self) -> None:
        with short_messages():
            super()._validate_params()

    def _plan(self, names: tuple[str, ...]) -> FitPlan:
        # What constraints cannot say is checked here: the contents of sequences. Numbers become
        # Python's own, as NumPy's narrow integers overflow.
        names_here = MixedModalClustering._get_param_names()  # a subclass may have fewer
        given: Any = SimpleNamespace(
            **{name: plain_number(getattr(self, name)) for name in names_here}
        )
        if isinstance(given.alignment, type):
            raise ValueError(
                f"alignment is the class {given.alignment.__name__}: give an instance, "
                f"alignment={given.alignment.__name__}()."
            )
        aligner: Aligner | None = None  # what nobody learns from is not worked out
        if given.alignment_epochs > 0:
            aligner = GeometricAlignment() if given.alignment == "geometry" else given.alignment
        _require_callbacks(given.callbacks)
        own_numbers = clusters_per_modality("n_clusters", given.n_clusters, names)
        hub = _hub(given.unify_to, names)
        networks = checked_settings(given.networks or Networks())
        pretraining = checked_settings(given.pretraining or Pretraining())
        rates = rates_per_modality("learning_rate", pretraining.learning_rate, len(names))
        adversarial = checked_settings(given.adversarial or AdversarialTraining())
        _require_use_of_numbers(own_numbers, names, hub, aligner)
        return FitPlan(
            hub=hub,
            own_numbers=own_numbers,
            n_neighbors=given.n_neighbors,
            learning_rates=rates,
            aligner=aligner,
            lambda_pairs=given.lambda_pairs,
            pretrain_epochs=given.pretrain_epochs,
            alignment_epochs=given.alignment_epochs,
            decoder_epochs=given.decoder_epochs,
            batch_size=given.batch_size,
            schedule=given.learning_rate_schedule,
            max_epoch_rows=given.max_epoch_rows,
            networks=Architecture(
                n_components=given.n_components,
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
            clustering=ClusteringSettings(max(own_numbers), given.assignment, given.kmeans_n_init),
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
                f"process_group={self.process_group!r}, but this process is in none. Start it with "
                "torchrun, and call torch.distributed.init_process_group() before fit."
            )
        for name, given in (("Checkpoint", self._checkpoint()), ("warm_start", self.warm_start)):
            if given:
                raise ValueError(f"{name} cannot be had with process_group={self.process_group!r}.")
        if self.networks is not None and self.networks.normalization == "batch":
            raise ValueError(
                f"normalization='batch' cannot be had with process_group={self.process_group!r}: "
                "each process would have means of its own. Use 'layer'."
            )
        return Processes(distributed.group.WORLD)

    def _previous_networks(self, data: PreparedData) -> CrossModalSystem | None:
        model: FittedModel | None = getattr(self, "_model", None)
        if model is None or not self.warm_start:
            return None
        if self._checkpoint() is not None:
            raise ValueError(
                f"{self._checkpoint()!r} cannot keep a fit with warm_start=True that goes "
                "on from another. Set one of them aside."
            )
        if model.names != data.names:
            raise ValueError(
                "warm_start=True goes on from the fit before, whose modalities were "
                f"{model.names}, and are {data.names} now. Set warm_start=False to begin anew."
            )
        for scaler, now in zip(model.scalers, data.scalers, strict=True):
            then, new = (getattr(d, "feature_names_in_", None) for d in (scaler, now))
            if then is not None and new is not None and then.tolist() != new.tolist():
                raise ValueError(
                    f"warm_start=True continues the fit before, whose columns of {scaler.name!r} "
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
    widths = {scaler.name: int(scaler.n_features_in_) for scaler in model.scalers}
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
        "scaling_": {scaler.name: scaler.scaling_ for scaler in model.scalers},
        "n_features_per_modality_": widths,
        "n_features_in_": sum(widths.values()),
    }


def _require_callbacks(callbacks: Sequence[Any]) -> None:
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise ValueError(
                f"callbacks holds {callback!r:.200}: give instances of skdm2c.Callback, such as "
                "EarlyStop() or Checkpoint(folder)."
            )
    if sum(isinstance(callback, Checkpoint) for callback in callbacks) > 1:
        raise ValueError("callbacks holds several Checkpoints: a fit is saved in one directory.")


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
