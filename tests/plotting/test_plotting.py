"""Displays hold what they draw, draw where they are told, and say what is wrong."""

import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdm2c import MixedModalClustering, MixedModalData, ModalityKFold, PerModality
from skdm2c.alignment import SpokeMatching
from skdm2c.plotting import (
    MatchingDisplay,
    ModalityMixDisplay,
    TrainingHistoryDisplay,
    TranslationDisplay,
    UnifiedSpaceDisplay,
)
from skdm2c.plotting.canvas import FAINT, shown, ticks
from skdm2c.plotting.unified_space import group_colors

plt = pytest.importorskip("matplotlib.pyplot")
to_rgb = pytest.importorskip("matplotlib.colors").to_rgb

OF_A_MODEL = [MatchingDisplay, ModalityMixDisplay, TrainingHistoryDisplay, UnifiedSpaceDisplay]
HOSTILE = ("<b>rna</b> $\\frac{", "at ac", "c" * 60)


@pytest.fixture
def three_modalities(container, tiny):
    a, b = container.blocks.values()
    return tiny.fit(MixedModalData(a, b, b[:, ::-1], names=HOSTILE))


def spoke(k):
    mass = np.eye(k) / k
    return SpokeMatching(mass, np.arange(k), 0.7, np.linspace(0, 1, k))


@pytest.mark.parametrize("display", OF_A_MODEL)
def test_a_display_draws_into_a_new_figure_or_where_it_is_told(display, fitted):
    made = display.from_estimator(fitted)
    axes = np.atleast_1d(made.ax_).ravel()
    assert all(ax.figure is made.figure_ for ax in axes)
    figure, given = plt.subplots(1, len(axes))
    again = made.plot(ax=given)
    assert again is made
    assert made.figure_ is figure
    assert [*np.atleast_1d(made.ax_).ravel()] == [*np.atleast_1d(given)]


@pytest.mark.parametrize("display", OF_A_MODEL)
def test_a_display_takes_nothing_but_a_fitted_model(display, tiny):
    with pytest.raises(NotFittedError):
        display.from_estimator(tiny)
    with pytest.raises(TypeError, match="estimator must be a fitted MixedModalClustering"):
        display.from_estimator(StandardScaler())


def test_displays_take_a_model_in_a_pipeline_or_search(blobs, tiny):
    pipeline = make_pipeline(PerModality(a=StandardScaler()), tiny)
    grid = {"mixedmodalclustering__n_components": [4]}
    search = GridSearchCV(pipeline, grid, cv=ModalityKFold(2))
    for display in OF_A_MODEL:
        with pytest.raises(NotFittedError):
            display.from_estimator(search)
    search.fit(blobs[0])
    for display in OF_A_MODEL:
        display.from_estimator(search)
        display.from_estimator(search.best_estimator_)


@pytest.mark.parametrize("display", OF_A_MODEL)
def test_a_display_refuses_another_number_of_axes(display, fitted):
    _, given = plt.subplots(1, 7)
    with pytest.raises(ValueError, match=r"ax: this picture has \d panels, got 7 Axes"):
        display.from_estimator(fitted, ax=given)


@pytest.mark.parametrize("display", OF_A_MODEL)
def test_names_of_users_are_drawn_as_they_are(display, three_modalities):
    display.from_estimator(three_modalities).figure_.canvas.draw()  # no formula is read in them


@pytest.mark.parametrize("display", OF_A_MODEL)
def test_without_matplotlib_a_display_says_what_to_install(display, fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="Displays need matplotlib: pip install"):
        display.from_estimator(fitted)


def test_keywords_reach_matplotlib(fitted):
    (points, *_) = UnifiedSpaceDisplay.from_estimator(
        fitted, scatter_kw={"alpha": 0.1}
    ).ax_.collections
    assert points.get_alpha() == 0.1
    (bar, *_) = ModalityMixDisplay.from_estimator(fitted, bar_kw={"hatch": "x"}).ax_.patches
    assert bar.get_hatch() == "x"
    (line, *_) = TrainingHistoryDisplay.from_estimator(fitted, line_kw={"lw": 7}).ax_[0].lines
    assert line.get_linewidth() == 7
    (image,) = MatchingDisplay.from_estimator(fitted, image_kw={"cmap": "gray"}).ax_.images
    assert image.get_cmap().name == "gray"


