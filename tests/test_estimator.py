"""The estimator as users call it: fit, predict, transform, translate, score."""

import io
import logging
import re
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from conftest import TINY
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score, make_scorer

from skdm2c import (
    AdversarialTraining,
    AlignmentWarning,
    Callback,
    Checkpoint,
    EarlyStop,
    MixedModalClustering,
    MixedModalData,
    TrainingDivergedError,
    presets,
)
from skdm2c.alignment import Alignment, GeometricAlignment
from skdm2c.clustering.mixture import Clusters
from skdm2c.datasets import drop_pairing, load_handwritten, make_mixed_modal_blobs
from skdm2c.metrics import evaluate


def test_easy_blobs_are_clustered_across_modalities(blobs):
    X, y = make_mixed_modal_blobs(400, random_state=1)
    model = MixedModalClustering(3, random_state=0).fit(X)
    figures = evaluate(y, model.labels_, model.modality_, model.embedding_)
    assert figures["ari"] > 0.9
    assert figures["transfer_a_b"] > 0.9
    assert model.alignment_confidence_ > 0.5


def test_fitted_attributes(fitted, blobs):
    X, _ = blobs
    n = len(X)
    assert fitted.labels_.shape == (n,)
    assert fitted.labels_.dtype.kind == "i"
    assert fitted.embedding_.shape == (n, 4)
    assert fitted.cluster_centers_.shape == (3, 4)
    assert list(fitted.modality_) == list(X.modality)
    assert fitted.unified_modality_ in X.names
    assert 0 <= fitted.alignment_confidence_ <= 1
    assert fitted.n_features_per_modality_ == {"a": 10, "b": 15}
    assert fitted.n_features_in_ == 25
    assert set(fitted.autoencoders_) == set(fitted.discriminators_) == {"a", "b"}
    assert set(fitted.generators_) == {("a", "b"), ("b", "a")}
    phases = [record["phase"] for record in fitted.history_]
    counts = {phase: phases.count(phase) for phase in phases}
    assert counts == {"pretraining": 6, "alignment": 6, "adversarial": 2}
    assert {"reconstruction", "neighbors"} <= set(fitted.history_[0])
    assert fitted.n_iter_ == len(phases)


def test_predicting_the_training_rows_gives_the_labels(fitted, blobs):
    X, _ = blobs
    a, b = X.blocks.values()
    labels = fitted.labels_
    np.testing.assert_array_equal(fitted.predict(X), labels)
    np.testing.assert_array_equal(fitted.predict(a, b), labels)
    np.testing.assert_array_equal(fitted.predict(a, modality="a"), labels[: len(a)])
    np.testing.assert_array_equal(fitted.predict(b, modality=1), labels[len(a) :])
    np.testing.assert_array_equal(fitted.transform(X), fitted.embedding_)
    np.testing.assert_array_equal(fitted.transform(b, modality="b"), fitted.embedding_[len(a) :])


def test_rows_keep_the_order_they_came_in(fitted, blobs, tiny):
    X, _ = blobs
    order = np.random.RandomState(0).permutation(len(X))
    np.testing.assert_array_equal(fitted.predict(X[order]), fitted.labels_[order])
    model = tiny.fit(X[order])
    np.testing.assert_array_equal(model.modality_, X.modality[order])
    np.testing.assert_array_equal(model.predict(X[order]), model.labels_)


def test_fit_predict_and_fit_transform(blobs, tiny, fitted):
    X, _ = blobs
    a, b = X.blocks.values()
    np.testing.assert_array_equal(tiny.fit_predict(a, b), fitted.labels_)
    np.testing.assert_array_equal(tiny.fit_transform(a, b), fitted.embedding_)
    np.testing.assert_array_equal(tiny.fit_predict(X, np.zeros(len(X))), fitted.labels_)


def test_translate_returns_rows_in_the_targets_units():
    X, _ = make_mixed_modal_blobs(400, random_state=0)
    a, b = X.blocks.values()
    model = MixedModalClustering(3, random_state=0).fit(a, 100 + 5 * b)
    hat = model.translate(a, source="a", target="b")
    assert hat.shape == (len(a), b.shape[1])
    # On average the translated rows lie where B's rows do.
    np.testing.assert_allclose(hat.mean(axis=0), (100 + 5 * b).mean(axis=0), atol=5)
    same = model.translate(a, "a", "a")
    assert np.square(same - a).mean() < 0.5 * a.var(axis=0).mean()


