"""MixedModalData: construction, indexing, pairs, and where it comes from."""

import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing

from skdm2c import MixedModalData, ModalityKFold, PerModality
from skdm2c.data import as_known_modalities, as_mixed_modal, modality_index


def numbered(n_a, n_b, **kwargs):
    """A container whose rows hold their own number: A's 0, 1, ..., B's 1000, 1001, ..."""
    return MixedModalData(
        np.arange(n_a)[:, None], 1000 + np.arange(n_b)[:, None] * np.ones((1, 2)), **kwargs
    )


def row_values(X):
    """Column 0 of every row of a numbered container, in the container's order."""
    values = np.empty(len(X))
    for m, name in enumerate(X.names):
        values[m == X.codes] = np.asarray(X.blocks[name])[:, 0]
    return values


sizes = st.integers(1, 8)


@st.composite
def container_and_index(draw):
    n_a, n_b = draw(sizes), draw(sizes)
    n = n_a + n_b
    index = draw(
        st.one_of(
            hnp.arrays(np.intp, st.integers(0, 12), elements=st.integers(-n, n - 1)),
            hnp.arrays(bool, n),
            st.slices(n),
        )
    )
    n_pairs = draw(st.integers(0, min(n_a, n_b)))
    sides = [draw(st.permutations(range(n))) for n in (n_a, n_b)]
    return numbered(n_a, n_b, pairs=list(zip(*sides, strict=False))[:n_pairs]), index


@given(container_and_index())
def test_indexing_is_that_of_an_array_of_rows(case):
    X, index = case
    expected = row_values(X)[index]
    sub = X[index]
    np.testing.assert_array_equal(row_values(sub), expected)
    np.testing.assert_array_equal(row_values(X[index, ...]), expected)
    np.testing.assert_array_equal(sub.modality, X.modality[index])
    assert len(sub) == sub.shape[0] == len(expected)
    assert sub.names == X.names


@given(container_and_index(), st.data())
def test_indexing_twice_is_indexing_once_by_the_composition(case, data):
    X, index = case
    sub = X[index]
    second = (
        data.draw(hnp.arrays(np.intp, 5, elements=st.integers(0, len(sub) - 1)))
        if len(sub)
        else np.empty(0, np.intp)
    )
    at_once = X[np.arange(len(X))[index][second]]
    np.testing.assert_array_equal(row_values(sub[second]), row_values(at_once))
    np.testing.assert_array_equal(sub[second].pairs, at_once.pairs)
    assert sub[second] == at_once


@given(st.data())
def test_pairs_still_name_the_same_instances_after_indexing(data):
    n = data.draw(st.integers(1, 6))
    partner = data.draw(st.permutations(range(n)))
    m = data.draw(st.integers(0, n))
    X = numbered(n, n, pairs=[(i, partner[i]) for i in range(m)])
    rows = data.draw(st.lists(st.integers(0, 2 * n - 1), max_size=12, unique=True))
    sub = X[rows]
    kept = {
        (float(sub.blocks["a"][i, 0]), float(sub.blocks["b"][j, 0]) - 1000) for i, j in sub.pairs
    }
    expected = {(i, partner[i]) for i in range(m) if i in rows and n + partner[i] in rows}
    assert kept == expected


def test_every_copy_of_a_paired_row_is_paired_with_every_copy_of_its_partner():
    X = numbered(2, 2, pairs=[(0, 1)])
    np.testing.assert_array_equal(X[[0, 0, 3]].pairs, [[0, 0], [1, 0]])
    np.testing.assert_array_equal(X[[0, 0, 3, 3]].pairs, [[0, 0], [0, 1], [1, 0], [1, 1]])