@pytest.mark.parametrize(
    ("display", "given"),
    [
        (UnifiedSpaceDisplay, {"scatter_kw": {"lw": 1, "ec": "red", "marker": "s", "label": "l"}}),
        (UnifiedSpaceDisplay, {"color": "probability", "scatter_kw": {"norm": "log", "lw": 1}}),
        (UnifiedSpaceDisplay, {"color": "probability", "scatter_kw": {"cmap": "magma"}}),
        (ModalityMixDisplay, {"bar_kw": {"ec": "red", "lw": 2, "label": "l", "fc": "blue"}}),
        (TrainingHistoryDisplay, {"line_kw": {"c": "red", "ls": ":", "lw": 2, "label": "l"}}),
        (MatchingDisplay, {"image_kw": {"norm": "linear"}, "bar_kw": {"fc": "red", "lw": 1}}),
    ],
)
def test_keywords_may_have_any_of_matplotlibs_names(display, given, fitted):
    display.from_estimator(fitted, **given).figure_.canvas.draw()


def test_colours_of_points_are_said_by_color(fitted):
    with pytest.raises(ValueError, match="scatter_kw holds a colour: .* with color="):
        UnifiedSpaceDisplay.from_estimator(fitted, scatter_kw={"c": "red"})


def test_values_that_are_no_numbers_are_faint_and_leave_the_scale_alone(fitted):
    values = np.linspace(0, 1, 120)
    values[[3, 70]], values[9] = np.nan, np.inf
    display = UnifiedSpaceDisplay.from_estimator(fitted, color=values)
    display.figure_.canvas.draw()
    assert sum(len(points.get_offsets()) for points in display.ax_.collections) == 120
    first = display.ax_.collections[0]
    assert first.get_clim() == (0.0, 1.0)
    np.testing.assert_allclose(first.get_facecolors()[3, :3], to_rgb(FAINT))
    np.testing.assert_allclose(first.get_facecolors()[9, :3], to_rgb(FAINT))
    nothing = UnifiedSpaceDisplay.from_estimator(fitted, color=np.full(120, np.nan))
    nothing.figure_.canvas.draw()


def test_few_rows_are_drawn_too(fitted, blobs):
    one = UnifiedSpaceDisplay.from_estimator(fitted, blobs[0][:1], color="probability")
    assert one.points.shape == (1, 2)
    with pytest.raises(ValueError, match="X has no rows to draw"):
        UnifiedSpaceDisplay.from_estimator(fitted, blobs[0][:0])
    with pytest.raises(ValueError, match='projection="tsne" needs 5 rows, got 1: use "pca"'):
        UnifiedSpaceDisplay.from_estimator(fitted, max_points=1, projection="tsne")
    UnifiedSpaceDisplay.from_estimator(fitted, max_points=5, projection="tsne")


# --- The unified space --------------------------------------------------------------------


def test_rows_of_the_fit_and_the_same_rows_given_are_at_the_same_place(fitted, blobs):
    own = UnifiedSpaceDisplay.from_estimator(fitted)
    given = UnifiedSpaceDisplay.from_estimator(fitted, blobs[0])
    np.testing.assert_array_equal(own.points, given.points)
    assert own.points.shape == (120, 2)
    assert own.ax_.get_title() == "unified space"


def test_pca_keeps_the_largest_distances(fitted):
    found = UnifiedSpaceDisplay.from_estimator(fitted).points
    spread = np.linalg.svd(fitted.embedding_ - fitted.embedding_.mean(axis=0))[1]
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), spread[:2], rtol=1e-4)


def test_colours_tell_apart_what_was_asked_for(fitted, blobs):
    X, y = blobs
    values = {
        "modality": fitted.modality_,
        "cluster": fitted.labels_,
        "probability": fitted.predict_proba(X).max(axis=1),
    }
    for color, expected in values.items():
        found = UnifiedSpaceDisplay.from_estimator(fitted, color=color)
        np.testing.assert_array_equal(found.values, expected)
    found = UnifiedSpaceDisplay.from_estimator(fitted, color=y)
    assert [text.get_text() for text in found.ax_.get_legend().get_texts()]
    np.testing.assert_array_equal(found.values, y)
    UnifiedSpaceDisplay.from_estimator(fitted, color=np.array(["x", None] * 60, dtype=object))


