"""Display of rows of one modality translated into the features of another."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import MixedModalData, as_known_modalities, modality_index
from ..data.rows import Matrix, subsample
from .canvas import fitted_estimator, keywords, panels, preprocessed, shown, ticks

MAX_FEATURES = 30
MAX_IMAGES = 20  # clusters or rows
MAX_ROWS = 5000  # rows of each modality from which means and counterparts are computed


class TranslationDisplay:
    """Translation of the source into the target's features, next to the target itself.

    ``from_estimator`` shows the mean of each cluster. If translation and matching are correct,
    both halves look alike, cluster by cluster. If one cluster differs, its match is wrong, or
    the features of the target do not distinguish it. A cluster without rows in a modality is
    left blank there. ``from_matches`` shows single rows next to their most likely counterparts.

    Parameters
    ----------
    translated : ndarray of shape (n, d)
        Cluster means or rows of the source in the target's features. Rows with NaN are left
        blank.
    own : ndarray of shape (n, d)
        Cluster means or rows of the target. Rows with NaN are left blank.
    source, target : str
        Names of the modalities.
    feature_names : sequence of str of length d, default=None
        Names of the target's features.
    image_shape : tuple of int, default=None
        Shape of the picture whose d pixels are the features. If None, profiles are drawn
        instead of pictures.
    trust : ndarray of shape (n,), default=None
        Trust in the counterpart of each row, if single rows are drawn.

    Attributes
    ----------
    ax_ : ndarray of Axes
        Two axes of profiles, for the source and the target; or twice n axes of pictures, first
        those of the source.
    figure_ : Figure
        Figure that contains the axes.

    Examples
    --------
    >>> import numpy as np
    >>> means = np.eye(3)
    >>> TranslationDisplay(means, means, "a", "b").plot().ax_.shape
    (2,)
    """

    def __init__(
        self,
        translated: NDArray[np.floating],
        own: NDArray[np.floating],
        source: str,
        target: str,
        *,
        feature_names: Any = None,
        image_shape: tuple[int, ...] | None = None,
        trust: NDArray[np.floating] | None = None,
    ) -> None:
        self.translated = translated
        self.own = own
        self.source = source
        self.target = target
        self.feature_names = feature_names
        self.image_shape = image_shape
        self.trust = trust

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        source: str | int = 0,
        target: str | int = 1,
        feature_names: Any = None,
        image_shape: tuple[int, ...] | None = None,
        random_state: int = 0,
        ax: Any = None,
        image_kw: dict[str, Any] | None = None,
    ) -> TranslationDisplay:
        """Plot the mean of each cluster of the source, translated, and of the target.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted estimator, or a fitted Pipeline or search that ends with one. The features
            shown are those that the model receives, after the preceding steps of a Pipeline.
        X : MixedModalData or MuData
            Rows of both modalities; the model does not store them. At most 5000 of each,
            sampled at random, are used.
        source, target : str or int, default=0 and 1
            Names or numbers of the modalities.
        feature_names : sequence of str, default=None
            Names of the target's columns. None uses those of the fit, if there were any.
        image_shape : tuple of int, default=None
            Shape (height, width) or (height, width, 3) of pictures whose pixels are the target's
            columns. If None, profiles are drawn.
        random_state : int, default=0
            Random seed of the sampling.
        ax : array-like of Axes, default=None
            Axes to plot on: two for profiles, and two for each cluster shown for pictures. If
            None, a new figure is created.
        image_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        TranslationDisplay
            Display that stores the axes and the means.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``X`` is missing, a modality is unknown, both are the same, one has no rows, or
            ``feature_names`` or ``image_shape`` does not fit the number of the target's columns.
        """
        model, (s, t) = _model_and_modalities(estimator, source, target, feature_names, image_shape)
        names = model.modality_names_
        data = _sampled(estimator, X, (s, t), random_state)
        k = len(model.cluster_centers_)
        labels = model.predict(data)
        translated = model.translate(data.blocks[names[s]], source=s, target=t)
        display = cls(
            _means(translated, labels[data.codes == s], k),
            _means(_original_units(model, data, t), labels[data.codes == t], k),
            names[s],
            names[t],
            feature_names=_feature_names(model, t, feature_names),
            image_shape=image_shape,
        )
        return display.plot(ax=ax, image_kw=image_kw)

    @classmethod
    def from_matches(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        source: str | int = 0,
        target: str | int = 1,
        n_rows: int = 10,
        feature_names: Any = None,
        image_shape: tuple[int, ...] | None = None,
        random_state: int = 0,
        ax: Any = None,
        image_kw: dict[str, Any] | None = None,
    ) -> TranslationDisplay:
        """Plot single rows of the source, translated, next to their most likely counterparts.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted estimator, or a fitted Pipeline or search that ends with one. The features
            shown are those that the model receives, after the preceding steps of a Pipeline.
        X : MixedModalData or MuData
            Rows of both modalities: those of the source are drawn, and those of the target are
            the candidates. At most 5000 of each, sampled at random, are used.
        source, target : str or int, default=0 and 1
            Names or numbers of the modalities.
        n_rows : int, default=10
            Number of rows, sampled at random and sorted by cluster; reduced if the source has
            fewer.
        feature_names : sequence of str, default=None
            Names of the target's columns. None uses those of the fit, if there were any.
        image_shape : tuple of int, default=None
            Shape (height, width) or (height, width, 3) of pictures whose pixels are the target's
            columns. If None, profiles are drawn.
        random_state : int, default=0
            Random seed of the sampling.
        ax : array-like of Axes, default=None
            Axes to plot on: two for profiles, and two for each row shown for pictures. If None,
            a new figure is created.
        image_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        TranslationDisplay
            Display that stores the axes and the rows, with the ``trust`` that
            :meth:`skdm2c.MixedModalClustering.match_rows` returns.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a modality is unknown, both are the same, one has no rows, ``n_rows`` is not a
            positive integer, or ``feature_names`` or ``image_shape`` does not fit the number of
            the target's columns.
        """
        model, (s, t) = _model_and_modalities(estimator, source, target, feature_names, image_shape)
        names = model.modality_names_
        if not isinstance(n_rows, Integral) or n_rows < 1:
            raise ValueError(f"n_rows must be a positive integer, got {n_rows!r}.")
        data = _sampled(estimator, X, (s, t), random_state)
        source_rows = np.flatnonzero(data.codes == s)
        rng = np.random.RandomState(random_state)
        sample = data[source_rows[subsample(len(source_rows), int(n_rows), rng)]]
        rows = sample[np.argsort(model.predict(sample), kind="stable")].blocks[names[s]]
        candidates = data.blocks[names[t]]
        matches = model.match_rows(rows, s, t, candidates=candidates, n_matches=1)
        display = cls(
            model.translate(rows, source=s, target=t),
            _original_units(model, data, t)[matches.rows[:, 0]],
            names[s],
            names[t],
            feature_names=_feature_names(model, t, feature_names),
            image_shape=image_shape,
            trust=matches.trust,
        )
        return display.plot(ax=ax, image_kw=image_kw)

    def plot(self, ax: Any = None, *, image_kw: dict[str, Any] | None = None) -> TranslationDisplay:
        """Plot the profiles or pictures.

        Parameters
        ----------
        ax : array-like of Axes, default=None
            Axes to plot on: two for profiles, and two for each cluster shown for pictures. If
            None, a new figure is created.
        image_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        TranslationDisplay
            The display itself.
        """
        draw = _draw_profiles if self.image_shape is None else _draw_images
        self.figure_, self.ax_ = draw(self, ax, image_kw or {})
        return self


def _check_features(target: str, width: int, feature_names: Any, image_shape: Any) -> None:
    if feature_names is not None and len(feature_names) != width:
        raise ValueError(
            f"feature_names holds {len(feature_names)} names, and {target!r} has {width} columns."
        )
    if image_shape is None:
        return
    sizes = [int(size) for size in image_shape if isinstance(size, Integral) and int(size) > 0]
    fits = len(sizes) == len(image_shape) and int(np.prod(sizes)) == width
    if not fits or len(sizes) not in (2, 3) or (len(sizes) == 3 and sizes[2] not in (3, 4)):
        raise ValueError(
            f"image_shape={image_shape} must be (height, width) or (height, width, 3) with as many "
            f"entries as {target!r} has columns, {width}."
        )


def _model_and_modalities(
    estimator: Any,
    source: str | int,
    target: str | int,
    feature_names: Any,
    image_shape: tuple[int, ...] | None,
) -> tuple[Any, tuple[int, int]]:
    # Checks the arguments; returns the fitted model and the numbers of both modalities.
    model = fitted_estimator(estimator)
    names = model.modality_names_
    s, t = (modality_index(m, names) for m in (source, target))
    if s == t:
        raise ValueError(f"source and target are both {names[s]!r}: name two modalities.")
    _check_features(names[t], model.n_features_per_modality_[names[t]], feature_names, image_shape)
    return model, (s, t)


def _original_units(model: Any, data: MixedModalData, m: int) -> Matrix:
    # Scaling and its inverse turn any kind of block into a dense array in its original units.
    rows: Matrix = model._model.scalers[m].inverse_transform(model._model.scale(data)[m][:])
    return rows


def _feature_names(model: Any, m: int, names: Any) -> Any:
    return getattr(model._model.scalers[m], "feature_names_in_", None) if names is None else names


def _sampled(estimator: Any, X: Any, modalities: tuple[int, int], seed: int) -> MixedModalData:
    names = fitted_estimator(estimator).modality_names_
    if X is None:
        raise ValueError(
            "X is missing: a model holds no rows of its fit, so pass those to translate, as in "
            "TranslationDisplay.from_estimator(model, X)."
        )
    data = as_known_modalities(preprocessed(estimator, X), names)
    rng = np.random.RandomState(seed)
    samples = []
    for m in modalities:
        rows = np.flatnonzero(data.codes == m)
        if not len(rows):
            raise ValueError(f"X has no rows of {data.names[m]!r} to draw.")
        samples.append(rows[subsample(len(rows), MAX_ROWS, rng)])
    return data[np.sort(np.concatenate(samples))]


def _means(rows: NDArray[np.floating], labels: NDArray[np.integer], k: int) -> Matrix:
    means = np.full((k, rows.shape[1]), np.nan)
    for c in np.unique(labels):
        means[c] = rows[labels == c].mean(axis=0)
    return means


def _titles(display: TranslationDisplay) -> tuple[str, str]:
    source, target = shown(display.source), shown(display.target)
    contents = "itself" if display.trust is None else "counterpart"
    return f"{source},\ntranslated to {target}", f"{target}\n{contents}"


def _draw_profiles(display: TranslationDisplay, ax: Any, image_kw: Any) -> tuple[Any, Any]:
    own, translated = display.own, display.translated
    k, d = own.shape
    # Features are standardised by the target's means or rows; the most variable ones are shown.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # features that are NaN in all rows
        center, spread = np.nanmean(own, axis=0), np.nanstd(own, axis=0)
    by_spread = np.argsort(-np.nan_to_num(spread), kind="stable")[:MAX_FEATURES]
    features = np.sort(by_spread)
    scale = np.where(spread > 0, spread, 1.0)
    figure, axes = panels(ax, 2, (5.6, 1.6 + 0.16 * max(min(k, 60), 12)))
    defaults = {"cmap": "RdBu_r", "vmin": -2.5, "vmax": 2.5, "aspect": "auto"}
    kw = keywords("image", defaults | {"interpolation": "nearest"}, image_kw)
    selection = "" if d <= MAX_FEATURES else f", the {MAX_FEATURES} of {d:,} that vary most"
    image = None
    for panel, means, title in zip(axes, (translated, own), _titles(display), strict=True):
        panel.set_facecolor("0.85")  # shows where a cluster has no rows
        image = panel.imshow(((means - center) / scale)[:, features], **kw)
        panel.set(title=title, xlabel=f"feature{selection}", ylabel="cluster", yticks=ticks(k))
        if display.trust is not None:
            panel.set_ylabel("row, by trust in its counterpart")
            panel.set_yticks(ticks(k), [f"{display.trust[i]:.2f}" for i in ticks(k)])
        _name_features(panel, display.feature_names, features)
    label = "cluster mean (z-score)" if display.trust is None else "value (z-score)"
    figure.colorbar(image, ax=list(axes), label=label)
    return figure, axes


def _name_features(ax: Any, names: Any, features: NDArray[np.intp]) -> None:
    if names is None:
        positions = ticks(len(features))
        labels = [str(f) for f in features[positions]]
        ax.set_xticks(positions, labels, rotation=90, fontsize=7)
    else:
        labels = [shown(names[f]) for f in features]
        ax.set_xticks(np.arange(len(features)), labels, rotation=90, fontsize=7)


def _draw_images(display: TranslationDisplay, ax: Any, image_kw: Any) -> tuple[Any, Any]:
    k = min(len(display.own), MAX_IMAGES)
    figure, axes = panels(ax, 2 * k, (1.0, 1.25), (2, k))
    both = np.stack([display.translated[:k], display.own[:k]])
    low, high = np.nanmin(display.own), np.nanmax(display.own)  # one scale for all pictures
    kw = keywords("image", {"cmap": "gray_r", "vmin": 0, "vmax": 1}, image_kw)
    for panel, (side, c) in zip(axes, np.ndindex(2, k), strict=True):
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
        if np.isnan(both[side, c]).any():
            panel.text(0.5, 0.5, "no rows", ha="center", va="center", transform=panel.transAxes)
        else:
            pixels = np.clip((both[side, c] - low) / max(high - low, 1e-12), 0, 1)
            panel.imshow(pixels.reshape(display.image_shape), **kw)
        if side == 0:
            title = str(c) if display.trust is None else f"{display.trust[c]:.2f}"
            panel.set_title(title, fontsize=9)
        if c == 0:
            panel.set_ylabel(_titles(display)[side], fontsize=7)
    selection = "" if k == len(display.own) else f", {k} of {len(display.own)}"
    contents = "cluster means" if display.trust is None else "rows, by trust in the counterpart"
    figure.suptitle(f"{contents}{selection}", fontsize=10)
    return figure, axes