def test_attributes():
    X = MixedModalData(np.zeros((4, 3)), np.ones((2, 5)), names=("rna", "atac"))
    assert (X.shape, X.ndim, len(X)) == ((6, 8), 2, 6)
    assert X.names == ("rna", "atac")
    assert list(X.modality) == ["rna"] * 4 + ["atac"] * 2
    assert list(X.blocks) == ["rna", "atac"]
    assert X.pairs.shape == (0, 2)
    with pytest.raises(TypeError):
        X.blocks["rna"] = 3
    with pytest.raises(TypeError, match="iterate"):
        iter(X)


def test_blocks_are_not_copied():
    block = np.zeros((4, 3))
    assert MixedModalData(block, block).blocks["a"] is block


@pytest.mark.parametrize(
    "make",
    [
        np.asarray,
        sp.csr_matrix,
        sp.csr_array,
        sp.coo_matrix,
        pd.DataFrame,
        lambda x: pl.DataFrame(x, schema=["u", "v"]),
        lambda x: x.tolist(),
        np.asfortranarray,
    ],
    ids=["ndarray", "csr_matrix", "csr_array", "coo", "pandas", "polars", "list", "fortran"],
)
def test_every_form_of_block_can_be_indexed(make):
    x = np.arange(8.0).reshape(4, 2)
    sub = MixedModalData(make(x), x)[[2, 0, 5]].blocks["a"]
    dense = sub.toarray() if sp.issparse(sub) else np.asarray(sub)
    np.testing.assert_array_equal(dense, x[[2, 0]])


@pytest.mark.parametrize(
    "make", [list, tuple, np.array, pd.Series, lambda t: np.array(t, dtype=object)]
)
def test_texts_are_a_block(make):
    X = MixedModalData(make(["one", "two", "three"]), np.zeros((2, 2)))
    assert X.shape == (5, 3)
    assert X[[2, 4, 0]].blocks["a"] == ["three", "one"]
    assert X[[3]].blocks["a"] == []


def test_a_memmap_stays_one(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(12.0).reshape(4, 3))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    X = MixedModalData(mapped, np.ones((2, 2)))
    assert isinstance(X.blocks["a"], np.memmap)
    np.testing.assert_array_equal(X[[1]].blocks["a"], [[3, 4, 5]])


def test_an_absent_modality():
    X = MixedModalData(None, np.ones((3, 2)))
    assert (len(X), X.blocks["a"]) == (3, None)
    assert list(X[1:].modality) == ["b", "b"]
    assert "a: absent" in repr(X)


def test_scikit_learn_and_pickle_take_it():
    X = numbered(4, 3, pairs=[(1, 2)])
    np.testing.assert_array_equal(row_values(_safe_indexing(X, [5, 0])), [1001, 0])
    copy = pickle.loads(pickle.dumps(X))
    np.testing.assert_array_equal(row_values(copy), row_values(X))
    np.testing.assert_array_equal(copy.pairs, X.pairs)
    assert joblib.hash(copy) == joblib.hash(pickle.loads(pickle.dumps(copy)))


