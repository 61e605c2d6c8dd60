"""Cross-validation folds with all modalities, and selection of the number of clusters."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from numbers import Integral
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.parallel import Parallel, delayed  # which pass warning filters on

from .data import MixedModalData, as_mixed_modal, is_mudata
from .exceptions import AlignmentWarning


class ModalityKFold(StratifiedKFold):  # type: ignore[misc]
    """K-fold cross-validator that keeps the proportions of the modalities in each fold.

    Rows of a new container are in block order, and a ``KFold`` without shuffling cuts
    them into consecutive folds, so that a training set can lack a modality and
    cannot be fitted. The training rows are interleaved, so that any leading part of them
    keeps the proportions too, as ``learning_curve`` needs.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    shuffle : bool, default=False
        Whether to shuffle the rows of each modality before splitting.
    random_state : int, RandomState or None, default=None
        Random seed, used if ``shuffle`` is True.

    Examples
    --------
    >>> import numpy as np
    >>> from skdm2c import MixedModalData, ModalityKFold
    >>> X = MixedModalData(np.zeros((4, 3)), np.ones((2, 5)))
    >>> for train, test in ModalityKFold(2).split(X):
    ...     print(X[test].modality)
    ['a' 'a' 'b']
    ['a' 'a' 'b']
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)

    def split(
        self, X: MixedModalData, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Generate indices to split rows into training and test set.

        Parameters
        ----------
        X : MixedModalData of n rows
            Rows to split.
        y, groups : object
            Ignored. Exist for compatibility with scikit-learn.

        Yields
        ------
        train, test : ndarray of int
            Indices of the rows of the training set, the modalities interleaved, and
            of the test set in ascending order.

        Raises
        ------
        TypeError
            If ``X`` is not a MixedModalData.
        ValueError
            If a modality has fewer rows than there are folds.
        """
        if not isinstance(X, MixedModalData):
            raise TypeError(
                f"ModalityKFold splits a MixedModalData, got {type(X).__name__}: "
                "pass MixedModalData(X_a, X_b) to GridSearchCV.fit or cross_validate."
            )
        for name, count in zip(X.names, np.bincount(X.codes, minlength=len(X.names)), strict=True):
            if count < self.n_splits:
                raise ValueError(
                    f"n_splits={self.n_splits} folds need at least as many rows of each modality; "
                    f"{name!r} has {count}."
                )
        for train, test in super().split(np.zeros(len(X)), X.codes):
            yield train[_interleaved(X.codes[train])], test


def _interleaved(codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Order of rows in which each beginning keeps the proportions of the modalities."""
    quantile = np.empty(len(codes))
    for code in np.unique(codes):
        of_modality = codes == code
        count = np.count_nonzero(of_modality)
        quantile[of_modality] = (np.arange(count) + 0.5) / count
    return np.argsort(quantile, kind="stable")


@dataclass(frozen=True)
class NClustersSelection:
    """Scores of a model for several numbers of clusters, and the best model.

    Parameters
    ----------
    n_clusters : ndarray of int of shape (m,)
        Numbers of clusters that were tried.
    scores : ndarray of shape (m,)
        Score of each model, by its method ``score``, on the rows it was fitted to.
    best_estimator : estimator
        Fitted model with the highest score.
    """

    n_clusters: NDArray[np.intp]
    scores: NDArray[np.float64]
    best_estimator: Any

    @property
    def best(self) -> int:
        """Number of clusters with the highest score."""
        return int(self.n_clusters[self.scores.argmax()])

    def __repr__(self) -> str:
        lines = ["n_clusters  score"]
        for k, score in zip(self.n_clusters, self.scores, strict=True):
            lines.append(f"{k:10d}  {score:5.3f}{'  <- best' if k == self.best else ''}")
        return "\n".join(lines)


def select_n_clusters(
    model: Any,
    X: Any,
    n_clusters: Iterable[int],
    *,
    n_jobs: int | None = None,
    verbose: bool = False,
) -> NClustersSelection:
    """Fit a model for each of several numbers of clusters and select the best by its score.

    Parameters
    ----------
    model : MixedModalClustering, or Pipeline that ends with one
        Model to clone and fit. It is not changed itself.
    X : MixedModalData
        Rows to fit and score the models on.
    n_clusters : iterable of int
        Numbers of clusters to try. The score of two clusters is low, since the
        distances between two clusters cannot be compared across modalities.
    n_jobs : int or None, default=None
        Number of fits to run in parallel, as in joblib.
    verbose : bool, default=False
        Whether to print each score as soon as it is known.

    Returns
    -------
    NClustersSelection
        Scores of all numbers of clusters, and the best model.

    Raises
    ------
    ValueError
        If ``n_clusters`` is empty or holds a number below 1 or above the number of
        rows, or if the model has no parameter ``n_clusters``. It is raised before
        anything is fitted.

    Warns
    -----
    AlignmentWarning
        If the ``alignment_confidence_`` of the best model is below 0.5.

    Notes
    -----
    The auto-encoders are pretrained once for all numbers of clusters up to 30, to the same
    result as in separate fits; they are kept in a temporary folder, or in the model's ``memory``.

    Each model is scored on the rows it was fitted to. Scores of held-out rows, as
    ``GridSearchCV(model, {"n_clusters": ...})`` compares them, favour too few clusters
    when a fold has only a few hundred rows. docs/score.md reports how often the
    selected number equals the number of classes.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering, select_n_clusters
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
    >>> model = MixedModalClustering(random_state=0)
    >>> selection = select_n_clusters(model, X, [2, 3])
    >>> selection.best, selection.best_estimator.n_clusters
    (3, 3)
    """
    if isinstance(model, type) or not hasattr(model, "get_params"):
        raise ValueError(f"model must be an estimator, got {reprlib.repr(model)}.")
    container = isinstance(X, MixedModalData) or is_mudata(X)
    if not container and not hasattr(model, "steps"):  # a Pipeline's first step may make one
        raise ValueError("X must be a container: MixedModalData(X_a, X_b).")
    candidates = _checked_candidates(n_clusters, len(as_mixed_modal(X) if container else X))
    names = [name for name in model.get_params() if name.split("__")[-1] == "n_clusters"]
    if len(names) != 1:
        raise ValueError(
            f"select_n_clusters needs a model with one parameter n_clusters, this has {names}."
        )
    memory_name = names[0].removesuffix("n_clusters") + "memory"
    shares = model.get_params().get(memory_name, "") is None
    best: Any = None
    scores: list[float] = []
    with TemporaryDirectory(prefix="skdm2c_") as folder:
        shared = {memory_name: folder} if shares else {}
        fits = Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(_fit_and_score)(clone(model).set_params(**{names[0]: int(k)}, **shared), X)
            for k in candidates
        )
        for k, (fitted, score) in zip(candidates, fits, strict=True):
            if not scores or score > max(scores):
                best = fitted
            scores.append(score)
            if verbose:
                print(f"{len(scores)}/{len(candidates)}: n_clusters={k} has a score of {score:.3f}")
    best.set_params(**dict.fromkeys(shared))  # the folder is gone
    selected = best[-1] if hasattr(best, "steps") else best
    if selected.alignment is not None:
        from .estimator import warn_of_low_confidence  # which imports torch

        warn_of_low_confidence(selected._fitted_model())
    return NClustersSelection(candidates, np.array(scores), best)


def _checked_candidates(n_clusters: Any, n_rows: int) -> NDArray[np.intp]:
    example = "give numbers of clusters, such as range(4, 13)"
    sequence = isinstance(n_clusters, Iterable) and getattr(n_clusters, "ndim", 1) == 1
    if not sequence or isinstance(n_clusters, str | bytes):
        raise ValueError(f"n_clusters={reprlib.repr(n_clusters)} is not a sequence: {example}.")
    candidates: list[Any] = list(n_clusters)
    if not candidates:
        raise ValueError(f"n_clusters holds no number to try: {example}.")
    for k in candidates:
        if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= int(k) <= n_rows:
            raise ValueError(
                f"n_clusters holds {k!r}; it must hold integers from 1 to the number of rows, "
                f"{n_rows}."
            )
    return np.array(candidates, dtype=np.intp)


def _fit_and_score(model: Any, X: Any) -> tuple[Any, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)  # said of the selected model only
        return model, float(model.fit(X).score(X))
