"""The list of what goes wrong, each with a clear error before training or a known behaviour."""

import datetime
import re
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy
import scipy.sparse as sp
import torch
from anndata import AnnData
from conftest import TINY
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.utils.fixes import parse_version

from skdm2c import (
    AdversarialTraining,
    AlignmentWarning,
    Checkpoint,
    EarlyStop,
    MixedModalClustering,
    MixedModalData,
    Networks,
    Pretraining,
)
from skdm2c import estimator as estimator_module
from skdm2c.data.scaling import ModalityScaler
from skdm2c.exceptions import TrainingDivergedError
from skdm2c.training import adversarial

pytestmark = pytest.mark.filterwarnings("ignore::skdm2c.AlignmentWarning")
RNG = np.random.RandomState(0)
A, B = RNG.randn(12, 4), RNG.randn(10, 3)


def changed(x, row, column, value, dtype=None):
    x = x.astype(dtype or x.dtype)
    x[row, column] = value
    return x


@pytest.fixture
def no_training(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("training started on bad input")

    monkeypatch.setattr(estimator_module, "fit_model", refuse)


BAD_BLOCKS = {
    "NaN": (changed(A, 3, 1, np.nan), B, "Modality 'a'.*NaN.*row 3, column 1"),
    "inf": (A, changed(B, 2, 0, np.inf), "Modality 'b'.*infinity.*row 2, column 0"),
    "NaN in a named column": (
        pd.DataFrame(changed(A, 3, 1, np.nan), columns=list("uvwx")), B, "column 'v'",
    ),
    "complex": (A.astype(complex), B, "Modality 'a'.*Complex data not supported"),
    "strings in a table": (A, np.array([["x", "y", "z"]] * 10), "'b': row 0, column 0.*'x'"),
    "texts": (["a text"] * 12, B, r"Modality 'a' holds texts.*PerModality\(a=TfidfVectorizer"),
    "objects": (changed(A, 0, 0, {}, object), B, "'a': row 0, column 0.*{}"),
    "1-D": (A[:, 0], B, "Modality 'a'.*Expected 2D array"),
    "3-D": (A[:, :, None], B, "Modality 'a'.*Flatten"),
    "no rows": (A[:0], B, "Modality 'a' has n_samples = 0.*needs 2"),
    "no columns": (A[:, :0], B, r"Modality 'a'.*0 feature\(s\)"),
    "one row": (A, B[:1], "Modality 'b' has n_samples = 1.*ModalityKFold"),
    "no second block": (A, None, r"fit\(X_a, X_b\)"),
    "labels as second block": (A, np.zeros(12), "1-D second argument"),
    "column vector": (A, np.zeros((12, 1)), r"shape \(12, 1\)"),
    "absent modality": (MixedModalData(A, None), None, "Modality 'b' has n_samples = 0"),
    "dates": (np.full((12, 2), "2026-01-01", dtype="datetime64[D]"), B, "Modality 'a'.*dates"),
    "dates in polars": (
        pl.DataFrame({"day": [datetime.date(2026, 1, day) for day in range(1, 13)]}), B, "dates",
    ),
    "dates in a frame": (
        pd.DataFrame(A).add_prefix("c").assign(day=pd.Timestamp("2026-01-01")), B, "dates",
    ),
    "both in a tuple": ((A, B), None, r"MixedModalData\(X_a, X_b\)"),
    "masked values": (np.ma.masked_greater(A, 1.0), B, r"'a' holds masked.*PerModality\(a="),
    "rows of masked values": (list(np.ma.masked_greater(A, 1.0)), B, "Modality 'a' holds masked"),
    "times in polars": (pl.DataFrame({"t": [datetime.time(h) for h in range(12)]}), B, "dates"),
    "durations in polars": (
        pl.DataFrame({"x": A[:, 0], "t": [datetime.timedelta(d) for d in range(12)]}), B, "dates",
    ),
    "dates and numbers in polars": (
        pl.DataFrame({"x": A[:, 0], "t": [datetime.datetime(2026, 1, 1)] * 12}), B, "dates",
    ),
    "an object that is a date": (changed(A, 1, 0, np.datetime64("2026-01-01"), object), B, "dates"),
    "an object that is a duration": (changed(A, 1, 0, np.timedelta64(3, "s"), object), B, "dates"),
    "an object that is no time": (changed(A, 1, 0, np.datetime64("NaT"), object), B, "dates"),
    "durations of pandas": (pd.DataFrame({"t": pd.to_timedelta(range(12), unit="s")}), B, "dates"),
    "periods": (pd.DataFrame({"t": pd.period_range("2026", periods=12)}), B, "Modality 'a'"),
    "beyond double precision": (changed(A, 2, 2, 10**400, object), B, "'a'.*too large"),
    "a lazy frame": (pl.LazyFrame({"x": A[:, 0]}), B, "'a' is a LazyFrame.*collect"),
    "a sparse tensor": (torch.tensor(A).to_sparse(), B, "'a'.*torch.sparse_coo.*to_dense"),
    "a compressed tensor": (torch.tensor(A).to_sparse_csr(), B, "'a'.*torch.sparse_csr"),
    "a tensor without numbers": (torch.empty(12, 4, device="meta"), B, "'a'.*meta"),
    "a complex tensor": (torch.conj(torch.tensor(A + 1j)), B, "'a'.*Complex"),
    "records": (np.zeros(12, dtype=[("x", float)]), B, "'a' is an array of records"),
    "texts and None": (["a text", None], B, "'a': row 1 is of type NoneType.*''"),
    "texts and NA": (pd.Series(["a text", pd.NA], dtype="string"), B, "'a': row 1 is of type NA"),
    "texts and null": (pl.Series(["a text", None]), B, "'a': row 1 is of type None"),
    "texts of polars": (pl.Series(["a text"] * 12), B, "'a' holds texts"),
    "a string": ("abc", B, "'a'.*got 'abc'"),
    "one-hot frame": (A, pd.get_dummies(pd.Series(list("abc" * 4))), "one-hot labels"),
    "one-hot sparse": (A, sp.csr_matrix(np.eye(3)[np.arange(12) % 3]), "one-hot labels"),
    "one-hot tensor": (A, torch.eye(3)[torch.arange(12) % 3], "one-hot labels"),
    "AnnData without X": (AnnData(obs=pd.DataFrame(index=list("abc"))), B, "AnnData has no X"),
    "Int128": (pl.DataFrame({"x": pl.Series(range(12), dtype=pl.Int128)}), B, "'a'.*128"),
    "double columns": (pd.DataFrame(A, columns=list("xxyz")), B, "Modality 'a'.*unique"),
}  # fmt: skip


if parse_version(scipy.__version__) >= parse_version("1.15"):  # before, sparse was 2-D
    for sparse in (sp.coo_array(A[:, 0]), sp.csr_array(A[:, 0]), sp.coo_array(A[None])):
        message = f"Modality 'a': Expected 2D.*{sparse.ndim}-D array"
        BAD_BLOCKS[f"{sparse.ndim}-D {sparse.format}"] = (sparse, B, message)


@pytest.mark.parametrize(("X", "y", "message"), BAD_BLOCKS.values(), ids=BAD_BLOCKS)
@pytest.mark.usefixtures("no_training")
def test_bad_blocks_are_refused_before_training(X, y, message, tiny):
    with pytest.raises((ValueError, TypeError), match=message):
        tiny.fit(X, y)
    assert not hasattr(tiny, "labels_")


GOOD_BLOCKS = {
    "float16": A.astype(np.float16),
    "float32": A.astype(np.float32),
    "int8": (10 * A).astype(np.int8),
    "uint8": np.abs(10 * A).astype(np.uint8),
    "bool": A > 0,
    "object of numbers": A.astype(object),
    "Fortran order": np.asfortranarray(A),
    "negative strides": A[::-1, ::-1],
    "constant columns": changed(A, slice(None), [0, 2], 7.0),
    "all constant": np.ones_like(A),
    "duplicate rows": np.repeat(A[:3], 4, axis=0),
    "tiny scale": 1e-12 * A,
    "huge scale": 1e12 * A,
    "mixed scales": A * [1e-12, 1.0, 1e12, 1e-300],
    "huge offset": A + 1e6,
    "one column": A[:, :1],
    "list of rows": A.tolist(),
    "sparse frame": pd.get_dummies(pd.Series(list("abcabcabcabc")), sparse=True),
    "smallest numbers": changed(A, slice(None), 0, [0.0, 5e-324] * 6),
    "huge constant column": changed(A, slice(None), 0, 1e300),
    "masked array without a masked value": np.ma.masked_array(A),
    "tensor": torch.tensor(A),
    "tensor with gradients": torch.tensor(A, requires_grad=True),
    "bfloat16": torch.tensor(A).bfloat16(),
    "tensor to be negated": torch._neg_view(torch.tensor(A)),
    "dictionary of keys": sp.dok_array(A),
    "diagonals": sp.dia_matrix(A),
    "nullable integers": pd.DataFrame({"x": pd.array([1, 2] * 6, dtype="Int64")}),
    "decimals": np.array([[Decimal(x).scaleb(-1)] for x in range(12)]),
    "largest numbers": changed(A, slice(None), 0, [1.7e308, -1.7e308, -1.7e308] * 4),
}


@pytest.mark.parametrize("X", GOOD_BLOCKS.values(), ids=GOOD_BLOCKS)
def test_odd_but_good_blocks_are_fitted(X, tiny):
    model = tiny.fit(X, B)
    assert np.isfinite(model.embedding_).all()
    assert (model.predict(X, B) == model.labels_).all()


def test_a_read_only_memmap_is_fitted(tmp_path, tiny):
    np.save(tmp_path / "a.npy", A)
    model = tiny.fit(np.load(tmp_path / "a.npy", mmap_mode="r"), B)
    np.testing.assert_array_equal(model.labels_, tiny.fit(A, B).labels_)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_the_scale_of_the_data_does_not_matter(tiny, scale):
    labels = tiny.fit(A, B).labels_
    np.testing.assert_array_equal(tiny.fit(scale * A, B).labels_, labels)


BAD_PARAMETERS = {
    "n_clusters": [
        *(0, -1, 2.5, "3", None, True, np.True_),
        *({"a": 3}, {"a": 3, "b": 0}, {"a": 3, "b": "2"}, {"a": 3, "b": True}, {0: 3, 1: 2}, {}),
    ],
    "unify_to": [2, -1, "rna", 1.5, None],
    "alignment": ["procrustes", True, 1],
    "standardize": ["yes", None],
    "pretraining__lambda_neighbors": [-1, "x", None, np.inf, np.nan, True],
    "n_neighbors": [0, 1.5, None],
    "pretraining__negative_weight": [-1, "x", None],
    "pretraining__input_noise": [-1, "x", None],
    "pretraining__n_components": [0, -1, 1.5, "all"],
    "n_components": [0, 1.5, "2", None],
    "networks": ["wide", 3],
    "pretraining": ["long", {}],
    "adversarial": ["paper", True],
    "networks__autoencoder_hidden_sizes": [8, (0,), (8.5,), ("8",), None, (True,)],
    "networks__generator_hidden_sizes": [8, (), (0,), (-3,), None],
    "networks__discriminator_hidden_sizes": [8, (0,), None],
    "networks__normalization": ["instance", None, True],
    "pretrain_epochs": [-1, 1.5, "2", None],
    "alignment_epochs": [-1, 1.5, None],
    "adversarial__epochs": [-1, 1.5, None],
    "batch_size": [1, 0, 2.5, None],
    "pretraining__learning_rate": [
        0,
        -1e-3,
        (1e-3,),
        (1e-3, 1e-3, 1e-3),
        (1e-3, 0.0),
        "fast",
        None,
        np.inf,
        np.nan,
        (1e-3, np.inf),
        True,
        np.array(0.0),
        np.array("fast"),
    ],
    "learning_rate_schedule": ["cosine", None],
    "pretraining__weight_decay": [-1, "0", None],
    "adversarial__autoencoder_learning_rate": [-1, "fast", None],
    "adversarial__generator_learning_rate": [0, -1, "fast", None],
    "adversarial__discriminator_learning_rate": [0, -1, "fast", None],
    "adversarial__weight_decay": [-1, "0", None],
    "adversarial__optimizer": ["sgd", None],
    "adversarial__generator_steps": [0, 1.5, None],
    "adversarial__discriminator_steps": [0, 1.5, None],
    "adversarial__loss": ["hinge", None],
    "adversarial__lipschitz": ["clipping", True],
    "max_epoch_rows": [0, -1, 1.5, "all"],
    "adversarial__clip_value": [0, -1, "x", None],
    "adversarial__gradient_penalty_weight": [-1, "x", None],
    "adversarial__lambda_cycle": [-1, "x", None],
    "adversarial__lambda_reconstruction": [-1, "x", None],
    "adversarial__lambda_adversarial": [-1, "x", None],
    "adversarial__lambda_cycle_reconstruction": [-1, "x", None],
    "lambda_pairs": [-1, "x", None, np.inf, np.nan, True],
    "assignment": ["spectral", None],
    "kmeans_n_init": [0, 1.5, None],
    "device": ["gpu9", 3, None, "meta"],
    "process_group": ["mine", 3, True],
    "n_jobs": [0, 1.5, "all", True],
    "memory": [3],
    "callbacks": [3, "early", [EarlyStop], [None], [Checkpoint("a"), Checkpoint("b")]],
    "warm_start": ["yes", None, 2],
    "verbose": [-1, "loud", None],
    "random_state": ["seed", 1.5],
}


def test_every_parameter_stands_in_the_list():
    objects = {"networks": Networks(), "pretraining": Pretraining()}
    model = MixedModalClustering(adversarial=AdversarialTraining(), **objects)
    assert set(BAD_PARAMETERS) == set(model.get_params())


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD_PARAMETERS.items() for value in values],
)
@pytest.mark.usefixtures("no_training")
def test_bad_parameters_are_refused_by_name(name, value, tiny):
    said = "modality" if name == "unify_to" and value in (2, "rna") else name.split("__")[-1]
    with pytest.raises((ValueError, TypeError), match=said):
        tiny.set_params(**{name: value}).fit(A, B)