@pytest.mark.slow
def test_three_real_views():
    views, y = load_handwritten(["fac", "kar", "pix"])
    X, y = drop_pairing({name: v[::2] for name, v in views.items()}, y[::2], random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)  # 333 rows a view is not much
        model = MixedModalClustering(10, random_state=0).fit(X)
    assert set(model.generators_) == {
        edge
        for other in set(X.names) - {model.unified_modality_}
        for edge in ((other, model.unified_modality_), (model.unified_modality_, other))
    }
    assert [len(model.translate(X.blocks["fac"], "fac", t)[0]) for t in ("kar", "pix")] == [64, 240]
    figures = evaluate(y, model.labels_, model.modality_, model.embedding_)
    assert figures["gain"] > 0.4
    assert (model.predict(X) == model.labels_).all()


@pytest.mark.parametrize("assignment", ["mixture", "kmeans"])
def test_soft_answers_go_with_the_labels(blobs, tiny, assignment):
    X, _ = blobs
    model = tiny.set_params(assignment=assignment).fit(X)
    shares = model.predict_proba(X)
    assert shares.shape == (120, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_array_equal(shares.argmax(axis=1), model.labels_)
    a, b = X.blocks.values()
    np.testing.assert_array_equal(model.predict_proba(a, b), shares)
    np.testing.assert_array_equal(model.predict_proba(a, modality="a"), shares[:60])
    for m, profile in enumerate(model._model.profiles):
        assert shares[X.codes == m].max(axis=1).mean() <= profile.cohesion + 2e-3


@pytest.mark.parametrize("assignment", ["mixture", "kmeans"])
def test_the_matching_is_told_in_the_numbers_of_labels(assignment):
    X, _ = make_mixed_modal_blobs(400, centers=6, random_state=0)
    model = MixedModalClustering(6, assignment=assignment, pretrain_epochs=20, random_state=0).fit(
        X
    )
    (spoke,) = model.matching_
    found = model.matching_[spoke]
    assert {spoke, model.unified_modality_} == {"a", "b"}
    assert found.confidence == model.alignment_confidence_
    np.testing.assert_array_equal(found.partners, np.arange(6))
    np.testing.assert_array_equal(model.cluster_confidence_, found.cluster_confidence)
    # Masses are shares of rows: those of the labels, where the matching is sure.
    for axis, name in ((1, spoke), (0, model.unified_modality_)):
        shares = np.bincount(model.labels_[model.modality_ == name]) / 200
        np.testing.assert_allclose(found.mass.sum(axis=axis), shares, atol=0.05)
    assert f"Clusters of '{spoke}' matched" in repr(model.matching_)


def test_of_several_spokes_the_worst_counts(tiny):
    views, _ = load_handwritten(("fac", "kar", "pix"))
    X = MixedModalData(*[view[m::40] for m, view in enumerate(views.values())])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = tiny.set_params(n_clusters=4).fit(X)
    assert set(model.matching_) == {"a", "b", "c"} - {model.unified_modality_}
    worst = np.min([s.cluster_confidence for s in model.matching_.values()], axis=0)
    np.testing.assert_array_equal(model.cluster_confidence_, worst)


def test_what_was_not_aligned_is_not_trusted(blobs, tiny):
    model = tiny.set_params(alignment=None).fit(blobs[0])
    assert repr(model.matching_) == "No clusters were matched."
    np.testing.assert_array_equal(model.cluster_confidence_, np.zeros(3))


@pytest.mark.parametrize("hub", ["b", 1])
def test_the_hub_can_be_chosen(blobs, tiny, hub):
    X, _ = blobs
    model = tiny.set_params(unify_to=hub).fit(X)
    assert model.unified_modality_ == "b"
    latents = model.autoencoders_["b"].encoder(
        torch.from_numpy(model._model.scalers[1].transform(X.blocks["b"]))
    )
    np.testing.assert_allclose(
        model.transform(X.blocks["b"], modality="b"), latents.detach(), atol=1e-5
    )


@pytest.mark.parametrize(
    "change",
    [
        {"adversarial__loss": "gan", "adversarial__lipschitz": None},
        {"adversarial__lipschitz": "gradient_penalty"},
        {"adversarial__lipschitz": "clip"},
        {"networks__normalization": "batch", "adversarial__optimizer": "rmsprop"},
        {"networks__normalization": "none"},
        {"alignment": None},
        {"adversarial__autoencoder_learning_rate": 1e-4, "learning_rate_schedule": "constant"},
        {
            "pretraining__lambda_neighbors": 0.0,
            "pretraining__input_noise": 0.0,
            "assignment": "kmeans",
        },
        {"alignment": None, "assignment": "kmeans"},
        {"pretrain_epochs": 0, "alignment_epochs": 0, "adversarial__epochs": 0},
        {"networks__discriminator_hidden_sizes": (), "networks__autoencoder_hidden_sizes": []},
        {"pretraining__learning_rate": [1e-3, 1e-2]},
        {"standardize": False},
        {"batch_size": 1000},
        {"n_clusters": 1},
    ],
    ids=str,
)
def test_every_choice_can_be_fitted(blobs, tiny, change):
    X, _ = blobs
    model = tiny.set_params(**change).fit(X)
    assert np.isfinite(model.embedding_).all()
    assert set(model.labels_) <= set(range(model.n_clusters))


def test_published_is_a_valid_configuration(blobs):
    small = {"pretrain_epochs": 1, "adversarial__epochs": 1}
    model = MixedModalClustering(3, random_state=0, **presets.PUBLISHED).set_params(**small)
    model.fit(blobs[0])
    assert model.unified_modality_ == "a"
    assert model.alignment_confidence_ == 0.0
    assert model.embedding_.shape[1] == 128


@pytest.mark.parametrize(
    "make",
    [pd.DataFrame, sp.csr_matrix, sp.csr_array, np.asfortranarray, lambda x: x[::-1][::-1]],
    ids=["pandas", "csr_matrix", "csr_array", "fortran", "negative strides"],
)
def test_every_form_of_block_gives_the_same_model(blobs, tiny, fitted, make):
    a, b = blobs[0].blocks.values()
    np.testing.assert_array_equal(tiny.fit(make(a), make(b)).labels_, fitted.labels_)


def test_column_names_are_remembered_by_modality(blobs, tiny):
    a, b = (pd.DataFrame(x).add_prefix("col") for x in blobs[0].blocks.values())
    model = tiny.fit(a, b)
    with pytest.raises(ValueError, match=r"(?s)Modality 'b'.*feature names"):
        model.predict(b.rename(columns={"col3": "other"}), modality="b")
    with pytest.warns(UserWarning, match="valid feature names"):
        model.predict(b.to_numpy(), modality="b")


def test_scores_tell_a_good_model_from_a_collapsed_one():
    X, _ = make_mixed_modal_blobs(300, random_state=0)
    good = MixedModalClustering(3, random_state=0).fit(X)
    nothing = dict.fromkeys(["pretrain_epochs", "alignment_epochs"], 0)
    nothing["adversarial"] = AdversarialTraining(epochs=0)
    untrained = MixedModalClustering(3, alignment=None, random_state=0, **nothing).fit(X)
    collapsed = MixedModalClustering(1, random_state=0, **nothing).fit(X)
    assert collapsed.score(X) == 0
    assert collapsed.score(X) < untrained.score(X) < good.score(X) <= 1


def test_score_wants_rows_in_a_container(fitted, blobs):
    X, y = blobs
    assert fitted.score(X, y) == fitted.score(X)
    with pytest.raises(ValueError, match="in a container"):
        fitted.score(X.blocks["a"], X.blocks["b"])


def test_more_clusters_than_prototypes(tiny):
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(40), 3)
    centers = 9 * rng.randn(40, 6)
    A, B = (centers[y] + rng.randn(len(y), 6) for _ in range(2))
    B = B[:50]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = tiny.set_params(n_clusters=40).fit(A, B)
    assert model.cluster_centers_.shape == (40, 4)
    assert (model.predict(A, B) == model.labels_).all()