def test_of_many_rows_some_are_drawn_and_the_title_says_so(fitted):
    found = UnifiedSpaceDisplay.from_estimator(fitted, max_points=50, color="cluster")
    assert found.points.shape == (50, 2)
    assert found.ax_.get_title() == "unified space, 50 of 120 rows"
    assert sum(len(points.get_offsets()) for points in found.ax_.collections) == 50


@pytest.mark.parametrize(("n", "pixels"), [(100, False), (5000, True)])
def test_many_points_are_drawn_as_pixels(n, pixels):
    names, points = ("a", "b"), np.random.RandomState(0).randn(n, 2)
    display = UnifiedSpaceDisplay(
        points,
        np.arange(n) % 60,
        np.array(names)[np.arange(n) % 2],
        modality_names=names,
        values_name="cluster",
        projection="pca",
        n_rows=1_000_000,
    ).plot()
    assert {drawn.get_rasterized() for drawn in display.ax_.collections} == {pixels}
    assert {text.get_text() for text in display.ax_.texts} == set(map(str, range(60)))


def test_tsne_is_the_same_for_the_same_seed(fitted):
    one, other = (
        UnifiedSpaceDisplay.from_estimator(fitted, projection="tsne", max_points=40)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.points, other.points)
    assert one.ax_.get_xlabel() == "t-SNE 1"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"color": "colour"}, "color must be one of .*got 'colour'"),
        ({"color": [1, 2]}, r"color must hold one value for each of the 120 rows.*\(2,\)"),
        ({"projection": "isomap"}, "projection must be one of .*got 'isomap'"),
        ({"max_points": 0}, "max_points must be at least 1, got 0"),
    ],
)
def test_bad_arguments_are_named(fitted, given, message):
    with pytest.raises(ValueError, match=message):
        UnifiedSpaceDisplay.from_estimator(fitted, **given)


def test_without_umap_one_is_told_what_to_install(fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match="needs umap-learn"):
        UnifiedSpaceDisplay.from_estimator(fitted, projection="umap")


def test_a_space_of_one_dimension_is_drawn_as_a_line(blobs, tiny):
    model = tiny.set_params(n_components=1).fit(blobs[0])
    found = UnifiedSpaceDisplay.from_estimator(model).points
    np.testing.assert_array_equal(found, np.column_stack([model.embedding_, np.zeros(120)]))


@pytest.mark.parametrize("n", [1, 2, 8, 9, 10, 11, 60, 500])
def test_groups_have_colours_of_their_own(n):
    assert len(np.unique(group_colors(n), axis=0)) >= min(n, 200)


# --- Matching and mix ---------------------------------------------------------------------


def test_the_matrix_holds_the_shares_of_each_row_and_bars_the_confidence(fitted):
    display = MatchingDisplay.from_estimator(fitted)
    (found,) = fitted.matching_.values()
    drawn = display.ax_.images[0].get_array()
    np.testing.assert_allclose(drawn, found.mass / found.mass.sum(axis=1, keepdims=True))
    bars = [bar.get_width() for bar in display.bar_ax_.patches]
    np.testing.assert_allclose(bars, found.cluster_confidence)
    assert f"confidence {found.confidence:.2f}" in display.ax_.get_title()


@pytest.mark.parametrize("k", [1, 2, 12, 13, 60])
def test_a_matching_of_few_or_many_clusters(k):
    display = MatchingDisplay("rna", {"atac": spoke(k)}).plot()
    assert len(display.ax_.texts) == (k if k <= 12 else 0)
    assert len(display.ax_.get_xticks()) <= 15


def test_three_modalities_have_a_panel_a_spoke(three_modalities):
    display = MatchingDisplay.from_estimator(three_modalities)
    assert display.ax_.shape == display.bar_ax_.shape == (2,)


def test_where_nothing_was_matched_there_is_nothing_to_draw(blobs, tiny):
    with pytest.raises(ValueError, match="has matched no clusters"):
        MatchingDisplay.from_estimator(tiny.set_params(alignment=None).fit(blobs[0]))


