"""AnnData and MuData, in and out, with the real objects."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skdm2c import MixedModalData, PerModality, load_model, save_model, write_results
from skdm2c.datasets import make_mixed_modal_blobs

anndata = pytest.importorskip("anndata")
mudata = pytest.importorskip("mudata")

AnnData = anndata.AnnData

pytestmark = pytest.mark.filterwarnings(
    "ignore::skdm2c.AlignmentWarning", "ignore::FutureWarning", "ignore::UserWarning"
)


@pytest.fixture
def assays():
    """Three assays of 60, 50 and 40 cells; some names stand in several."""
    (a, b, c) = make_mixed_modal_blobs(180, n_features=(8, 6, 5), random_state=0)[0].blocks.values()
    found = {}
    for name, block, n in (("rna", sp.csr_matrix(a), 60), ("atac", b, 50), ("adt", c, 40)):
        adata = anndata.AnnData(block[:n].copy())
        adata.obs_names = [f"cell{i}" for i in range(n)]
        adata.obsm["X_pca"] = sp.csr_matrix(adata.X).toarray()[:, :3]
        found[name] = adata
    return found


@pytest.fixture
def mdata(assays):
    return mudata.MuData(assays)


def test_two_assays_as_blocks(assays, tiny):
    rna, atac, _ = assays.values()
    labels = tiny.fit(rna, atac).labels_
    arrays = rna.X.toarray(), atac.X
    np.testing.assert_array_equal(clone(tiny).fit(*arrays).labels_, labels)
    np.testing.assert_array_equal(tiny.predict(rna, atac), labels)
    np.testing.assert_array_equal(tiny.predict(atac, modality="b"), labels[60:])
    assert tiny.transform(rna, atac).shape == (110, 4)
    assert np.isfinite(tiny.score(MixedModalData(rna, atac)))


def test_a_mudata_of_three_assays(mdata, tiny):
    tiny.fit(mdata)
    assert tiny.modality_names_ == ("rna", "atac", "adt")
    assert len(tiny.labels_) == 150
    np.testing.assert_array_equal(tiny.predict(mdata), tiny.labels_)
    assert tiny.transform(mdata).shape == tiny.fit_transform(mdata).shape == (150, 4)
    assert np.isfinite(tiny.score(mdata))
    write_results(tiny, mdata, key_added="found")
    start = 0
    for adata in mdata.mod.values():
        stop = start + adata.n_obs
        np.testing.assert_array_equal(adata.obs["found"].astype(int), tiny.labels_[start:stop])
        assert list(adata.obs["found"].cat.categories) == ["0", "1", "2"]
        np.testing.assert_allclose(
            adata.obsm["X_found"], tiny.embedding_[start:stop], rtol=1e-5, atol=1e-6
        )
        shares = adata.obsm["found_probabilities"]
        np.testing.assert_array_equal(adata.obs["found_probability"], shares.max(axis=1))
        np.testing.assert_array_equal(
            adata.obs["found_confidence"], tiny.cluster_confidence_[tiny.labels_[start:stop]]
        )
        assert adata.uns["found"]["unified_modality"] == tiny.unified_modality_
        start = stop


def test_the_cells_of_a_pair_are_written_with_their_common_label(mdata, tiny):
    tiny.fit(MixedModalData.from_mudata(mdata, pair_shared_names=True))
    write_results(tiny, mdata, pair_shared_names=True)
    written = np.concatenate([mdata[name].obs["skdm2c"].astype(int) for name in mdata.mod])
    np.testing.assert_array_equal(written, tiny.labels_)


def test_results_can_be_saved(mdata, tiny, tmp_path):
    write_results(tiny.fit(mdata), mdata)
    mdata.write(tmp_path / "found.h5mu")
    again = mudata.read_h5mu(tmp_path / "found.h5mu")
    for name, adata in again.mod.items():
        np.testing.assert_array_equal(adata.obs["skdm2c"], mdata.mod[name].obs["skdm2c"])


def test_in_the_order_of_the_object(mdata, tiny):
    tiny.fit(mdata)
    shuffled = {
        name: adata[np.random.RandomState(0).permutation(adata.n_obs)].copy()
        for name, adata in mdata.mod.items()
    }
    write_results(tiny, mdata)
    write_results(tiny, shuffled)
    for name, adata in shuffled.items():
        expected = mdata.mod[name].obs["skdm2c"]
        assert (adata.obs["skdm2c"] == expected[adata.obs_names]).all()


def test_a_representation_and_a_pipeline(mdata, tiny):
    X = MixedModalData.from_mudata(
        mdata, modalities=["rna", "atac"], representation={"atac": "X_pca"}
    )
    pipe = make_pipeline(PerModality(rna=TruncatedSVD(4, random_state=0)), tiny).fit(X)
    with pytest.raises(ValueError, match="features"):
        write_results(pipe, mdata, representation={})
    write_results(pipe, mdata)  # with the representation of the fit
    np.testing.assert_array_equal(mdata.mod["rna"].obs["skdm2c"].astype(int), pipe[-1].labels_[:60])
    assert "skdm2c" not in mdata.mod["adt"].obs


def test_new_cells_of_one_assay(mdata, assays, tiny):
    tiny.fit(mdata)
    new = mudata.MuData({"atac": assays["atac"][:7].copy()})
    np.testing.assert_array_equal(tiny.predict(new), tiny.labels_[60:67])
    write_results(tiny, new)
    with pytest.raises(ValueError, match=r"were \('rna', 'atac', 'adt'\) in fit.*'protein'"):
        tiny.predict(mudata.MuData({"protein": assays["adt"]}))
    with pytest.raises(ValueError, match=r"were \('rna', 'atac', 'adt'\) in fit.*'protein'"):
        write_results(tiny, {"protein": assays["adt"]})


@pytest.mark.parametrize("name", ["rna", "atac"])
def test_a_backed_assay_is_read_as_it_is_needed(name, assays, tiny, tmp_path, monkeypatch):
    from skdm2c.data import scaling

    expected = tiny.fit(assays["rna"], assays["atac"]).labels_
    assays[name].write_h5ad(tmp_path / "x.h5ad")
    backed = anndata.read_h5ad(tmp_path / "x.h5ad", backed="r")
    blocks = [backed if n == name else assays[n] for n in ("rna", "atac")]
    read = clone(tiny).fit(*blocks)
    np.testing.assert_array_equal(read.labels_, expected)
    monkeypatch.setattr(scaling, "MAX_HELD", 0)
    X = MixedModalData(*blocks)
    streamed = clone(tiny).fit(X)
    np.testing.assert_array_equal(streamed.labels_, expected)
    order = np.random.RandomState(0).permutation(len(X))
    np.testing.assert_array_equal(read.predict(X[order]), expected[order])
    per = PerModality(a=TruncatedSVD(3, random_state=0)).fit(X)
    assert per.transform(X[order]).blocks["a"].shape == (60, 3)


def test_variables_in_another_order_are_refused(assays, tiny, mdata):
    rna, atac, _ = assays.values()
    tiny.fit(rna, atac)
    turned = atac[:, ::-1].copy()
    with pytest.raises(ValueError, match="Modality 'b': The feature names should match"):
        tiny.predict(turned, modality="b")
    per = PerModality(a=TruncatedSVD(3)).fit(MixedModalData(rna, atac))
    with pytest.raises(ValueError, match="'a': the variables"):
        per.transform(MixedModalData(rna[:, ::-1].copy(), None))
    X = MixedModalData(rna, atac)
    np.testing.assert_array_equal(X[5:70].columns["a"], rna.var_names)
    assert X.with_blocks({"a": np.ones((60, 2))}).columns["a"] is None
    # Rows alone have no names to compare.
    with pytest.warns(UserWarning, match="valid feature names"):
        np.testing.assert_array_equal(
            tiny.predict(np.asarray(atac.X), modality="b"), tiny.labels_[60:]
        )


def test_backed_rows_go_to_other_processes(assays, tmp_path):
    assays["rna"].write_h5ad(tmp_path / "x.h5ad")
    backed = anndata.read_h5ad(tmp_path / "x.h5ad", backed="r")
    X = MixedModalData(backed, assays["atac"])[::2]
    copy = pickle.loads(pickle.dumps(X))
    np.testing.assert_array_equal(copy.blocks["a"].read().toarray(), X.blocks["a"].read().toarray())
    with pytest.raises(ValueError, match=r"view of a backed AnnData.*to_memory"):
        MixedModalData(backed[:10], assays["atac"])


def test_an_assay_without_x_says_what_it_has(assays):
    adata = anndata.AnnData(obsm={"X_pca": np.ones((5, 2))})
    with pytest.raises(ValueError, match=r"'a': this AnnData has no X.*X_pca"):
        MixedModalData(adata, assays["atac"])


def test_results_are_written_whole_or_not_at_all(assays, tiny):
    rna, atac, _ = assays.values()
    with pytest.raises(NotFittedError):
        write_results(tiny, {"a": rna})
    tiny.fit(rna, atac)
    with pytest.raises(ValueError, match="features"):
        write_results(tiny, {"a": rna, "b": rna})
    assert "skdm2c" not in rna.obs
    with pytest.raises(ValueError, match=r"write_results.*\{'a': adata\}"):
        write_results(tiny, rna)
    with pytest.raises(ValueError, match="no modality 'aa'"):
        write_results(tiny, {"a": rna}, representation={"aa": "X_pca"})


def test_the_package_does_not_import_them():
    code = "from skdm2c import *; import sys; print({'anndata', 'mudata', 'h5py'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- One AnnData of several assays, and what the fit knew ------------------------------------


def assays_with_names(seed=0):
    X, _ = make_mixed_modal_blobs(120, random_state=seed)
    rna, atac = (AnnData(block) for block in X.blocks.values())
    rna.var_names = [f"g{i}" for i in range(rna.n_vars)]
    atac.var_names = [f"p{i}" for i in range(atac.n_vars)]
    return rna, atac


@pytest.mark.parametrize("sparse", [False, True])
def test_one_anndata_of_two_assays_is_read_and_written(sparse, tiny):
    rna, atac = assays_with_names()
    frames = [rna.to_df(), atac.to_df()]
    if sparse:
        rna.X, atac.X = sp.csr_matrix(rna.X), sp.csr_matrix(atac.X)
    both = anndata.concat({"rna": rna, "atac": atac}, join="outer", label="assay", index_unique="-")
    order = np.random.RandomState(0).permutation(both.n_obs)
    both = both[order].copy()
    X = MixedModalData.from_anndata(both, modality="assay")
    assert list(X.modality) == list(both.obs["assay"])
    tiny.fit(X)
    expected = {
        name: frame.to_numpy()[order[both.obs["assay"] == name] - shift]
        for name, frame, shift in zip(("rna", "atac"), frames, (0, 60), strict=True)
    }
    columns = {"rna": frames[0].columns, "atac": frames[1].columns}
    for name, rows in X.blocks.items():
        rows = rows.toarray() if sp.issparse(rows) else rows
        in_order = columns[name].get_indexer(X.columns[name])  # a union sorts the variables
        np.testing.assert_array_equal(rows, expected[name][:, in_order])
    write_results(tiny, both, modality="assay")
    np.testing.assert_array_equal(both.obs["skdm2c"].astype(int), tiny.labels_)
    np.testing.assert_allclose(both.obsm["X_skdm2c"], tiny.embedding_, atol=1e-5)


def test_one_anndata_with_a_column_of_feature_types_or_a_representation(tiny):
    rna, atac = assays_with_names()
    both = anndata.concat({"rna": rna, "atac": atac}, join="outer", label="assay", index_unique="-")
    both.var["type"] = ["rna" if name.startswith("g") else "atac" for name in both.var_names]
    X = MixedModalData.from_anndata(both, modality="assay", features="type")
    assert repr(X) == repr(MixedModalData.from_anndata(both, modality="assay"))
    both.obsm["X_pca"] = np.random.RandomState(0).randn(both.n_obs, 5)
    X = MixedModalData.from_anndata(both, modality="assay", representation={"rna": "X_pca"})
    assert X.blocks["rna"].shape == (60, 5)
    write_results(tiny.fit(X), both, modality="assay")  # with the representation of the fit
    np.testing.assert_array_equal(both.obs["skdm2c"].astype(int), tiny.labels_)


def test_bad_columns_of_one_anndata_are_named(tiny):
    rna, atac = assays_with_names()
    both = anndata.concat({"rna": rna, "atac": atac}, join="outer", label="assay", index_unique="-")
    for arguments, message in (
        ({"modality": "assays"}, "'assays'"),
        ({"modality": "assay", "features": "types"}, "'types'"),
        ({"modality": "assay", "representation": {"rna": "X_pca"}}, "'X_pca'"),
    ):
        with pytest.raises(ValueError, match=message):
            MixedModalData.from_anndata(both, **arguments)
    with pytest.raises(ValueError, match="from_anndata"):
        tiny.fit(both)
    model = tiny.fit(MixedModalData.from_anndata(both, modality="assay"))
    with pytest.raises(ValueError, match="modality"):
        write_results(model, both)
    gene = {"rna": ["g0", "g99"], "atac": ["p1"]}
    with pytest.raises(ValueError, match="'g99'"):
        MixedModalData.from_anndata(both, modality="assay", features=gene)
    with pytest.raises(ValueError, match=r"row 60 .*'atac'"):
        MixedModalData.from_anndata(both, modality="assay", names=["rna", "adt"])
    both.obs.loc[both.obs_names[3], "assay"] = None
    with pytest.raises(ValueError, match="row 3"):
        MixedModalData.from_anndata(both, modality="assay")


def test_results_have_the_labels_pairs_and_representation_of_the_fit(tmp_path, tiny):
    rna, atac = assays_with_names()
    atac.obs_names = [*rna.obs_names[:30], *(f"other{i}" for i in range(30))]
    rna.obsm["X_pca"] = rna.X[:, :6].copy()
    assays = {"rna": rna, "atac": atac}
    X = MixedModalData.from_mudata(assays, representation={"rna": "X_pca"}, pair_shared_names=True)
    model = tiny.fit(X)
    save_model(model, tmp_path / "model")
    for estimator in (model, load_model(tmp_path / "model")):
        write_results(estimator, assays)
        written = [*rna.obs["skdm2c"].astype(int), *atac.obs["skdm2c"].astype(int)]
        np.testing.assert_array_equal(written, model.labels_)
        assert (rna.obs["skdm2c"][:30].to_numpy() == atac.obs["skdm2c"][:30].to_numpy()).all()
    write_results(model, assays, pair_shared_names=False)  # each cell by itself
    alone = model.predict(MixedModalData(rna.obsm["X_pca"], atac, names=("rna", "atac")))
    written = [*rna.obs["skdm2c"].astype(int), *atac.obs["skdm2c"].astype(int)]
    np.testing.assert_array_equal(written, alone)
    by_hand = MixedModalData(rna, atac, names=("rna", "atac"), pairs=[(i, i) for i in range(30)])
    model = tiny.fit(by_hand)  # pairs that only the fit knows
    write_results(model, assays)
    written = [*rna.obs["skdm2c"].astype(int), *atac.obs["skdm2c"].astype(int)]
    np.testing.assert_array_equal(written, model.labels_)


def test_new_rows_of_one_anndata_in_another_order_and_of_one_assay(tiny):
    rna, atac = assays_with_names()
    both = anndata.concat({"rna": rna, "atac": atac}, join="outer", label="assay", index_unique="-")
    X = MixedModalData.from_anndata(both, modality="assay")
    model = tiny.fit(X)
    for rows in (np.arange(119, -1, -1), np.arange(70, 80), np.arange(5)):
        new = both[rows].copy()
        known = {"names": X.names, "features": X.columns}
        expected = model.predict(MixedModalData.from_anndata(new, modality="assay", **known))
        np.testing.assert_array_equal(expected, model.labels_[rows])
        write_results(model, new, modality="assay")
        np.testing.assert_array_equal(new.obs["skdm2c"].astype(int), expected)
    silent = both[:10].copy()
    silent.X[:, 0] = 0  # a gene that no cell of these expresses
    write_results(model, silent, modality="assay")


def test_an_anndata_without_x_or_on_disk_is_refused_by_name(tmp_path):
    rna, atac = assays_with_names()
    both = anndata.concat({"rna": rna, "atac": atac}, join="outer", label="assay", index_unique="-")
    both.write_h5ad(tmp_path / "both.h5ad")
    backed = anndata.read_h5ad(tmp_path / "both.h5ad", backed="r")
    with pytest.raises(ValueError, match="to_memory"):
        MixedModalData.from_anndata(backed, modality="assay")
    bare = AnnData(obs=both.obs)
    with pytest.raises(ValueError, match="no X"):
        MixedModalData.from_anndata(bare, modality="assay")