def test_low_confidence_is_said(tiny):
    rng = np.random.RandomState(0)
    with pytest.warns(AlignmentWarning, match="alignment_confidence_"):
        model = tiny.fit(rng.randn(60, 4), rng.randn(60, 5))
    assert model.alignment_confidence_ < 0.5


def test_the_warning_of_a_low_confidence_is_one_line_and_the_same_for_every_fit(blobs, tiny):
    texts = set()
    for confidence in (0.1, 0.4999):
        almost = Alignment.of_partners([0, 1, 2], confidence=confidence)

        class Unsure(GeometricAlignment):
            def match(self, left, right, rng, pairs=None, almost=almost):
                return almost

        with pytest.warns(AlignmentWarning) as caught:
            tiny.set_params(alignment=Unsure(scalings=("columns",))).fit(blobs[0])
        texts |= {str(warning.message) for warning in caught}
    (text,) = texts
    assert "\n" not in text
    assert "0.50" not in text


def test_an_interrupt_leaves_what_was_there(blobs, tiny, monkeypatch):
    from skdm2c import fitting

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    before = tiny.fit(blobs[0]).labels_.copy()
    state = set(vars(tiny))
    monkeypatch.setattr(fitting, "train_adversarially", interrupt)
    with pytest.raises(KeyboardInterrupt):
        tiny.set_params(n_clusters=2).fit(blobs[0])
    np.testing.assert_array_equal(tiny.labels_, before)
    fresh = MixedModalClustering(3, **TINY)
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(blobs[0])
    assert not any(name.endswith("_") for name in vars(fresh))
    assert state == set(vars(tiny))