def test_bars_are_shares_and_the_line_what_was_expected():
    display = ModalityMixDisplay(np.array([[30, 10], [0, 0], [60, 20]]), ["a", "b"]).plot()
    widths = [bar.get_width() for bar in display.ax_.patches]
    assert widths == [0.75, 0, 0.75, 0.25, 0, 0.25]
    assert list(display.ax_.lines[0].get_xdata()) == [0.75, 0.75]


@pytest.mark.parametrize("k", [1, 2, 30, 60])
def test_a_mix_of_few_or_many_clusters_is_no_taller_than_a_page(k):
    display = ModalityMixDisplay(np.ones((k, 3), dtype=int), HOSTILE).plot()
    assert len(display.ax_.patches) == 3 * k
    assert display.figure_.get_figheight() < 12


def test_every_row_is_counted_once(fitted, blobs):
    display = ModalityMixDisplay.from_estimator(fitted)
    assert display.counts.sum(axis=0).tolist() == [60, 60]
    np.testing.assert_array_equal(display.counts.sum(axis=1), np.bincount(fitted.labels_))


# --- History ------------------------------------------------------------------------------


def test_each_phase_has_a_panel_and_each_loss_a_line(fitted):
    display = TrainingHistoryDisplay.from_estimator(fitted)
    assert [ax.get_title() for ax in display.ax_] == [
        "pretraining",
        "alignment",
        "adversarial",
    ]
    pretraining = display.ax_[0].lines
    assert len(pretraining) == 4  # two losses of two modalities
    expected = [r["reconstruction"] for r in fitted.history_ if r.get("modality") == "a"][:3]
    np.testing.assert_allclose(pretraining[0].get_ydata(), expected)
    labels = [text.get_text() for text in display.ax_[2].get_legend().get_texts()]
    assert "cycle consistency, $L_{cyc}$ (2)" in labels


def test_a_model_without_epochs_has_no_history(blobs):
    none = dict.fromkeys(("pretrain_epochs", "adversarial__epochs"), 0)
    model = MixedModalClustering(3, alignment=None, random_state=0).set_params(**none)
    model.fit(blobs[0])
    with pytest.raises(ValueError, match="no phase of this model had an epoch"):
        TrainingHistoryDisplay.from_estimator(model)


# --- Translation --------------------------------------------------------------------------


def test_translated_means_are_those_of_translate(fitted, blobs):
    X = blobs[0]
    display = TranslationDisplay.from_estimator(fitted, X, source="b", target="a")
    labels, (x_a, x_b) = fitted.labels_, X.blocks.values()
    translated = fitted.translate(x_b, "b", "a")
    for c in np.unique(labels):
        of_it = labels == c
        np.testing.assert_allclose(
            display.own[c], x_a[of_it[:60]].mean(axis=0), rtol=1e-3, atol=1e-4
        )
        if of_it[60:].any():
            expected = translated[of_it[60:]].mean(axis=0)
            np.testing.assert_allclose(display.translated[c], expected, rtol=1e-4)
        else:
            assert np.isnan(display.translated[c]).all()


def test_a_cluster_without_rows_is_left_blank(fitted, blobs):
    own, translated = np.ones((3, 6)), np.ones((3, 6))
    own[1] = translated[2] = np.nan
    display = TranslationDisplay(translated, own, "a", "b", image_shape=(2, 3)).plot()
    texts = [[text.get_text() for text in ax.texts] for ax in display.ax_]
    assert texts == [[], [], ["no rows"], [], ["no rows"], []]
    TranslationDisplay(translated, own, "a", "b").plot().figure_.canvas.draw()
    one_of_a = (fitted.labels_ == fitted.labels_[0]) | (fitted.modality_ == "b")
    found = TranslationDisplay.from_estimator(fitted, blobs[0][one_of_a])
    assert np.isnan(found.translated).any(axis=1).sum() == 2
    found.figure_.canvas.draw()


