"""What rows of one modality look like in the features of another."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import MixedModalData, as_known_modalities, modality_index
from ..data.rows import Matrix, subsample
from .canvas import as_it_comes_to_the_model, fitted_estimator, keywords, panels, shown, ticks

MOST_FEATURES = 30
MOST_IMAGES = 20  # clusters or rows
MAX_ROWS = 5000  # rows of each modality that are looked at


class TranslationDisplay:
    """What the source looks like in the target's features, beside the target itself.

    ``from_estimator`` draws the mean of each cluster. Where translation and matching are right,
    both halves are alike, cluster by cluster; where one column of pictures, or one row of a
    profile, is another cluster's, these two were matched wrongly, or the decoder has nothing to
    tell them apart by. A cluster without rows on a side is left blank there. ``from_matches``
    draws single rows, each beside its likeliest counterpart.

    Parameters
    ----------
    translated : ndarray of shape (n, d)
        Means of clusters, or rows, of the source in the target's features; NaN leaves blank.
    own : ndarray of shape (n, d)
        Those of the target; NaN leaves blank.
    source, target : str
    feature_names : sequence of str of length d, default=None
    image_shape : tuple of int, default=None
        Shape of d pixels, row by row: draws pictures in place of profiles.
    trust : ndarray of shape (n,), default=None
        Trust in each counterpart, where single rows are drawn.

    Attributes
    ----------
    ax_ : ndarray of Axes
        Two, of the translated and the own means; of pictures one each, a row a side.
    figure_ : Figure

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
        X: Any,
        *,
        source: str | int = 0,
        target: str | int = 1,
        feature_names: Any = None,
        image_shape: tuple[int, ...] | None = None,
        random_state: int = 0,
        ax: Any = None,
        image_kw: dict[str, Any] | None = None,
    ) -> TranslationDisplay:
        """Translate rows and draw what becomes of their clusters.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted. Features are those that come to the model, after a Pipeline's other steps.
        X : MixedModalData or MuData
            With rows of both modalities; of more than 5000 each as many are drawn at random.
        source, target : str or int, default=0 and 1
            Modalities by name or number.
        feature_names : sequence of str, default=None
            Of the target's columns; None takes those seen in the fit, if there were any.
        image_shape : tuple of int, default=None
            (height, width) or (height, width, 3), where the target's columns are pixels.
        random_state : int, default=0
        ax : array-like of Axes, default=None
            Two for profiles, twice the clusters shown for pictures; None makes a new figure.
        image_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        TranslationDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a modality is unknown, both are the same, one has no rows, or names or a shape do
            not fit the target's columns.
        """
        model, (s, t) = _checked(estimator, source, target, feature_names, image_shape)
        names = model.modality_names_
        data = _some_rows(estimator, X, (s, t), random_state)
        k = len(model.cluster_centers_)
        labels = model.predict(data)
        translated = model.translate(data.blocks[names[s]], source=s, target=t)
        display = cls(
            _means(translated, labels[data.codes == s], k),
            _means(_as_numbers(model, data, t), labels[data.codes == t], k),
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
        X: Any,
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
        """Translate single rows and draw each beside its likeliest counterpart.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted. Features are those that come to the model, after a Pipeline's other steps.
        X : MixedModalData or MuData
            Rows of both modalities: of the source those that are drawn, of the target the
            candidates. Of more than 5000 each as many are drawn at random.
        source, target : str or int, default=0 and 1
            Modalities by name or number.
        n_rows : int, default=10
            Number of rows, drawn at random and ordered by cluster; reduced where the source
            has fewer.
        feature_names : sequence of str, default=None
            Names of the target's columns; None takes those seen in the fit, if there were any.
        image_shape : tuple of int, default=None
            (height, width) or (height, width, 3), where the target's columns are pixels.
        random_state : int, default=0
        ax : array-like of Axes, default=None
            Two for profiles, twice the rows shown for pictures; None makes a new figure.
        image_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        TranslationDisplay
            Its ``trust`` is that of :meth:`skdm2c.MixedModalClustering.match_rows`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a modality is unknown, both are the same, one has no rows, ``n_rows`` is no
            positive integer, or names or a shape do not fit the target's columns.
        """
        model, (s, t) = _checked(estimator, source, target, feature_names, image_shape)
        names = model.modality_names_
        if not isinstance(n_rows, Integral) or n_rows < 1:
            raise ValueError(f"n_rows must be a positive integer, got {n_rows!r}.")
        data = _some_rows(estimator, X, (s, t), random_state)
        of_source = np.flatnonzero(data.codes == s)
        rng = np.random.RandomState(random_state)
        some = data[of_source[subsample(len(of_source), int(n_rows), rng)]]
        some = some[np.argsort(model.predict(some), kind="stable")].blocks[names[s]]
        candidates = data.blocks[names[t]]
        matches = model.match_rows(some, s, t, candidates=candidates, n_matches=1)
        display = cls(
            model.translate(some, source=s, target=t),
            _as_numbers(model, data, t)[matches.rows[:, 0]],
            names[s],
            names[t],
            feature_names=_feature_names(model, t, feature_names),
            image_shape=image_shape,
            trust=matches.trust,
        )
        return display.plot(ax=ax, image_kw=image_kw)

    def plot(self, ax: Any = None, *, image_kw: dict[str, Any] | None = None) -> TranslationDisplay:
        """Draw.

        Parameters
        ----------
        ax : array-like of Axes, default=None
            Two for profiles, twice the clusters shown for pictures; None makes a new figure.
        image_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        TranslationDisplay
            Itself.
        """
        draw = _draw_profiles if self.image_shape is None else _draw_images
        self.figure_, self.ax_ = draw(self, ax, image_kw or {})
        return self


def _check(target: str, width: int, feature_names: Any, image_shape: Any) -> None:
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
            f"image_shape={image_shape} must be (height, width) or (height, width, 3) of as many "
            f"numbers as {target!r} has columns, {width}."
        )