@pytest.mark.parametrize(
    ("change", "phase"),
    [
        ({"pretraining__learning_rate": 1e30}, "pretraining"),
        (
            {
                "adversarial__generator_learning_rate": 1e30,
                "adversarial__autoencoder_learning_rate": 1e30,
                "adversarial__optimizer": "rmsprop",
                "networks__normalization": "none",
                "adversarial__epochs": 20,
            },
            "adversarial",
        ),
    ],
)
def test_a_diverged_training_stops_with_its_phase(blobs, tiny, change, phase):
    with pytest.raises(TrainingDivergedError, match=f"{phase}.*Likely cause"):
        tiny.set_params(**change).fit(blobs[0])
    assert not hasattr(tiny, "labels_")


class Recorder:
    """A callback that notes what it is told, and ends a phase after two epochs."""

    def __init__(self):
        self.records, self.ends = [], []

    def setup(self, estimator, context):
        self.ends.append("setup")

    def teardown(self, estimator, context):
        self.ends.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if not hasattr(context, "record"):
            self.ends.append("fit")
            return False
        self.records.append(context.record)
        return context.record["epoch"] == 1


class Logger:
    """Notes the labels that each epoch would end with, as loggers of metrics do."""

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
        if fitted_estimator is not None:
            self.seen.append((fitted_estimator, fitted_estimator.predict(X)))


needs_callbacks = pytest.mark.skipif(
    not hasattr(MixedModalClustering, "set_callbacks"), reason="scikit-learn before 1.9"
)


@needs_callbacks
def test_callbacks_see_every_epoch_and_can_end_a_phase(blobs, tiny):
    callback = Recorder()
    tiny.set_callbacks(callback).fit(blobs[0])
    assert callback.ends == ["setup", "fit", "teardown"]
    assert callback.records == tiny.history_
    phases = [(r["phase"], r["epoch"]) for r in tiny.history_]
    assert phases == [
        (phase, epoch)
        for phase, times in {
            "pretraining": 2,
            "alignment": 2,
            "adversarial": 1,
        }.items()
        for _ in range(times)
        for epoch in (0, 1)
    ]


@needs_callbacks
def test_the_progress_bar_of_scikit_learn(blobs, tiny, fitted):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    labels = tiny.set_callbacks(ProgressBar()).fit(blobs[0]).labels_
    np.testing.assert_array_equal(labels, fitted.labels_)