def test_of_many_features_those_are_shown_that_vary_most():
    own = np.zeros((2, 100))
    own[1, 70:] = 1
    display = TranslationDisplay(own, own, "a", "b", feature_names=[f"f{i}" for i in range(100)])
    display.plot()
    names = [text.get_text() for text in display.ax_[0].get_xticklabels()]
    assert names == [f"f{i}" for i in range(70, 100)]
    assert "the 30 of 100 that vary most" in display.ax_[0].get_xlabel()


def test_names_of_columns_are_those_of_the_fit(tiny, blobs):
    pandas = pytest.importorskip("pandas")
    a, b = blobs[0].blocks.values()
    frame = pandas.DataFrame(b, columns=[f"gene {i}" for i in range(15)])
    X = MixedModalData(a, frame)
    display = TranslationDisplay.from_estimator(tiny.fit(X), X)
    assert display.ax_[0].get_xticklabels()[0].get_text() == "gene 0"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"source": "b"}, "source and target are both 'b'"),
        ({"target": "c"}, "'c'"),
        ({"image_shape": (4, 4)}, r"image_shape=\(4, 4\) must be .* as 'b' has columns, 15"),
        ({"image_shape": (15,)}, r"image_shape=\(15,\) must be"),
        ({"image_shape": (-3, -5)}, r"image_shape=\(-3, -5\) must be"),
        ({"image_shape": (1, 3, 5)}, r"image_shape=\(1, 3, 5\) must be"),
        ({"feature_names": ["x", "y"]}, "feature_names holds 2 names, and 'b' has 15 columns"),
    ],
)
def test_bad_translations_are_named(fitted, blobs, given, message):
    with pytest.raises(ValueError, match=message):
        TranslationDisplay.from_estimator(fitted, blobs[0], **given)


def test_single_rows_are_drawn_beside_their_likeliest_counterparts(fitted, blobs):
    X = blobs[0]
    display = TranslationDisplay.from_matches(fitted, X, source="b", target="a", n_rows=7)
    x_a, x_b = X.blocks.values()
    translated = fitted.translate(x_b, "b", "a")
    rows = [int(np.abs(translated - row).sum(axis=1).argmin()) for row in display.translated]
    np.testing.assert_allclose(display.translated, translated[rows], rtol=1e-4, atol=1e-5)
    labels = fitted.predict(x_b[rows], modality="b")
    assert (np.diff(labels) >= 0).all()
    matches = fitted.match_rows(x_b[rows], "b", "a", candidates=x_a, n_matches=1)
    np.testing.assert_allclose(display.own, x_a[matches.rows[:, 0]], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(display.trust, matches.trust, atol=1e-5)
    assert len(display.own) == 7
    pictures = TranslationDisplay.from_matches(fitted, X, n_rows=3, image_shape=(3, 5))
    assert pictures.ax_.size == 6
    pictures.figure_.canvas.draw()
    with pytest.raises(ValueError, match="n_rows"):
        TranslationDisplay.from_matches(fitted, X, n_rows=0)


def test_a_translation_goes_through_the_steps_of_a_pipeline(tiny, blobs):
    X = blobs[0]
    before = PerModality(a=StandardScaler(), b=PCA(5, random_state=0))
    pipeline = make_pipeline(before, tiny).fit(X)
    whole = TranslationDisplay.from_estimator(pipeline, X)
    last = TranslationDisplay.from_estimator(pipeline[-1], pipeline[:-1].transform(X))
    np.testing.assert_array_equal(whole.own, last.own)
    np.testing.assert_array_equal(whole.translated, last.translated)
    assert whole.own.shape == (3, 5)


def test_a_translation_needs_rows_of_both(fitted, blobs):
    with pytest.raises(ValueError, match="X has no rows of 'b'"):
        TranslationDisplay.from_estimator(fitted, blobs[0][:60])


# --- What they share ----------------------------------------------------------------------


def test_ticks_are_few_and_round():
    for n in (1, 30, 31, 60, 61, 1000, 123_456):
        found = ticks(n)
        assert found[0] == 0
        assert 1 <= len(found) <= 30
        assert str(np.diff(found)[:1].sum() or 1).rstrip("0") in {"1", "2", "5"}


@pytest.mark.parametrize("name", [*HOSTILE, "two\nlines"])
def test_a_shown_name_is_one_short_line(name):
    assert "\n" not in shown(name)
    assert len(shown(name)) <= 30