@pytest.mark.parametrize(
    ("blocks", "kwargs", "message"),
    [
        ((np.zeros((2, 2)),), {}, "two blocks or more"),
        ((None, None), {}, "not None"),
        ((np.zeros(3), np.zeros((2, 2))), {}, r"'a'.*Expected 2D.*reshape\(-1, 1\)"),
        ((np.float64(3), np.zeros((2, 2))), {}, "'a'"),
        ((np.zeros((2, 2)),) * 2, {"names": ("x", "x")}, "different strings"),
        ((np.zeros((2, 2)),) * 2, {"names": ("x",)}, "2 different strings"),
        ((np.zeros((2, 2)),) * 2, {"names": ("x", "a\nb")}, "printable"),
        ((np.zeros((2, 2)),) * 2, {"names": ("x", "a" * 61)}, "at most 60"),
        ((np.zeros((2, 2)),) * 2, {"names": ("x", "rna__x")}, "rna__x"),
        ((np.zeros((2, 2)),) * 2, {"names": "ab"}, "sequence of strings"),
        ((np.zeros((2, 2)),) * 2, {"pairs": [(0, 5)]}, "no row 5"),
        ((np.zeros((2, 2)),) * 2, {"pairs": [(-1, 0)]}, "no row -1"),
        ((np.zeros((2, 2)),) * 2, {"pairs": [(0, 0), (0, 1)]}, "several pairs"),
        ((np.zeros((2, 2)),) * 2, {"pairs": [(0, 1), (0, 1)]}, "several pairs"),
        ((np.zeros((2, 2)),) * 2, {"pairs": [(0, 1, 1)]}, r"shape \(m, 2\)"),
        ((np.zeros((2, 2)),) * 2, {"pairs": [(0.5, 1)]}, "integers"),
        ((np.zeros((2, 2)),) * 3, {"pairs": [(0, 1)]}, "which two"),
        ((np.zeros((2, 2)),) * 3, {"pairs": {("a", "z"): [(0, 1)]}}, "different modalities"),
        (
            (np.zeros((2, 2)),) * 3,
            {"pairs": {("a", "b"): [(0, 1)], ("b", "a"): [(0, 0)]}},
            "twice",
        ),
    ],
)
def test_bad_containers_are_refused(blocks, kwargs, message):
    with pytest.raises(ValueError, match=message):
        MixedModalData(*blocks, **kwargs)


@pytest.mark.parametrize(
    "key", [7, [9], [True, False], (0, 1), [0.5], (slice(None), slice(None), 0)]
)
def test_bad_indices_are_refused(key):
    with pytest.raises(IndexError):
        numbered(3, 2)[key]


def test_pairs_of_three_modalities():
    x = np.zeros((3, 2))
    X = MixedModalData(x, x, x, pairs={("c", "a"): [(0, 2), (1, 1)]})
    np.testing.assert_array_equal(X.pairs["a", "c"], [[2, 0], [1, 1]])
    np.testing.assert_array_equal(X[[1, 7]].pairs["a", "c"], [[0, 0]])
    assert "2 known pairs" in repr(X)


@pytest.mark.parametrize("library", [pd, pl])
def test_from_frame_finds_the_modality_by_what_is_missing(library):
    frame = library.DataFrame(
        {"u": [1.0, None, 3.0], "v": [None, None, 4.0], "w": [None, 5.0, None]}
    )
    X = MixedModalData.from_frame(frame, {"image": ["u", "v"], "text": ["w"]})
    assert list(X.modality) == ["image", "text", "image"]
    np.testing.assert_array_equal(np.asarray(X.blocks["text"]), [[5.0]])
    np.testing.assert_array_equal(np.asarray(X.blocks["image"])[:, 0], [1.0, 3.0])


@pytest.mark.parametrize("library", [pd, pl])
def test_from_frame_takes_a_column_of_modalities(library):
    frame = library.DataFrame({"u": [1, 2], "w": [3, 4], "kind": ["text", "image"]})
    X = MixedModalData.from_frame(frame, {"image": ["u"], "text": ["w"]}, modality="kind")
    assert list(X.modality) == ["text", "image"]
    np.testing.assert_array_equal(np.asarray(X.blocks["text"]), [[3]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"u": [1.0], "w": [2.0]}, r"row 0 has values of \['a', 'b'\]"),
        ({"u": [None], "w": [None]}, "no values at all"),
        ({"u": [1.0]}, "no column 'w'"),
    ],
)
def test_from_frame_refuses_rows_of_no_or_two_modalities(values, message):
    with pytest.raises(ValueError, match=message):
        MixedModalData.from_frame(pd.DataFrame(values), {"a": ["u"], "b": ["w"]})


def test_from_frame_knows_the_nulls_of_pandas():
    frame = pd.DataFrame(
        {
            "u": pd.array([1, None], dtype="Int64"),
            "v": pd.array([None, None], dtype="Float64"),
            "w": pd.array([None, "text"], dtype="string"),
        }
    )
    X = MixedModalData.from_frame(frame, {"a": ["u", "v"], "b": ["w"]})
    assert list(X.modality) == ["a", "b"]