@needs_callbacks
def test_a_logger_sees_the_estimator_as_it_would_be_fitted_now(blobs, tiny, fitted):
    logger = Logger()
    tiny.set_callbacks(logger).fit(blobs[0])
    np.testing.assert_array_equal(tiny.labels_, fitted.labels_)  # to look changes nothing
    phases = [seen.history_[-1]["phase"] for seen, _ in logger.seen]
    assert phases == ["alignment"] * 6 + ["adversarial"] * 2 + ["adversarial"]
    for seen, labels in logger.seen:
        np.testing.assert_array_equal(seen.labels_, labels)
    np.testing.assert_array_equal(logger.seen[-1][1], tiny.labels_)
    # Latents move while the generator into the hub learns, and in the game, and then no more.
    assert len({seen.embedding_.tobytes() for seen, _ in logger.seen}) == 3 + 2


@needs_callbacks
def test_the_scoring_monitor_of_scikit_learn(blobs, tiny):
    from sklearn.callback import ScoringMonitor

    X, y = blobs
    monitor = ScoringMonitor(
        scoring={
            "ari": make_scorer(adjusted_rand_score, response_method="predict"),
            "label-free": lambda model, X, y: model.score(X),
        }
    )
    tiny.set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs().data
    assert len(log) == 9  # epochs after pretraining, and the fit as a whole
    final = {"ari": adjusted_rand_score(y, tiny.labels_), "label-free": tiny.score(X)}
    assert final in [{name: row[name] for name in final} for row in log]


