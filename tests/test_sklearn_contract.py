"""A citizen of scikit-learn: its own checks, and the tools people use it with."""

import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from conftest import TINY
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    RandomizedSearchCV,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import ClassifierTags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.parallel import Parallel as SklearnParallel
from sklearn.utils.parallel import delayed as sklearn_delayed

from skdm2c import (
    AlignmentWarning,
    MixedModalClustering,
    MixedModalData,
    ModalityKFold,
    PerModality,
    select_n_clusters,
)
from skdm2c.datasets import make_mixed_modal_blobs


def both_ways(X):
    """A block and the same block with its columns reversed, as two modalities."""
    if isinstance(X, MixedModalData):
        return X
    X = X.tocsr() if scipy.sparse.issparse(X) else X
    reverse = X.iloc[:, ::-1] if hasattr(X, "iloc") else X[..., ::-1]
    return MixedModalData(X, reverse)


class OneBlock(MixedModalClustering):
    """The estimator for data of one block, so that scikit-learn's checks can run on it.

    A is the block, B the same with its columns reversed, and ``labels_`` is cut
    to A's rows.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray
    """

    def fit(self, X, y=None):
        super().fit(both_ways(_block(X)))
        self.labels_ = self.labels_[: len(self.labels_) // 2]
        self.n_features_in_ = self._model.scalers[0].n_features_in_
        if hasattr(self._model.scalers[0], "feature_names_in_"):
            self.feature_names_in_ = self._model.scalers[0].feature_names_in_
        return self

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)

    def transform(self, X):
        sklearn.utils.validation.check_is_fitted(self)
        if isinstance(X, MixedModalData):  # from transform itself
            return super().transform(X)
        return super().transform(_block(X), modality="a")

    def predict(self, X):
        sklearn.utils.validation.check_is_fitted(self)
        if isinstance(X, MixedModalData):  # from score
            return super().predict(X)
        return super().predict(_block(X), modality="a")

    def predict_proba(self, X):
        sklearn.utils.validation.check_is_fitted(self)
        return super().predict_proba(_block(X), modality="a")

    def score_samples(self, X):
        sklearn.utils.validation.check_is_fitted(self)
        return super().score_samples(_block(X), modality="a")

    def score(self, X, y=None):
        sklearn.utils.validation.check_is_fitted(self)
        return super().score(both_ways(_block(X)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        # The check of sparse blocks takes what has predict_proba for a classifier of 4 classes.
        tags.classifier_tags = ClassifierTags()
        return tags


def _block(X):
    return X if hasattr(X, "shape") and not isinstance(X, list) else np.asarray(X)


# A's own space: there its rows hold every cluster, wherever so few epochs have B's rows arrive.
@parametrize_with_checks([OneBlock(4, **TINY | {"pretrain_epochs": 20, "unify_to": "a"})])
@pytest.mark.filterwarnings("ignore::skdm2c.AlignmentWarning")
def test_every_check_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture
def folds():
    return ModalityKFold(2, shuffle=True, random_state=0)


@pytest.fixture
def texts_and_numbers():
    rng = np.random.RandomState(0)
    words = [["red", "rose", "tulip"], ["dog", "cat", "wolf"]]
    topic = np.arange(40) % 2
    texts = [" ".join(rng.choice(words[t], 6)) for t in topic]
    numbers = rng.randn(30, 3) + 5 * (np.arange(30) % 2)[:, None]
    return texts, numbers


def test_grid_search_over_clusters_and_sizes(blobs, tiny, folds):
    search = GridSearchCV(tiny, {"n_clusters": [2, 3], "n_components": [2, 4]}, cv=folds)
    search.fit(blobs[0])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict(blobs[0]).shape == (120,)
    assert search.score(blobs[0]) == search.best_estimator_.score(blobs[0])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_in_workers_finds_what_one_process_finds(blobs, tiny, folds, backend):
    alone, together = (
        GridSearchCV(tiny, {"n_clusters": [2, 3, 4]}, cv=folds, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    alone.fit(blobs[0])
    with joblib.parallel_backend(backend):
        together.fit(blobs[0])
    np.testing.assert_array_equal(
        alone.cv_results_["mean_test_score"], together.cv_results_["mean_test_score"]
    )
    assert alone.best_params_ == together.best_params_


def test_randomized_search(blobs, tiny, folds):
    search = RandomizedSearchCV(
        tiny, {"adversarial__lambda_cycle": [0.5, 1.0, 2.0]}, n_iter=2, cv=folds, random_state=0
    ).fit(blobs[0])
    assert search.best_params_["adversarial__lambda_cycle"] in (0.5, 1.0, 2.0)


@pytest.mark.filterwarnings("ignore:.*fits failed|.*are non-finite")
def test_a_failed_fit_never_wins_a_search(blobs, tiny, folds):
    search = GridSearchCV(tiny, {"pretraining__learning_rate": [1e30, 1e-3]}, cv=folds).fit(
        blobs[0]
    )
    assert search.best_params_ == {"pretraining__learning_rate": 1e-3}


@pytest.mark.filterwarnings("ignore:.*fits failed")
def test_a_collapsed_clustering_never_wins_a_search(blobs, tiny, folds):
    search = GridSearchCV(tiny, {"n_clusters": [1, 3]}, cv=folds).fit(blobs[0])
    assert search.best_params_ == {"n_clusters": 3}


def test_cross_validate_and_cross_val_predict(blobs, tiny, folds):
    X, y = blobs
    results = cross_validate(tiny, X, cv=folds, return_train_score=True)
    assert np.isfinite(results["test_score"]).all()
    assert np.isfinite(cross_validate(tiny, X, y, cv=folds)["test_score"]).all()
    assert cross_val_predict(tiny, X, cv=folds).shape == (len(X),)


SEARCHES = {
    "grid": lambda model, **kw: GridSearchCV(model, {"n_clusters": [2, 3]}, **kw),
    "random": lambda model, **kw: RandomizedSearchCV(
        model, {"n_clusters": [2, 3]}, n_iter=2, random_state=0, **kw
    ),
    "halving": lambda model, **kw: HalvingGridSearchCV(
        model, {"n_clusters": [2, 3]}, min_resources=90, random_state=0, **kw
    ),
}
FOLDS = {
    "default": {},
    "int": {"cv": 3},
    "shuffled": {"cv": ShuffleSplit(2, test_size=0.4, random_state=0)},
    "modality": {"cv": ModalityKFold(2)},
    "two jobs": {"n_jobs": 2},
}


@pytest.mark.filterwarnings("error", "ignore::skdm2c.AlignmentWarning")
@pytest.mark.parametrize(
    ("kind", "folds"),
    [("grid", folds) for folds in FOLDS]
    + [(kind, folds) for kind in ("random", "halving") for folds in ("default", "modality")],
)
def test_searches_as_people_type_them(kind, folds, blobs, tiny):
    tiny.set_params(pretrain_epochs=15, alignment_epochs=40)
    search = SEARCHES[kind](tiny, **FOLDS[folds]).fit(blobs[0])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    if kind != "halving":  # whose first round sees six rows a modality and fold
        assert search.best_params_ == {"n_clusters": 3}
    assert search.predict(blobs[0]).shape == (120,)


@pytest.mark.filterwarnings("error", "ignore::skdm2c.AlignmentWarning")
@pytest.mark.parametrize("folds", FOLDS)
def test_cross_validation_as_people_type_it(folds, blobs, tiny):
    X, y = blobs
    pipe = make_pipeline(PerModality(a=StandardScaler(), b=StandardScaler()), tiny)
    for model in (tiny, pipe):
        assert np.isfinite(cross_val_score(model, X, **FOLDS[folds])).all()
    results = cross_validate(tiny, X, y, return_train_score=True, **FOLDS[folds])
    assert np.isfinite([*results["test_score"], *results["train_score"]]).all()


@pytest.mark.filterwarnings("ignore::skdm2c.AlignmentWarning")
def test_the_number_of_clusters_is_selected(blobs, tiny):
    X, _ = blobs
    tiny.set_params(pretrain_epochs=15, alignment_epochs=40)
    pipe = make_pipeline(PerModality(a=StandardScaler(), b=StandardScaler()), tiny)
    found = select_n_clusters(tiny, X, range(2, 5))
    assert found.best == found.best_estimator.n_clusters == 3
    assert found.best_estimator.score(X) == found.scores.max()
    assert repr(found).count("\n") == 3
    assert "3  0." in repr(found)
    assert "<- best" in repr(found)
    np.testing.assert_array_equal(
        select_n_clusters(tiny, X, (2, 3, 4), n_jobs=2).scores, found.scores
    )
    assert tiny.n_clusters == 3
    assert not hasattr(tiny, "labels_")
    assert select_n_clusters(pipe, X, [2, 3]).best_estimator[-1].labels_.shape == (120,)
    for wrong, message in (
        ([], "no number to try"), (5, "n_clusters=5"), ([2.7], "holds 2.7"), ([2, 0], "holds 0"),
        ([2, 121], "holds 121.*120"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            select_n_clusters(tiny, X, wrong)
    with pytest.raises(ValueError, match="one parameter n_clusters"):
        select_n_clusters(StandardScaler(), X, [2])


class Small(MixedModalClustering):
    """A subclass with fewer parameters, and one of its own."""

    def __init__(self, n_clusters=3, note="", random_state=0):
        super().__init__(n_clusters, random_state=random_state, **TINY)
        self.note = note


def test_a_subclass_with_other_parameters(blobs):
    model = clone(Small(note="mine")).fit(blobs[0])
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(blobs[0]), model.labels_)
    assert copy.note == "mine"
    del model.embedding_  # to save it small
    smaller = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(smaller.predict(blobs[0]), model.labels_)


class NotAnArray:
    """A block that can only be turned into an array."""

    def __array__(self, dtype=None, copy=None):
        return np.ones((3, 2)) * np.arange(3)[:, None]


def test_what_can_be_turned_into_an_array_is_a_block():
    X = MixedModalData(NotAnArray(), np.zeros((2, 2)))
    np.testing.assert_array_equal(X.blocks["a"][:, 0], [0, 1, 2])


def test_only_a_training_fold_must_have_all_modalities(tiny):
    X = make_mixed_modal_blobs(100, random_state=0)[0]
    few = X[: 50 + 10]  # the rows of b all lie in the last of five folds
    with pytest.raises(ValueError, match=r"cv=ModalityKFold\(\)"):
        tiny.fit(few[:40])
    assert np.isfinite(cross_val_score(tiny, few, cv=ModalityKFold())).all()


class Dummy(BaseEstimator):
    """An estimator that does nothing."""

    def __init__(self, number=1):
        self.number = number

    def fit(self, X, y=None):
        return self

    def score(self, X, y=None):
        return float(self.number)


def refuse_to_fit(*_):
    raise AssertionError("A fit was begun.")


SPLITS = {
    "a small second modality": ((200, 45), {}),
    "a small first modality": ((45, 200), {}),
    "one fold a modality": ((90, 90), {"cv": 2}),
    "three modalities": ((100, 100, 40), {}),
    "an inner modality": ((100, 20, 100), {"cv": 5}),
    "all but one row": ((100, 26), {"cv": KFold(5)}),
}


@pytest.mark.parametrize("split", SPLITS)
def test_folds_without_a_modality_are_refused_before_any_fit(split, tiny, monkeypatch):
    lengths, cv = SPLITS[split]
    X = MixedModalData(*(np.ones((n, 2)) for n in lengths))
    monkeypatch.setattr(MixedModalClustering, "fit", refuse_to_fit)
    for run in (
        GridSearchCV(tiny, {"n_clusters": [2, 3]}, **cv).fit,
        RandomizedSearchCV(tiny, {"n_clusters": [2, 3]}, n_iter=1, **cv).fit,
        HalvingGridSearchCV(
            tiny, {"n_clusters": [2, 3]}, min_resources=60, random_state=0, **cv
        ).fit,
        lambda X: learning_curve(tiny, X, None, **cv),
        lambda X: cross_val_score(tiny, X, **cv),
        lambda X: cross_val_predict(tiny, X, **cv),
        lambda X: cross_validate(make_pipeline(PerModality(a=StandardScaler()), tiny), X, **cv),
    ):
        with pytest.raises(ValueError, match=r"modality '[abc]'.*cv=ModalityKFold\("):
            run(X)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_training_set_without_a_modality_ends_any_search(n_jobs):
    X = MixedModalData(np.ones((40, 2)), np.ones((30, 2)))
    groups = np.repeat([0, 1, 2, 3], [10, 10, 20, 30])
    for cv in (LeaveOneGroupOut(), GroupKFold(4)):
        with pytest.raises(ValueError, match="modality 'b'.*ModalityKFold"):
            cross_val_score(Dummy(), X, groups=groups, cv=cv, n_jobs=n_jobs)
    search = GridSearchCV(Dummy(), {"number": [1, 2]}, cv=2, n_jobs=n_jobs)
    with pytest.raises(ValueError, match="modality 'b'.*ModalityKFold"):
        search.fit(X)


@pytest.mark.parametrize("lengths", [(60, 60), (60, 31), (50, 50, 50)])
def test_folds_that_keep_all_modalities_are_selected(lengths):
    X = MixedModalData(*(np.ones((n, 2)) for n in lengths))
    groups = np.arange(len(X)) % 5
    for cv in (
        KFold(4), KFold(5, shuffle=True), LeaveOneOut(), ModalityKFold(3), GroupKFold(5),
        LeaveOneGroupOut(), ShuffleSplit(5), RepeatedKFold(), StratifiedKFold(3),
    ):  # fmt: skip
        assert np.isfinite(cross_val_score(Dummy(), X, X.codes, groups=groups, cv=cv)).all()
    assert len(X[X.modality == "b", :]) == lengths[1]  # rows that a user selects
    assert len(X[lengths[0] :, ...]) == sum(lengths[1:])
    train_test_split(X, test_size=0.5, shuffle=False)
    for cv in (ModalityKFold(2), ModalityKFold(5)):
        HalvingGridSearchCV(Dummy(), {"number": [1, 2, 3]}, cv=cv, min_resources=40).fit(X)


def test_learning_curve_fits_beginnings_of_the_training_sets(blobs, tiny):
    X, _ = blobs
    _, train, test = learning_curve(
        tiny, X, None, cv=ModalityKFold(2), train_sizes=[0.3, 1.0], error_score="raise"
    )
    assert np.isfinite([train, test]).all()


@given(lengths=st.lists(st.integers(4, 40), min_size=2, max_size=4), share=st.floats(0.05, 1))
def test_beginnings_of_training_sets_keep_the_proportions(lengths, share):
    X = MixedModalData(*(np.ones((n, 1)) for n in lengths))
    for train, _ in ModalityKFold(2).split(X):
        counts = np.bincount(X.codes[train], minlength=len(lengths))
        size = int(share * len(train))
        beginning = np.bincount(X.codes[train[:size]], minlength=len(lengths))
        assert (abs(beginning - counts * size / len(train)) <= len(lengths)).all()


def test_train_test_split_keeps_rows_and_labels_together(blobs, tiny):
    X, _ = blobs
    rows = np.arange(len(X))
    train, test, rows_train, _ = train_test_split(X, rows, random_state=0, stratify=X.codes)
    assert len(train) + len(test) == len(X)
    np.testing.assert_array_equal(train.modality, X.modality[rows_train])
    assert tiny.fit(train).predict(test).shape == (len(test),)


def test_pipeline_of_texts_and_numbers(texts_and_numbers, tiny):
    texts, numbers = texts_and_numbers
    pipe = make_pipeline(PerModality(a=TfidfVectorizer(), b=StandardScaler()), tiny)
    labels = pipe.fit(texts, numbers)[-1].labels_
    X = MixedModalData(texts, numbers)
    assert labels.shape == (70,)
    np.testing.assert_array_equal(pipe.predict(X), labels)
    np.testing.assert_array_equal(clone(pipe).fit_predict(texts, numbers), labels)
    np.testing.assert_array_equal(clone(pipe).fit(X).predict(X), labels)
    assert pipe.transform(X).shape == pipe.fit_transform(texts, numbers).shape == (70, 4)
    assert np.isfinite(pipe.score(X))
    assert pipe.predict(MixedModalData(texts[:3], None)).shape == (3,)


def test_a_pipeline_does_not_score_unprepared_blocks(texts_and_numbers, tiny):
    texts, numbers = texts_and_numbers
    pipe = make_pipeline(PerModality(a=TfidfVectorizer(), b=StandardScaler()), tiny)
    pipe.fit(texts, numbers)
    with pytest.raises(ValueError, match="MixedModalData"):
        pipe.score(texts, numbers)


def test_a_plain_transformer_before_two_blocks_warns(blobs, tiny):
    a, b = blobs[0].blocks.values()
    pipe = make_pipeline(StandardScaler(), tiny)
    with pytest.warns(UserWarning, match="StandardScaler.*first block.*PerModality"):
        pipe.fit(a, b)
    with pytest.raises(TypeError, match=r"PerModality\(a=StandardScaler\(\)"):
        pipe.fit(blobs[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", AlignmentWarning)
        make_pipeline(PerModality(a=StandardScaler(), b=StandardScaler()), tiny).fit(a, b)
        make_pipeline("passthrough", tiny).fit(a, b)
        tiny.fit(a, b)


def test_a_frozen_estimator_and_parallel_of_scikit_learn(fitted, blobs):
    frozen = FrozenEstimator(fitted).fit(*blobs)
    np.testing.assert_array_equal(frozen.predict(blobs[0]), fitted.labels_)
    found = SklearnParallel(n_jobs=2)(sklearn_delayed(fitted.predict)(blobs[0]) for _ in range(2))
    for labels in found:
        np.testing.assert_array_equal(labels, fitted.labels_)


def test_search_over_a_pipeline(texts_and_numbers, tiny, folds):
    X = MixedModalData(*texts_and_numbers)
    pipe = make_pipeline(PerModality(a=TfidfVectorizer(), b=StandardScaler()), tiny)
    grid = {"permodality__a__sublinear_tf": [False, True], "mixedmodalclustering__n_clusters": [2]}
    search = GridSearchCV(pipe, grid, cv=folds).fit(X)
    assert search.predict(X).shape == (70,)


def test_a_pipeline_with_memory(texts_and_numbers, tiny, tmp_path):
    X = MixedModalData(*texts_and_numbers)
    make = lambda memory: make_pipeline(  # noqa: E731
        PerModality(a=TfidfVectorizer()), clone(tiny), memory=memory
    )
    plain, cached, again = make(None), make(str(tmp_path)), make(str(tmp_path))
    expected = plain.fit(X)[-1].labels_
    np.testing.assert_array_equal(cached.fit(X)[-1].labels_, expected)
    np.testing.assert_array_equal(again.fit(X)[-1].labels_, expected)
    assert list(tmp_path.rglob("output.pkl"))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(blobs, tiny, library):
    module = pytest.importorskip(library)
    X, _ = blobs
    a = module.DataFrame(np.asarray(X.blocks["a"]))
    b = module.DataFrame(np.asarray(X.blocks["b"]))
    tiny.set_output(transform=library)
    for frame in (tiny.fit_transform(a, b), tiny.transform(a, b), tiny.transform(X)):
        assert isinstance(frame, module.DataFrame)
        assert frame.shape == (120, 4)
        assert list(frame.columns) == list(tiny.get_feature_names_out())
    assert tiny.get_feature_names_out()[0] == "mixedmodalclustering0"


def test_set_output_reaches_the_transformers_of_each_modality():
    X = MixedModalData(np.arange(6.0).reshape(3, 2), np.ones((2, 2)))
    per = PerModality(a=StandardScaler(), b=StandardScaler()).set_output(transform="pandas")
    assert isinstance(per.fit_transform(X).blocks["a"], pd.DataFrame)
    assert list(per.get_feature_names_out()) == ["a__x0", "a__x1", "b__x0", "b__x1"]


@pytest.mark.filterwarnings("error", "ignore::skdm2c.AlignmentWarning")
def test_with_metadata_routing_on(blobs, tiny, folds):
    with sklearn.config_context(enable_metadata_routing=True):
        X, _ = blobs
        pipe = make_pipeline(PerModality(a=StandardScaler()), tiny)
        search = GridSearchCV(pipe, {"mixedmodalclustering__n_clusters": [2, 3]}, cv=folds).fit(X)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.predict(X).shape == (120,)
        routed = make_pipeline(
            PerModality(a=StandardScaler()).set_transform_request(modality=True),
            tiny.set_predict_request(modality=False),
        )
        routed.fit(X)
        a_only = routed.predict(X.blocks["a"], modality="a")
        np.testing.assert_array_equal(a_only, routed[-1].labels_[:60])


def test_clone_and_repr(tiny, fitted):
    copy = clone(fitted)
    assert not hasattr(copy, "labels_")
    assert copy.get_params() == fitted.get_params()
    assert repr(MixedModalClustering(n_clusters=3)) == "MixedModalClustering(n_clusters=3)"
    per = PerModality(a=TfidfVectorizer(), b="passthrough")
    nested = clone(per).set_params(a__lowercase=False).get_params()
    assert nested["a__lowercase"] is False
    assert "TfidfVectorizer" in repr(per)


def test_html_repr(fitted):
    pipe = make_pipeline(PerModality(a=TfidfVectorizer(), b=StandardScaler()), fitted)
    html = pipe._repr_html_()
    for name in ("PerModality", "TfidfVectorizer", "StandardScaler", "MixedModalClustering"):
        assert name in html


def test_parameters_are_explained_where_scikit_learn_draws_an_estimator(tiny):
    assert tiny._get_doc_link().endswith("generated/skdm2c.MixedModalClustering.html")
    if hasattr(tiny, "set_callbacks"):  # tooltips came with them, in scikit-learn 1.9
        assert "Number of clusters over all modalities." in tiny._repr_html_()


def test_parameters_of_parameters_can_be_searched(tiny, blobs):
    model = MixedModalClustering(3)
    assert model.set_params(alignment__n_matches=2) is model
    assert model.alignment.n_matches == clone(model).alignment.n_matches == 2
    assert model.get_params()["alignment__n_matches"] == 2
    assert MixedModalClustering(3).alignment == "geometry"  # nobody else's is changed
    for params in ({"alignment__n_matches": 0}, {"alignment__nonsense": 1}):
        with pytest.raises(ValueError, match=next(iter(params)).partition("__")[2]):
            model.set_params(**params)
    grid = {"alignment__n_matches": [1, 3]}
    search = GridSearchCV(tiny, grid, cv=ModalityKFold(2)).fit(blobs[0])
    assert search.best_estimator_.alignment.n_matches in (1, 3)


def test_not_fitted_says_so(tiny):
    for attribute in ("autoencoders_", "generators_", "discriminators_"):
        with pytest.raises(NotFittedError):
            getattr(tiny, attribute)
    with pytest.raises(NotFittedError):
        PerModality().transform(MixedModalData([[1.0]], [[2.0]]))


@pytest.mark.parametrize(
    ("transformers", "message"),
    [
        ({"c": StandardScaler()}, "modalities are"),
        ({"a": "scale"}, "'passthrough' or None"),
    ],
)
def test_per_modality_refuses_what_it_cannot_place(transformers, message):
    with pytest.raises(ValueError, match=message):
        PerModality(**transformers).fit(np.ones((2, 2)), np.ones((2, 2)))


def test_per_modality_wants_rows_of_what_it_fits():
    with pytest.raises(ValueError, match="'b' has no rows"):
        PerModality(b=StandardScaler()).fit(MixedModalData(np.ones((2, 2)), None))
    with pytest.raises(ValueError, match="Invalid parameter 'b__x'"):
        PerModality(a=StandardScaler()).set_params(b__x=1)


def test_per_modality_names_every_column_it_returns():
    X = MixedModalData(np.ones((3, 2)), pd.DataFrame({"u": [1.0], "v": [2.0]}))
    per = PerModality(a=StandardScaler()).fit(X)
    assert list(per.get_feature_names_out()) == ["a__x0", "a__x1", "b__u", "b__v"]


def test_per_modality_keeps_pairs_and_order():
    X = MixedModalData(np.ones((3, 1)), np.zeros((2, 1)), pairs=[(2, 1)])[[4, 0, 2]]
    out = PerModality(a=StandardScaler(), b=None).fit_transform(X)
    np.testing.assert_array_equal(out.pairs, X.pairs)
    np.testing.assert_array_equal(out.modality, X.modality)


def test_modality_k_fold():
    X = MixedModalData(np.ones((8, 1)), np.zeros((4, 1)))
    splits = list(ModalityKFold(4).split(X))
    assert len(splits) == ModalityKFold(4).get_n_splits(X) == 4
    for train, test in splits:
        assert sorted(np.concatenate([train, test])) == list(range(12))
        assert list(np.bincount(X.codes[test])) == [2, 1]
    with pytest.raises(ValueError, match="'b' has 4"):
        next(ModalityKFold(5).split(X))
    with pytest.raises(TypeError, match="MixedModalData"):
        next(ModalityKFold(2).split(np.ones((4, 2))))


def test_new_rows_of_one_modality_go_through_a_pipeline_by_name():
    X, _ = make_mixed_modal_blobs(60, random_state=0)
    scaled = PerModality(a=StandardScaler(), b=StandardScaler())
    pipe = make_pipeline(scaled, MixedModalClustering(3, random_state=0, **TINY))
    a, b = X.blocks.values()
    pipe.fit({"a": a, "b": b})
    np.testing.assert_array_equal(pipe.fit(a, b).predict(X), pipe[-1].labels_)
    expected = pipe.predict(X)[: len(a)]
    for method in ("predict", "predict_proba", "transform"):
        assert len(getattr(pipe, method)({"a": a})) == len(a)
    np.testing.assert_array_equal(pipe.predict({"a": a}), expected)
    np.testing.assert_array_equal(pipe.predict({"b": b, "a": a}), pipe.predict(X))
    with pytest.raises(ValueError, match=r"\{'a': X\}"):
        pipe.predict(a, modality="a")


def test_a_search_warns_once_of_clusters_that_were_not_matched():
    noise = MixedModalData(*(np.random.RandomState(s).randn(60, 4) for s in (0, 1)))
    model = MixedModalClustering(4, random_state=0, **TINY)
    grid = {"n_clusters": [4, 5]}
    search = GridSearchCV(model, grid, cv=ModalityKFold(2))
    for run, n_warnings in (
        (lambda: search.fit(noise), 1),
        (lambda: select_n_clusters(model, noise, [4, 5]), 1),
        (lambda: cross_validate(model, noise, cv=ModalityKFold(2), return_estimator=True), 2),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run()
        about = [w for w in caught if issubclass(w.category, AlignmentWarning)]
        assert len(about) == n_warnings
        assert all(Path(w.filename) == Path(__file__) for w in about)