@pytest.mark.usefixtures("no_training")
def test_a_modality_with_fewer_rows_than_clusters(tiny):
    with pytest.raises(ValueError, match="n_clusters=11.*'b'"):
        tiny.set_params(n_clusters=11).fit(A, B)


def test_as_many_clusters_as_rows(tiny):
    assert len(tiny.set_params(n_clusters=10).fit(A, B).labels_) == 22


@pytest.mark.usefixtures("no_training")
def test_values_too_large_for_single_precision(tiny):
    with pytest.raises(ValueError, match="Modality 'a': column 2.*standardize=True"):
        tiny.set_params(standardize=False).fit(changed(A, 0, 2, 1e200), B)


@pytest.fixture(scope="module")
def model():
    return MixedModalClustering(3, random_state=0, **TINY).fit(A, B)


NEW_ROWS = {
    "other width": (
        lambda m: m.predict(A[:, :2], modality="a"),
        "Modality 'a': X has 2 features, but MixedModalClustering is expecting 4",
    ),
    "wrong modality": (
        lambda m: m.predict(B, modality="a"),
        "expecting 4 features.*'b' has 3.*swapped",
    ),
    "swapped blocks": (lambda m: m.predict(B, A), "swapped"),
    "unknown modality": (lambda m: m.predict(A, modality="c"), "no modality 'c'"),
    "no modality": (lambda m: m.predict(A), "modality='a'"),
    "other names": (lambda m: m.predict(MixedModalData(A, B, names=("x", "y"))), "were.*in fit"),
    "unknown target": (lambda m: m.translate(A, "a", "c"), "no modality 'c'"),
    "NaN": (lambda m: m.transform(changed(A, 1, 0, np.nan), B), "NaN.*row 1, column 0"),
    "texts": (lambda m: m.predict(["text"], modality="a"), "holds texts"),
    "too far": (lambda m: m.predict(changed(A, 5, 1, 1e25), modality="a"), "'a': row 5.*units"),
    "beyond": (lambda m: m.predict(changed(A, 5, 1, 1e200), modality="a"), "column 1.*units"),
    "container and modality": (lambda m: m.predict(MixedModalData(A, B), modality="b"), "alone"),
    "container and block": (lambda m: m.transform(MixedModalData(A, B), B), "alone"),
    "half a modality": (lambda m: m.predict(A, modality=0.5), "no modality 0.5"),
    "container": (lambda m: m.translate(MixedModalData(A, B), "a", "b"), r"X.blocks\['a'\]"),
    "no source": (lambda m: m.translate(A, None, "b"), "no modality None"),
    "score of one block": (lambda m: m.score(A), "rows in a container"),
    "weights": (lambda m: m.score(MixedModalData(A, B), sample_weight=[1]), "sample_weight out"),
    "1-D": (lambda m: m.predict(A[0], modality="a"), "Expected 2D"),
    "too far to translate": (
        lambda m: m.translate(changed(A, 5, 1, 1e25), "a", "b"), "Modality 'a': row 5.*units",
    ),
    "masked": (lambda m: m.predict(np.ma.masked_greater(A, 1.0), modality="a"), "masked"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), NEW_ROWS.values(), ids=NEW_ROWS)