def test_progress_is_printed(blobs, tiny, capsys):
    tiny.set_params(verbose=1).fit(blobs[0])
    out = capsys.readouterr().out
    assert all(phase in out for phase in ("pretraining a", "neighbors", "alignment", "adversarial"))


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal of 100 columns was sent."""
    rich = pytest.importorskip("rich.console")
    screen = io.StringIO()
    console = rich.Console(file=screen, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr("skdm2c.training.progress._terminal", lambda: console)
    return screen


def test_on_a_terminal_there_is_one_bar_over_all_phases(blobs, tiny, capsys, terminal):
    X = MixedModalData(*blobs[0].blocks.values(), names=("a[b]", "[/red]"))
    tiny.set_params(verbose=1).fit(X)
    seen = terminal.getvalue()
    assert "pretraining [/red]" in seen
    last = [line for line in re.split(r"[\r\n]", seen) if "/14" in line][-1]
    assert "14/14" in last
    assert "left" in last
    assert "0:00:00" in last
    assert not capsys.readouterr().out


def test_training_what_is_handed_out_changes_no_model(fitted, blobs):
    before = fitted.transform(blobs[0])
    for networks in (fitted.autoencoders_, fitted.generators_, fitted.discriminators_):
        for network in networks.values():
            network.train()
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.zero_()
    np.testing.assert_array_equal(fitted.transform(blobs[0]), before)


def test_a_callback_of_ones_own_sees_every_epoch_and_ends_phases(blobs, tiny):
    class Counts(Callback):
        def __init__(self):
            self.seen = []

        def on_epoch_end(self, state, record):
            self.seen.append((state.phase, record["epoch"]))
            return state.phase == "pretraining"

    counts = Counts()
    tiny.set_params(callbacks=[counts]).fit(blobs[0])
    assert len(counts.seen) == tiny.n_iter_
    assert [seen for seen in counts.seen if seen[0] == "pretraining"] == [("pretraining", 0)] * 2
    assert clone(tiny).callbacks[0].seen == counts.seen
    stopped = tiny.set_params(callbacks=[EarlyStop(patience=1, tol=1e6)]).fit(blobs[0])
    assert "EarlyStop(patience=1" in repr(stopped)
    for wrong in ({"patience": 0}, {"patience": 1.5}, {"tol": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            EarlyStop(**wrong)
    with pytest.raises(TypeError, match="folder"):
        Checkpoint(3)


def test_a_bar_is_full_also_where_phases_end_early(blobs, tiny, terminal):
    tiny.set_params(verbose=1, callbacks=[EarlyStop(1, tol=1e6)]).fit(blobs[0])
    assert tiny.n_iter_ == 2 * 5  # one to have a loss, one that does not fall
    last = [line for line in re.split(r"[\r\n]", terminal.getvalue()) if "/10" in line][-1]
    assert "10/10" in last


def test_a_bar_goes_with_an_error(blobs, tiny, terminal):
    with pytest.raises(TrainingDivergedError):
        tiny.set_params(verbose=1, pretraining__learning_rate=1e38).fit(blobs[0])
    assert "\x1b[?25h" in terminal.getvalue()  # the cursor is shown again


def test_without_rich_lines_are_printed(blobs, tiny, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    tiny.set_params(verbose=1).fit(blobs[0])
    assert "pretraining b" in capsys.readouterr().out


def test_the_logger_hears_of_phases_and_epochs_and_is_silent_by_default(blobs, tiny, caplog):
    tiny.fit(blobs[0])
    assert not caplog.records
    with caplog.at_level(logging.INFO, logger="skdm2c"):
        tiny.fit(blobs[0])
    n_steps = 6  # which train nothing, the outcome among them
    assert len(caplog.records) == 5 + n_steps
    assert caplog.records[0].getMessage().startswith("pretraining a")
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="skdm2c"):
        tiny.fit(blobs[0])
    assert len(caplog.records) == 5 + n_steps + tiny.n_iter_


def test_the_history_is_a_data_frame_in_one_call(fitted):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(fitted.history_)
    assert len(frame) == fitted.n_iter_
    assert {"phase", "modality", "epoch", "seconds", "reconstruction", "cycle"} <= set(frame)
    assert frame.groupby("phase")["epoch"].max().to_dict() == {
        "adversarial": 1,
        "alignment": 2,
        "pretraining": 2,
    }


# --- Going on -----------------------------------------------------------------------------


def weights(model):
    return {name: w.clone() for name, w in model._model.system.state_dict().items()}


def test_a_warm_start_goes_on_from_the_networks_that_are_there(blobs, tiny):
    X, _ = blobs
    none = dict.fromkeys(("pretrain_epochs", "alignment_epochs", "adversarial__epochs"), 0)
    before = weights(tiny.fit(X))
    hub = tiny.unified_modality_
    after = weights(tiny.set_params(warm_start=True, unify_to=hub, **none).fit(X))
    assert before.keys() == after.keys()
    for name, weight in before.items():
        assert torch.equal(weight, after[name]), name
    cold = weights(tiny.set_params(warm_start=False).fit(X))
    assert any(not torch.equal(weight, cold[name]) for name, weight in before.items())


def test_a_warm_start_learns_on_and_leaves_what_a_user_has_kept(blobs, tiny):
    X, _ = blobs
    first = tiny.set_params(warm_start=True).fit(X)
    kept, before = first._model, weights(first)
    losses = [r["reconstruction"] for r in first.history_ if r["phase"] == "pretraining"]
    again = [r["reconstruction"] for r in first.fit(X).history_ if r["phase"] == "pretraining"]
    assert again[0] < losses[0]
    assert all(torch.equal(w, before[name]) for name, w in kept.system.state_dict().items())
    assert not hasattr(clone(first), "_model")
    clone(first).fit(X)  # where there is nothing to go on from, it begins


def test_a_warm_start_from_another_hub_keeps_the_auto_encoders(blobs, tiny):
    tiny.set_params(unify_to="a").fit(blobs[0])
    before = weights(tiny)
    tiny.set_params(unify_to="b", warm_start=True, pretrain_epochs=0)
    after = weights(tiny.fit(blobs[0]))
    encoders = [name for name in before if ".encoder." in name and name.startswith("auto")]
    assert encoders
    assert all(torch.equal(before[name], after[name]) for name in encoders)


@pytest.mark.parametrize(
    ("settings", "names", "message"),
    [
        ({"n_components": 5}, ("a", "b"), r"differs in n_components \(then 4, now 5\)"),
        ({}, ("b", "a"), r"warm_start.*\('a', 'b'\).*\('b', 'a'\)"),
        ({}, None, r"differs in numbers of columns \(then \(10, 15\), now \(15, 10\)\)"),
        (
            {"adversarial__lipschitz": "clip"},
            ("a", "b"),
            r"lipschitz=spectral_norm \(then True, now",
        ),
    ],
)
def test_a_warm_start_from_other_networks_is_refused(blobs, tiny, settings, names, message):
    X, _ = blobs
    before = tiny.set_params(warm_start=True).fit(X).labels_
    a, b = X.blocks.values()
    other = MixedModalData(a, b, names=names) if names else MixedModalData(b, a)
    with pytest.raises(ValueError, match=message):
        tiny.set_params(**settings).fit(other)
    assert tiny.labels_ is before


def test_a_warm_start_with_columns_in_another_order_is_refused(blobs, tiny):
    pandas = pytest.importorskip("pandas")
    a, b = blobs[0].blocks.values()
    frame = pandas.DataFrame(a, columns=[*"abcdefghij"])
    tiny.set_params(warm_start=True).fit(frame, b)
    with pytest.raises(ValueError, match=r"columns of 'a'.*\['a', .*\['j', "):
        tiny.fit(frame.iloc[:, ::-1], b)
    tiny.fit(frame, b)


def test_a_divergence_in_the_very_last_step_is_one(blobs, tiny):
    one_step = {
        "batch_size": 1000,
        "adversarial__epochs": 1,
        "adversarial__generator_learning_rate": 1e38,
    }
    with pytest.raises(TrainingDivergedError, match="unified space.*adversarial"):
        tiny.set_params(**one_step, adversarial__autoencoder_learning_rate=1e38).fit(blobs[0])
    alone = {"batch_size": 1000, "pretrain_epochs": 1, "pretraining__learning_rate": 1e38}
    tiny.set_params(pretraining__lambda_neighbors=0, adversarial__autoencoder_learning_rate=0.0)
    with pytest.raises(TrainingDivergedError, match="latent space.*pretraining"):
        tiny.set_params(**alone).fit(blobs[0])


def test_an_alignment_nobody_learned_has_no_confidence(blobs, tiny):
    with pytest.warns(AlignmentWarning):
        assert tiny.set_params(alignment_epochs=0).fit(blobs[0]).alignment_confidence_ == 0


def test_a_warning_made_an_error_leaves_the_estimator_as_it_was(tiny):
    rng = np.random.RandomState(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", AlignmentWarning)
        with pytest.raises(AlignmentWarning):
            tiny.fit(rng.randn(60, 4), rng.randn(60, 5))
    assert not hasattr(tiny, "labels_")


def test_two_rows_are_enough_for_a_batch(tiny):
    rng = np.random.RandomState(0)
    tiny.set_params(batch_size=2, networks__normalization="batch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        assert tiny.fit(rng.randn(13, 4), rng.randn(11, 3)).labels_.shape == (24,)


def test_clusters_keep_their_numbers_in_a_refit_with_warm_start():
    rng = np.random.RandomState(0)
    centers, project = 3 * rng.randn(6, 5), rng.randn(5, 8)
    a = centers[rng.randint(0, 6, 210)] + 0.5 * rng.randn(210, 5)
    b = (centers[rng.randint(0, 6, 210)] + 0.5 * rng.randn(210, 5)) @ project
    model = MixedModalClustering(6, random_state=0, warm_start=True, pretrain_epochs=5)
    before = model.fit(a[:200], b[:200]).labels_
    model.set_params(random_state=7).fit(a, b)
    after = model.labels_[np.r_[:200, 210:410]]
    assert adjusted_rand_score(before, after) > 0.9
    assert (after == before).mean() > 0.9
    # Rows far from those of the previous fit have no previous numbers, and can be fitted.
    model.fit(1e30 * a, 1e30 * b)


def test_the_predicted_cluster_is_the_first_of_the_most_probable(blobs):
    X, _ = blobs
    model = MixedModalClustering(7, random_state=0, **TINY).fit(X)
    far = MixedModalData(*(1e4 * block for block in X.blocks.values()))
    for data in (X, far, X[::3]):
        np.testing.assert_array_equal(model.predict(data), model.predict_proba(data).argmax(axis=1))
    np.testing.assert_array_equal(model.labels_, model.predict_proba(X).argmax(axis=1))


def test_equal_probabilities_are_assigned_to_the_first_cluster():
    # Log-responsibilities of 0 and 1e-17 round to the same probability.
    clusters = Clusters(np.zeros(1), np.eye(1), np.zeros((2, 1)), np.array([0.0, 1e-17]))
    points = np.zeros((1, 1))
    assert clusters.responsibilities(points, 5.0).argmax() == clusters.assign(points, 5.0)[0] == 0


def test_a_translation_that_overflows_names_the_modality_of_the_scale(blobs, tiny):
    a, b = blobs[0].blocks.values()
    model = tiny.set_params(standardize=True).fit(a, 1.7e308 * (b / abs(b).max()))
    with pytest.raises(ValueError, match="Modality 'b'.*units"):
        model.translate(a, source="a", target="b")
    with pytest.raises(ValueError, match="Modality 'a'.*far from"):
        model.translate(1e300 * a, source="a", target="b")


def test_without_pretraining_no_neighbours_are_looked_for(blobs, tiny, monkeypatch):
    monkeypatch.setattr("skdm2c.fitting.row_graph", lambda *_: pytest.fail("a graph was built"))
    tiny.set_params(pretrain_epochs=0).fit(blobs[0])


def test_a_resumed_fit_looks_for_no_neighbours_of_a_phase_that_is_over(
    blobs, tiny, monkeypatch, tmp_path
):
    tiny.set_params(callbacks=[Checkpoint(tmp_path)]).fit(blobs[0])
    monkeypatch.setattr("skdm2c.fitting.row_graph", lambda *_: pytest.fail("a graph was built"))
    tiny.fit(blobs[0])


ALIENS = {
    "large": lambda block, rng: 100 * block,
    "noise": lambda block, rng: 20 * rng.randn(*block.shape),
    "constant": lambda block, rng: np.full_like(block, -40.0),
}


@pytest.mark.parametrize("kind", ALIENS)
def test_rows_unlike_any_in_the_fit_are_scored_low_and_have_no_sure_cluster(kind, blobs):
    X, _ = blobs
    model = MixedModalClustering(3, random_state=0).fit(X)
    rng = np.random.RandomState(0)
    alien = MixedModalData(*(ALIENS[kind](block, rng) for block in X.blocks.values()))
    assert model.score_samples(X).shape == (120,)
    assert model.score_samples(alien).max() < model.score_samples(X).min()
    probabilities = model.predict_proba(alien)
    assert probabilities.max() < 0.8
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), model.predict(alien))


def test_scores_of_samples_do_not_depend_on_the_other_rows_or_their_order(blobs):
    X, _ = blobs
    model = MixedModalClustering(3, random_state=0, **TINY).fit(X)
    scores, order = model.score_samples(X), np.random.RandomState(0).permutation(len(X))
    np.testing.assert_allclose(model.score_samples(X[order]), scores[order], atol=1e-4)
    by_name = model.score_samples(X.blocks["b"], modality="b")
    np.testing.assert_allclose(by_name, scores[X.codes == 1], atol=1e-4)


def test_paired_rows_have_the_probabilities_of_their_instance_also_if_one_is_alien(blobs):
    a, b = blobs[0].blocks.values()
    model = MixedModalClustering(3, random_state=0, **TINY).fit(a, b)
    X = MixedModalData(np.vstack([a[:1], 1e3 * a[1:2]]), b[:2], pairs=[(0, 0), (1, 1)])
    probabilities = model.predict_proba(X)
    np.testing.assert_array_equal(probabilities[:2], probabilities[2:])
    np.testing.assert_array_equal(probabilities.argmax(axis=1), model.predict(X))


@pytest.mark.parametrize("assignment", ["mixture", "kmeans"])
def test_a_warm_start_keeps_the_numbers_of_clusters_without_an_alignment(assignment, blobs, tiny):
    X, _ = blobs
    tiny.set_params(alignment=None, assignment=assignment, warm_start=True)
    before = tiny.fit(X[:110]).labels_
    same = (tiny.set_params(random_state=5).fit(X).labels_[:110] == before).mean()
    assert same > 0.8