def _checked(
    estimator: Any,
    source: str | int,
    target: str | int,
    feature_names: Any,
    image_shape: tuple[int, ...] | None,
) -> tuple[Any, tuple[int, int]]:
    # The fitted model, and the numbers of both modalities.
    model = fitted_estimator(estimator)
    names = model.modality_names_
    s, t = (modality_index(m, names) for m in (source, target))
    if s == t:
        raise ValueError(f"source and target are both {names[s]!r}: give two modalities.")
    _check(names[t], model.n_features_per_modality_[names[t]], feature_names, image_shape)
    return model, (s, t)


def _as_numbers(model: Any, data: MixedModalData, m: int) -> Matrix:
    # The rows of a modality, dense, in the units they came in.
    rows: Matrix = model._model.scalers[m].inverse_transform(model._model.scale(data)[m][:])
    return rows


def _feature_names(model: Any, m: int, given: Any) -> Any:
    return getattr(model._model.scalers[m], "feature_names_in_", None) if given is None else given


def _some_rows(estimator: Any, X: Any, modalities: tuple[int, int], seed: int) -> MixedModalData:
    names = fitted_estimator(estimator).modality_names_
    data = as_known_modalities(as_it_comes_to_the_model(estimator, X), names)
    rng = np.random.RandomState(seed)
    kept = []
    for m in modalities:
        at = np.flatnonzero(data.codes == m)
        if not len(at):
            raise ValueError(f"X has no rows of {data.names[m]!r}, which are to be drawn.")
        kept.append(at[subsample(len(at), MAX_ROWS, rng)])
    return data[np.sort(np.concatenate(kept))]


def _means(rows: NDArray[np.floating], labels: NDArray[np.integer], k: int) -> Matrix:
    means = np.full((k, rows.shape[1]), np.nan)
    for c in np.unique(labels):
        means[c] = rows[labels == c].mean(axis=0)
    return means


def _titles(display: TranslationDisplay) -> tuple[str, str]:
    source, target = shown(display.source), shown(display.target)
    itself = "itself" if display.trust is None else "counterpart"
    return f"{source},\ntranslated to {target}", f"{target}\n{itself}"


def _draw_profiles(display: TranslationDisplay, ax: Any, image_kw: Any) -> tuple[Any, Any]:
    own, translated = display.own, display.translated
    k, d = own.shape
    # Each feature in units of its spread among what is drawn; those with most are shown.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature of which there is no row
        center, spread = np.nanmean(own, axis=0), np.nanstd(own, axis=0)
    by_spread = np.argsort(-np.nan_to_num(spread), kind="stable")[:MOST_FEATURES]
    features = np.sort(by_spread)
    scale = np.where(spread > 0, spread, 1.0)
    figure, axes = panels(ax, 2, (5.6, 1.6 + 0.16 * max(min(k, 60), 12)))
    usual = {"cmap": "RdBu_r", "vmin": -2.5, "vmax": 2.5, "aspect": "auto"}
    kw = keywords("image", usual | {"interpolation": "nearest"}, image_kw)
    some = "" if d <= MOST_FEATURES else f", the {MOST_FEATURES} of {d:,} that vary most"
    image = None
    for panel, means, title in zip(axes, (translated, own), _titles(display), strict=True):
        panel.set_facecolor("0.85")  # of clusters without rows
        image = panel.imshow(((means - center) / scale)[:, features], **kw)
        panel.set(title=title, xlabel=f"feature{some}", ylabel="cluster", yticks=ticks(k))
        if display.trust is not None:
            panel.set_ylabel("row, by the trust in its counterpart")
            panel.set_yticks(ticks(k), [f"{display.trust[i]:.2f}" for i in ticks(k)])
        _name_features(panel, display.feature_names, features)
    mean = "mean of the cluster, in spreads of clusters"
    label = mean if display.trust is None else "deviation from the mean, in spreads of rows"
    figure.colorbar(image, ax=list(axes), label=label)
    return figure, axes


def _name_features(ax: Any, names: Any, features: NDArray[np.intp]) -> None:
    if names is None:
        at = ticks(len(features))
        ax.set_xticks(at, [str(f) for f in features[at]], rotation=90, fontsize=7)
    else:
        shown_names = [shown(names[f]) for f in features]
        ax.set_xticks(np.arange(len(features)), shown_names, rotation=90, fontsize=7)


def _draw_images(display: TranslationDisplay, ax: Any, image_kw: Any) -> tuple[Any, Any]:
    k = min(len(display.own), MOST_IMAGES)
    figure, axes = panels(ax, 2 * k, (1.0, 1.25), (2, k))
    both = np.stack([display.translated[:k], display.own[:k]])
    low, high = np.nanmin(display.own), np.nanmax(display.own)  # one scale for all
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
    some = "" if k == len(display.own) else f", {k} of {len(display.own)}"
    drawn = "means of clusters" if display.trust is None else "rows, by trust in the counterpart"
    figure.suptitle(f"{drawn}{some}", fontsize=10)
    return figure, axes