def test_from_frame_wants_lists_of_columns():
    with pytest.raises(ValueError, match=r"must be a list: \['red'\]"):
        MixedModalData.from_frame(pd.DataFrame({"red": [1.0]}), {"a": "red", "b": ["red"]})


def test_from_frame_refuses_unknown_modalities():
    frame = pd.DataFrame({"u": [1.0], "w": [1.0], "kind": ["sound"]})
    with pytest.raises(ValueError, match="'sound'"):
        MixedModalData.from_frame(frame, {"a": ["u"], "b": ["w"]}, modality="kind")


@pytest.fixture
def mdata():
    anndata, mudata = pytest.importorskip("anndata"), pytest.importorskip("mudata")
    rna = anndata.AnnData(sp.random(5, 7, 0.5, "csr", random_state=0))
    rna.obs_names = [f"cell{i}" for i in range(5)]
    rna.obsm["X_pca"] = np.ones((5, 2))
    rna.layers["counts"] = np.full((5, 7), 3.0)
    atac = anndata.AnnData(np.zeros((4, 9), dtype=np.float32))
    atac.obs_names = ["cell3", "x", "cell0", "y"]
    return mudata.MuData({"rna": rna, "atac": atac})


def test_from_mudata(mdata):
    X = MixedModalData.from_mudata(mdata)
    assert X.names == ("rna", "atac")
    assert X.shape == (9, 16)
    assert X.pairs.shape == (0, 2)
    X = MixedModalData.from_mudata(
        mdata, modalities=["atac", "rna"], representation={"rna": "X_pca"}, pair_shared_names=True
    )
    assert X.blocks["rna"].shape == (5, 2)
    np.testing.assert_array_equal(X.pairs, [[0, 3], [2, 0]])
    X = MixedModalData.from_mudata(mdata, representation={"rna": "counts"})
    assert X.blocks["rna"][0, 0] == 3


def test_from_mudata_names_what_is_missing(mdata):
    with pytest.raises(ValueError, match="no modality 'adt'"):
        MixedModalData.from_mudata(mdata, modalities=["rna", "adt"])
    with pytest.raises(ValueError, match=r"no 'X_umap'.*X_pca"):
        MixedModalData.from_mudata(mdata, representation={"rna": "X_umap"})


def test_the_ways_to_call_fit():
    a, b = np.zeros((3, 2)), np.ones((4, 5))
    X = MixedModalData(a, b)
    assert as_mixed_modal(X) is X
    assert as_mixed_modal(X, np.zeros(7)) is X
    assert as_mixed_modal(a, b).shape == (7, 7)
    for y in (None, np.zeros(3), ["x", "y", "z"]):
        with pytest.raises(ValueError, match=r"fit\(X_a, X_b\)"):
            as_mixed_modal(a, y)
    with pytest.raises(ValueError, match=r"shape \(3, 1\).*1-D.*MixedModalData"):
        as_mixed_modal(a, np.zeros((3, 1)))
    assert as_mixed_modal({"rna": a, "atac": b}).names == ("rna", "atac")
    for both in ((a, b), [a, b]):
        with pytest.raises(ValueError, match=r"MixedModalData\(X_a, X_b\)"):
            as_mixed_modal(both)


def test_the_ways_to_bring_new_rows():
    a, b, names = np.zeros((3, 2)), np.ones((4, 5)), ("rna", "atac")
    assert len(as_known_modalities(a, names, b)) == 7
    assert as_known_modalities(b, names, modality=1).blocks["rna"] is None
    assert as_known_modalities({"atac": b}, names).blocks["rna"] is None
    with pytest.raises(ValueError, match="atacc"):
        as_known_modalities({"rna": a, "atacc": b}, names)
    X = MixedModalData(a, b, names=names)
    assert as_known_modalities(X, names) is X
    with pytest.raises(ValueError, match="modality='rna'"):
        as_known_modalities(a, names)
    with pytest.raises(ValueError, match=r"were \('rna', 'atac'\) in fit"):
        as_known_modalities(MixedModalData(a, b), names)
    with pytest.raises(ValueError, match="two modalities only"):
        as_known_modalities(a, ("x", "y", "z"), b)
    with pytest.raises(ValueError, match="no modality 'adt'"):
        modality_index("adt", names)
    for bad in (2, -1, True):
        with pytest.raises(ValueError, match="no modality"):
            modality_index(bad, names)