def test_bad_new_rows_are_refused(model, call, message):
    with pytest.raises(ValueError, match=message):
        call(model)


def test_no_new_rows_of_a_modality_are_no_rows(model):
    assert model.predict(A[:0], modality="a").shape == (0,)
    assert model.transform(MixedModalData(None, B)).shape == (10, 4)


@pytest.mark.parametrize("method", ["predict", "transform", "score"])
def test_predict_before_fit(method):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(MixedModalClustering(), method)(MixedModalData(A, B))


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=finite)
)
def test_standardised_rows_are_finite_whatever_the_values(x):
    rows = ModalityScaler("a").fit_transform(x)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert np.abs(rows).max() <= np.sqrt(len(x)) * (1 + 1e-5)


@given(
    hnp.arrays(np.float64, (5, 3), elements=st.floats(-100, 100)),
    st.integers(0, 4),
    st.integers(0, 2),
    st.sampled_from([np.nan, np.inf, -np.inf]),
)
def test_a_bad_value_is_found_where_it_is(x, row, column, bad):
    x[row, column] = bad
    with pytest.raises(ValueError, match=re.escape(f"row {row}, column {column}")):
        ModalityScaler("a").fit_transform(x)


@given(hnp.arrays(np.float64, (6, 3), elements=st.floats(-1e6, 1e6)))
def test_rows_come_back_from_standardisation(x):
    scaler = ModalityScaler("a")
    rows = scaler.fit_transform(x)
    scale = np.maximum(np.abs(x).max(), 1)
    np.testing.assert_allclose(scaler.inverse_transform(rows), x, atol=1e-5 * scale)
    np.testing.assert_allclose(scaler.transform(x), rows, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(
    hnp.arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 4)), elements=finite),
    hnp.arrays(np.int16, st.tuples(st.integers(2, 6), st.integers(2, 4))),
    st.integers(1, 4),
)
def test_any_two_finite_blocks_are_clustered(a, b, k):
    k = min(k, len(a), len(b))
    model = MixedModalClustering(k, random_state=0, **TINY | {"pretrain_epochs": 1}).fit(a, b)
    assert set(model.labels_) <= set(range(k))
    assert np.isfinite(model.embedding_).all()


