"""Calls that cannot be right: each is refused by name, whoever gets it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from anndata import AnnData
from conftest import TINY
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdm2c import (
    Checkpoint,
    MixedModalClustering,
    MixedModalData,
    ModalityKFold,
    PerModality,
    select_n_clusters,
    write_results,
)
from skdm2c.alignment import GeometricAlignment
from skdm2c.datasets import drop_pairing, load_handwritten, make_mixed_modal_blobs
from skdm2c.metrics import (
    clustering_accuracy,
    evaluate,
    matching_bounds,
    pairwise_f_score,
    purity,
)
from skdm2c.plotting import TranslationDisplay

RNG = np.random.RandomState(0)
A, B = RNG.randn(12, 4), RNG.randn(10, 3)
X = MixedModalData(A, B)
FRAME = pd.DataFrame({"u": [1.0, None], "w": [None, 2.0], "kind": ["a", "b"]})
COLUMNS = {"a": ["u"], "b": ["w"]}
LONG = list(range(3000))


def assays(names=("c1", "c2", "c3")):
    return {
        "a": AnnData(A[: len(names)], obs=pd.DataFrame(index=list(names))),
        "b": AnnData(B[:2], obs=pd.DataFrame(index=["c1", "c9"])),
    }


def one_hot(dtype):
    return pd.get_dummies(pd.Series(list("abc" * 4))).astype(dtype)


def explicit_zero():
    matrix = sp.csr_matrix(np.eye(3)[np.arange(12) % 3])
    matrix.data[0] = 1
    return sp.csr_matrix(
        (np.r_[matrix.data, 0], np.r_[matrix.indices, 0], np.r_[matrix.indptr[:-1], 13])
    )


def fit(*args, **params):
    return MixedModalClustering(random_state=0, **{"n_clusters": 3} | TINY | params).fit(*args)


def fit_with(X, **params):
    return MixedModalClustering(3, random_state=0, **TINY).set_params(**params).fit(X)


def per(**transformers):
    return PerModality(**transformers).fit(X)


CALLS = {
    # Containers
    "names in no order": (lambda: MixedModalData(A, B, names={"x", "y"}), "names must be a seq"),
    "a number of names": (lambda: MixedModalData(A, B, names=5), "names must be a sequence"),
    "an array of names": (lambda: MixedModalData(A, B, names=A), "names must be a sequence"),
    "a container as a block": (lambda: MixedModalData(X, B), "'a' is a MixedModalData, which"),
    "a container in a container": (lambda: X.with_blocks({"b": X}), "'b' is a MixedModalData"),
    "an unknown block": (lambda: X.with_blocks({"z": A}), "no modality 'z'"),
    "uneven pairs": (lambda: MixedModalData(A, B, pairs=[(0, 1), (2,)]), "pairs.*lengths"),
    "a long key of pairs": (lambda: MixedModalData(A, B, pairs={tuple(LONG): []}), "pairs: key"),
    "columns as rows": (lambda: X[[0, 1], np.array([0, 1])], "by rows only"),
    "a list of columns": (lambda: X[[0, 1], [0, 1]], "by rows only"),
    "uneven rows": (lambda: X[[[0], [1, 2]]], "Rows are a slice"),
    # Blocks
    "uneven second block": (lambda: fit(A, [[1], [1, 2]]), "'b'.*different lengths"),
    "a date in an array in an array": (
        lambda: fit(MixedModalData(boxed(np.datetime64("2026-01-01")), B)), "'a'.*dates",
    ),
    "one-hot of booleans": (lambda: fit(A, one_hot("boolean")), "one-hot"),
    "one-hot of integers": (lambda: fit(A, one_hot("Int64")), "one-hot"),
    "one-hot of objects": (lambda: fit(A, one_hot(object)), "one-hot"),
    "one-hot of categories": (lambda: fit(A, one_hot(int).astype("category")), "one-hot"),
    "one-hot of strings": (lambda: fit(A, one_hot(int).astype(str)), "one-hot"),
    "one-hot with a zero": (lambda: fit(A, explicit_zero()), "one-hot"),
    "a long modality": (lambda: fit(X).predict(A, modality=LONG), r"no modality \[0, 1, 2"),
    # Parameters
    "a long list of clusters": (lambda: fit(X, n_clusters=LONG), "'n_clusters' .* Got "),
    "a class of aligner": (lambda: fit(X, alignment=GeometricAlignment), "alignment"),
    "a weight beyond floats": (
        lambda: fit_with(X, adversarial__lambda_cycle=10**400), "'lambda_cycle'",
    ),
    "a weight beyond single": (
        lambda: fit_with(X, pretraining__negative_weight=1e308), "'negative_weight'",
    ),
    "a rate beyond floats": (
        lambda: fit_with(X, pretraining__learning_rate=10**400), "learning_rate",
    ),
    "uneven rates": (
        lambda: fit_with(X, pretraining__learning_rate=[1e-3, [1e-3]]), "learning_rate",
    ),
    "a set of widths": (
        lambda: fit_with(X, networks__autoencoder_hidden_sizes={8, 4}), "autoencoder_hidden",
    ),
    "one width": (
        lambda: fit_with(X, networks__autoencoder_hidden_sizes=np.array(8)), "autoencoder_hidden",
    ),
    "too wide": (
        lambda: fit_with(X, networks__autoencoder_hidden_sizes=(10**13,)), "autoencoder_hidden",
    ),
    "far too wide": (
        lambda: fit_with(X, networks__generator_hidden_sizes=(10**30,)), "generator_hidden_sizes",
    ),
    "too many components": (lambda: fit(X, n_components=10**13), "'n_components'"),
    "no such device": (lambda: fit(X, device="hpu"), "device='hpu'"),
    # Readers
    "no frame": (lambda: MixedModalData.from_frame(A, COLUMNS), "takes a data frame"),
    "a lazy frame": (lambda: MixedModalData.from_frame(pl.LazyFrame(), COLUMNS), "data frame"),
    "columns of nobody": (lambda: MixedModalData.from_frame(FRAME, ["u"]), "columns must"),
    "a set of columns": (
        lambda: MixedModalData.from_frame(FRAME, {"a": {"u"}, "b": ["w"]}), "must be a list",
    ),
    "a number for columns": (
        lambda: MixedModalData.from_frame(FRAME, {"a": 1, "b": ["w"]}), "must be a list",
    ),
    "a series of modalities": (
        lambda: MixedModalData.from_frame(FRAME, COLUMNS, modality=FRAME["kind"]), "name of a col",
    ),
    "no MuData": (lambda: MixedModalData.from_mudata(A), "MuData.*ndarray"),
    "a number of modalities": (
        lambda: MixedModalData.from_mudata(assays(), modalities=5), "modalities must be a list",
    ),
    "one modality as a string": (
        lambda: MixedModalData.from_mudata(assays(), modalities="a"), "modalities must be a list",
    ),
    "a modality twice": (
        lambda: MixedModalData.from_mudata(assays(), modalities=["a", "a"]), "must be different",
    ),
    "one representation": (
        lambda: MixedModalData.from_mudata(assays(), representation="X_pca"), "must be a mapping",
    ),
    "names of rows that are not unique": (
        lambda: MixedModalData.from_mudata(assays(("c1", "c1")), pair_shared_names=True),
        "'a' .*obs_names_make_unique",
    ),
    "no names of rows": (
        lambda: MixedModalData.from_mudata({"a": A, "b": B}, pair_shared_names=True), "'a' has no",
    ),
    # Results
    "results of a search": (
        lambda: write_results(GridSearchCV(fit(X), {}, cv=ModalityKFold(2)).fit(X), assays()),
        "GridSearchCV.*best_estimator_",
    ),
    "results under no name": (
        lambda: write_results(fit(X), assays(), key_added=""), "key_added must be a name",
    ),
    "results under a path": (
        lambda: write_results(fit(X), assays(), key_added="x/y"), "key_added must be a name",
    ),
    "results into arrays": (lambda: write_results(fit(X), {"a": A, "b": B}), "'a' is a ndarray"),
    # Transformers
    "a class of transformer": (lambda: per(a=StandardScaler), r"PerModality\(a=.*an instance"),
    "a classifier": (lambda: per(a=LogisticRegression()), r"PerModality\(a=.*method transform"),
    "nothing for new rows": (lambda: per(a=TSNE()), r"PerModality\(a=.*method transform"),
    "an error of a transformer": (lambda: per(b=PCA(7)), "Modality 'b', PCA: n_components=7"),
    "another width": (
        lambda: per(b=StandardScaler()).transform(A, modality="b"), "'b', StandardScaler: X has 4",
    ),
    "a frame for texts": (
        lambda: PerModality(a=CountVectorizer()).fit(MixedModalData(pd.DataFrame(A[:4]), B)),
        "'a': CountVectorizer.*4 columns",
    ),
    # Metrics, data sets, selection
    "masked labels": (
        lambda: clustering_accuracy(np.ma.masked_equal([0, 1], 1), [0, 1]), "y_true.*row 1",
    ),
    "a label that is NaN": (lambda: purity([0, 1], [0.0, np.nan]), "y_pred has no label in row 1"),
    "a label that is None": (lambda: purity([None, "a"], [0, 1]), "y_true has no label in row 0"),
    "a label that is NA": (lambda: pairwise_f_score([pd.NA, 1], [0, 1]), "y_true has no label"),
    "no labels": (lambda: pairwise_f_score([], []), "y_true must be"),
    "2-D labels": (lambda: evaluate(A, [0] * 12, [0] * 12), "y_true must be"),
    "no relabelings": (
        lambda: matching_bounds([0, 1], [0, 1], [0, 1], n_relabelings=0), "n_relabelings",
    ),
    "too few embedded": (lambda: evaluate([0, 1], [0, 1], [0, 1], A), "embedding has 12 rows"),
    "no views": (lambda: load_handwritten([]), "views must be"),
    "views that are None": (lambda: load_handwritten(None), "views must be"),
    "half a row": (lambda: make_mixed_modal_blobs(100.5), "must be positive integers"),
    "no centers": (lambda: make_mixed_modal_blobs(centers=0), "must be positive integers"),
    "one view": (lambda: drop_pairing([A], range(12)), "two views or more"),
    "fewer rows than views": (lambda: drop_pairing([A[:1], A[:1]], [0]), "too few for 2 views"),
    "bytes for numbers": (lambda: select_n_clusters(fit(X), X, b"3"), "n_clusters=b'3'"),
    "an array for a number": (lambda: select_n_clusters(fit(X), X, np.array(3)), "n_clusters="),
    "no model": (lambda: select_n_clusters(None, X, [2]), "model must be an estimator"),
    "no container": (lambda: select_n_clusters(fit(X), (A, B), [2]), "X must be a container"),
}  # fmt: skip


def boxed(value):
    """A block of objects, one of them an array that holds a value."""
    block = A.astype(object)
    block[0, 0] = np.array(value)
    return block


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore")
def test_is_refused_by_name(call):
    function, message = CALLS[call]
    with pytest.raises((ValueError, TypeError, IndexError), match=message) as caught:
        function()
    assert len(str(caught.value)) < 600  # no whole arrays


@pytest.mark.filterwarnings("ignore")
def test_narrow_integers_are_the_numbers_that_they_are():
    X, _ = make_mixed_modal_blobs(300, random_state=0)
    params = {"batch_size": 100, "n_neighbors": 20, "n_clusters": 12, "pretrain_epochs": 3}
    expected = fit(X, **params).labels_
    narrow = {name: np.int8(value) for name, value in params.items()}
    np.testing.assert_array_equal(fit(X, **narrow).labels_, expected)


def test_double_entries_of_a_sparse_matrix_are_added_up_without_overflow():
    entries = np.array([200, 100, 7], dtype=np.uint8), ([0, 0, 1], [1, 1, 0])
    for form in (sp.coo_matrix(entries, shape=(3, 2)), sp.csr_matrix(entries, shape=(3, 2))):
        model = fit(MixedModalData(form, B), n_clusters=2)
        expected = fit(MixedModalData(np.array([[0, 300], [7, 0], [0, 0]]), B), n_clusters=2)
        np.testing.assert_allclose(model.embedding_, expected.embedding_, rtol=1e-5)


def test_rows_of_tensors_and_series_of_arrow_are_read():
    rows = [torch.tensor(row, requires_grad=True) for row in A]
    np.testing.assert_array_equal(MixedModalData(rows, B).blocks["a"], A)
    assert MixedModalData([], B).shape == (10, 4)  # texts of which none was taken


def test_one_column_of_texts_goes_to_what_reads_texts():
    frame = pd.DataFrame({"dog": ["cat cat", "bird"]})
    found = PerModality(a=CountVectorizer()).fit_transform(MixedModalData(frame, B))
    np.testing.assert_array_equal(found.blocks["a"].toarray(), [[0, 2], [1, 0]])


@pytest.mark.parametrize(
    "values", [[np.nan, "a"], [None, 1], [pd.NA, 2.0], np.array(["NaT", "2026"], "datetime64[Y]")]
)
def test_missing_values_are_equal(values):
    block = np.array([values], dtype=getattr(values, "dtype", object))
    assert MixedModalData(block, B) == MixedModalData(block.copy(), B)
    assert MixedModalData(block, B) != MixedModalData(block[:, ::-1], B)


# --- Parameters that no fit can use --------------------------------------------------------

REFUSED_PARAMETERS = {
    "a set of learning rates": ({"pretraining__learning_rate": {1e-3, 0.5}}, "learning_rate"),
    "a set of sizes": ({"networks__autoencoder_hidden_sizes": {8, 16}}, "autoencoder_hidden_sizes"),
    "terabytes of weights": (
        {"networks__autoencoder_hidden_sizes": (1_000_000, 1_000_000)}, "networks",
    ),
    "terabytes between components": (
        {"n_components": 1_000_000, "networks__generator_hidden_sizes": (1_000_000,)}, "networks",
    ),
    "a thousand sizes": (
        {"networks__generator_hidden_sizes": [1_000_000] * 1000}, "networks",
    ),
    "no folder": ({"memory": ""}, "memory"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED_PARAMETERS)
def test_parameters_that_no_fit_can_use_are_refused_by_name(case, blobs, tiny, monkeypatch):
    parameters, name = REFUSED_PARAMETERS[case]
    monkeypatch.setattr("skdm2c.estimator.fit_model", lambda run: pytest.fail("training began"))
    with pytest.raises(ValueError, match=name) as error:
        tiny.set_params(**parameters).fit(blobs[0])
    assert len(str(error.value)) < 1000


def test_a_checkpoint_needs_a_folder():
    with pytest.raises(ValueError, match="folder"):
        Checkpoint("")


# --- Calls that look right -----------------------------------------------------------------


def test_calls_that_look_right_name_the_right_call(fitted, blobs):
    X, _ = blobs
    a, b = X.blocks.values()
    pipe = make_pipeline(PerModality(a=StandardScaler()), MixedModalClustering(3, **TINY)).fit(X)
    calls = {
        "fit(MixedModalData(": (TypeError, lambda: clone(fitted).fit(a, b, b)),
        "MixedModalData(X_1, X_2, X_3)": (TypeError, lambda: clone(fitted).fit_predict(a, b, b)),
        "score(MixedModalData(": (ValueError, lambda: fitted.score(a, b)),
        "results_frame(model, X)": (TypeError, lambda: fitted.report(X)),
        "from_estimator(model, X)": (
            ValueError, lambda: TranslationDisplay.from_estimator(fitted),
        ),
        "{'a': X}": (ValueError, lambda: pipe.predict(a, modality="a")),
        "MixedModalData(X, None": (ValueError, lambda: pipe.predict(a)),
    }  # fmt: skip
    for call, (kind, mistake) in calls.items():
        with pytest.raises(kind) as error:
            mistake()
        assert call in str(error.value)
    assert pipe.predict(MixedModalData(a, None, names=("a", "b"))).shape == (len(a),)


def test_a_modality_may_be_routed_through_a_pipeline(blobs):
    X, _ = blobs
    a = X.blocks["a"]
    with config_context(enable_metadata_routing=True):
        scaled = PerModality(a=StandardScaler()).set_transform_request(modality=True)
        model = MixedModalClustering(3, random_state=0, **TINY).set_predict_request(modality=True)
        pipe = make_pipeline(scaled, model).fit(X)
        np.testing.assert_array_equal(pipe.predict(a, modality="a"), pipe.predict({"a": a}))
    with pytest.raises(ValueError, match="container"):
        model.predict(X, modality="a")


USER_SCRIPT = """
from skdm2c import MixedModalClustering, MixedModalData
import subprocess
import sys

import numpy as np

model: MixedModalClustering = MixedModalClustering(3).fit(np.ones((9, 2)), np.ones((9, 3)))
print(model.labels_.shape, model.get_params()["n_clusters"], model.set_output(transform="pandas"))
confidence: float = model.alignment_confidence_
print(model.lables_)
"""


@pytest.mark.slow
def test_a_type_checker_finds_a_misspelt_attribute(tmp_path):
    pytest.importorskip("mypy")
    script = tmp_path / "script.py"
    script.write_text(USER_SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", script],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    errors = [line for line in done.stdout.splitlines() if line.startswith("script.py")]
    assert len(errors) == 1, done.stdout
    assert "lables_" in errors[0]