def test_transformed_blocks_must_keep_their_rows():
    X = numbered(3, 2)
    assert X.with_blocks({"a": np.zeros((3, 9))}).shape == (5, 11)
    with pytest.raises(ValueError, match="had 3 rows and now has 2"):
        X.with_blocks({"a": np.zeros((2, 9))})


def test_arrays_and_iteration_say_what_to_do_instead():
    X = MixedModalData(np.zeros((3, 2)), ["x", "y"], names=("image", "text"))
    for misuse in (np.asarray, lambda X: StandardScaler().fit(X)):
        with pytest.raises(TypeError, match=r"X.blocks\['image'\].*PerModality\(image="):
            misuse(X)
    with pytest.raises(TypeError, match=r"X.blocks\['image'\]"):
        list(X)


def test_html_of_a_container():
    X = MixedModalData(np.zeros((3, 2)), ["x", "y"], None, names=("<i>", "text", "sound"),
                       pairs={("<i>", "text"): [(0, 1)]})  # fmt: skip
    html = X._repr_html_()
    assert "<i>" not in html
    for part in ("&lt;i&gt;", "ndarray of float64", "texts", "absent", "1 known pair<"):
        assert part in html


# --- Odd names, indices and frames ---------------------------------------------------------

NAMES = [("a(b)", "c*"), ("10x rna", "rna"), ("self", "X"), ("ü", "☃")]


@pytest.mark.parametrize("names", NAMES)
def test_modalities_may_have_any_printable_name(names, tiny):
    rng = np.random.RandomState(0)
    X = MixedModalData(rng.randn(20, 3), rng.randn(20, 4), names=names)
    per = PerModality(**{name: StandardScaler() for name in names})
    for params in (per.get_params(), clone(per).get_params()):
        assert set(names) < set(params)
    per.set_params(**{f"{names[0]}__with_mean": False, f"{names[1]}__with_std": False})
    assert not per.transformers[names[0]].with_mean
    assert not per.transformers[names[1]].with_std
    assert per.fit(X).get_feature_names_out()[0] == f"{names[0]}__x0"
    grid = {f"permodality__{names[0]}__with_std": [True, False]}
    search = GridSearchCV(make_pipeline(per, tiny), grid, cv=ModalityKFold(2)).fit(X)
    tiny.set_params(verbose=2, unify_to=names[1]).fit(X)
    assert "StandardScaler" in search._repr_html_()
    assert names[0] in repr(X)


def test_set_params_takes_a_new_transformer_and_its_parameters_at_once():
    per = PerModality(a="passthrough").set_params(a__with_mean=False, a=StandardScaler())
    assert not per.transformers["a"].with_mean
    with pytest.raises(ValueError, match=r"'b__with_mean'.*no transformer for modality 'b'"):
        per.set_params(b__with_mean=False)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.uint32, np.uint64])
def test_row_numbers_may_be_of_any_integer_type(dtype):
    X, rows = numbered(300, 100), np.array([3, 120, 0], dtype=dtype)
    np.testing.assert_array_equal(row_values(X[rows]), [3, 120, 0])
    with pytest.raises(IndexError, match="Row 120 is out of range for 90 rows"):
        numbered(50, 40)[rows]


def test_masked_rows_are_refused():
    with pytest.raises(IndexError, match="masked"):
        numbered(3, 3)[np.ma.masked_array([0, 1], mask=[True, False])]
    with pytest.raises(ValueError, match="pairs.*masked"):
        numbered(3, 3, pairs=np.ma.masked_array([[0, 1]], mask=[[True, False]]))