@pytest.mark.parametrize("method", ["fit", "fit_predict", "fit_transform"])
def test_the_warning_points_at_the_line_that_called(method, tiny):
    with pytest.warns(AlignmentWarning) as caught:
        getattr(tiny.set_params(alignment_epochs=0), method)(A, B)
    (warning,) = [w for w in caught if issubclass(w.category, AlignmentWarning)]
    assert warning.filename == __file__


def test_a_block_of_zeros_and_ones_is_a_block_where_it_is_said_so(tiny):
    one_hot = np.eye(3)[np.arange(12) % 3]
    with pytest.raises(ValueError, match=r"one-hot labels.*MixedModalData\(X_a, X_b\)"):
        tiny.fit(A, one_hot)
    assert tiny.fit(MixedModalData(A, one_hot)).labels_.shape == (24,)
    assert tiny.fit(A, one_hot[:10]).labels_.shape == (22,)  # other rows: no labels of A's


def test_a_rate_may_be_an_array_of_no_dimensions(tiny):
    expected = tiny.set_params(pretraining__learning_rate=1e-2).fit(A, B).embedding_
    found = tiny.set_params(pretraining__learning_rate=np.array(1e-2)).fit(A, B).embedding_
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("X", [np.ones_like(A), np.zeros_like(A), A], ids=["ones", "zeros", "any"])
def test_nothing_but_alignment_is_warned_of(X, tiny):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", AlignmentWarning)
        tiny.fit(X, B).predict(X, B)