def test_equal_is_what_has_the_same_rows_in_the_same_order():
    X = numbered(3, 2, pairs=[(0, 1)])
    assert X == numbered(3, 2, pairs=[(0, 1)]) == X[:]
    assert pickle.loads(pickle.dumps(X)) == X
    for other in (numbered(3, 2), X[::-1], numbered(3, 3, pairs=[(0, 1)]), 5, None):
        assert other != X
    with pytest.raises(TypeError, match="unhashable"):
        hash(X)


FORMS = {
    "array": np.array([[1.0, np.nan]]),
    "integers": np.array([[1, 2]]),
    "sparse": sp.csr_matrix([[0.0, 2.0]]),
    "pandas": pd.DataFrame({"x": [None], "y": ["n"]}),
    "polars": pl.DataFrame({"x": [None], "y": ["n"]}),
    "texts": ["a text"],
}


@pytest.mark.parametrize("form", FORMS)
def test_equal_blocks_of_any_form(form):
    block, other = FORMS[form], np.zeros((1, 2))
    copy = pickle.loads(pickle.dumps(block))
    assert MixedModalData(block, other) == MixedModalData(copy, other)
    for name, different in FORMS.items():
        if name != form:
            assert MixedModalData(block, other) != MixedModalData(different, other)


def test_blocks_that_changed_since_are_refused(tiny):
    frame = pd.DataFrame(np.random.RandomState(0).randn(20, 3), columns=list("uvw"))
    X = MixedModalData(frame, np.random.RandomState(1).randn(20, 2))
    tiny.fit(X)
    frame.drop(index=[0, 1], inplace=True)
    for use in (tiny.fit, tiny.predict, lambda X: X[:3], PerModality(a=StandardScaler()).fit):
        with pytest.raises(ValueError, match="'a' had 20 rows .* has 18 now"):
            use(X)


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_from_frame_refuses_what_names_no_modality(library):
    columns = {"a": ["u"], "b": ["w"]}
    values = {"u": [1.0, 2.0], "w": [1.0, 2.0], "kind": ["a", None]}
    with pytest.raises(ValueError, match=r"column 'kind' holds .* in row 1"):
        MixedModalData.from_frame(library(values), columns, modality="kind")
    with pytest.raises(ValueError, match="no column ''"):
        MixedModalData.from_frame(library(values), columns, modality="")
    for group in ([], ["u", "u"]):
        with pytest.raises(ValueError, match="from_frame: 'a'"):
            MixedModalData.from_frame(library(values), columns | {"a": group})


def test_from_frame_refuses_double_columns_and_knows_na():
    double = pd.DataFrame([[1.0, 2.0, None]], columns=["u", "u", "w"])
    with pytest.raises(ValueError, match="2 columns 'u'"):
        MixedModalData.from_frame(double, {"a": ["u"], "b": ["w"]})
    frame = pd.DataFrame({"kind": pd.array(["a", pd.NA], dtype="string"), "u": [1.0, 2.0]})
    with pytest.raises(ValueError, match="holds <NA> in row 1"):
        MixedModalData.from_frame(frame, {"a": ["u"], "b": ["u"]}, modality="kind")


def test_pairs_are_remapped_in_time_linear_in_their_number():
    n = 100_000  # quadratic, this would take minutes
    shuffled = np.random.RandomState(0).permutation(n)
    X = numbered(n, n, pairs=np.column_stack([np.arange(n), shuffled]))
    sub = X[np.random.RandomState(1).permutation(2 * n)]
    assert len(sub.pairs) == n
    a, b = (np.asarray(block)[:, 0] for block in sub.blocks.values())
    np.testing.assert_array_equal(shuffled[a[sub.pairs[:, 0]]], b[sub.pairs[:, 1]] - 1000)