@pytest.mark.parametrize("named_first", [True, False])
def test_warnings_of_names_speak_of_the_estimator_and_point_at_the_call(named_first, tiny):
    plain, named = A, pd.DataFrame(A, columns=list("wxyz"))
    first, second = (named, plain) if named_first else (plain, named)
    with pytest.warns(UserWarning, match="'a': X .* MixedModalClustering was fitted") as caught:
        tiny.fit(first, B).predict(second, B)
    assert {w.filename for w in caught if w.category is UserWarning} == {__file__}


@pytest.mark.parametrize("n_rows", [2, 4, 7])
def test_of_a_handful_of_rows_nothing_is_known(n_rows):
    rng = np.random.RandomState(0)
    X = np.vstack([rng.randn(40, 3) + 5, rng.randn(60, 3)])
    model = MixedModalClustering(2, random_state=0, **TINY).fit(X, X[: 20 * n_rows : 20])
    assert model.alignment_confidence_ == 0
    assert (model.cluster_confidence_ == 0).all()


@pytest.mark.parametrize(
    "weights", ["autoencoders.0.decoder.0.weight", "discriminators.1.layers.0.weight"]
)
def test_weights_that_are_no_numbers_at_the_end_of_training_are_found(weights, tiny, monkeypatch):
    # As if the very last step had made them so, after all losses were numbers.
    def spoil(state, system, *args):
        maximize(state, system, *args)
        (spoilt,) = (p for name, p in system.named_parameters() if name == weights)
        with torch.no_grad():
            spoilt[0, 0] = np.nan

    maximize = adversarial._maximize
    tiny.set_params(adversarial__epochs=1).fit(A, B)
    before = tiny.embedding_
    monkeypatch.setattr(adversarial, "_maximize", spoil)
    with pytest.raises(TrainingDivergedError, match=f"weights {weights} became nan"):
        tiny.fit(A, B)
    assert tiny.embedding_ is before
