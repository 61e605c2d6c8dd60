"""The labels of rows in data frames go through the estimator and Pipelines."""

import numpy as np
import pytest
from conftest import TINY
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdm2c import MixedModalClustering, MixedModalData, PerModality, results_frame

pd = pytest.importorskip("pandas")
RNG = np.random.RandomState(0)
A = pd.DataFrame(RNG.randn(30, 4), index=[f"customer {i}" for i in range(30)]).add_prefix("a")
B = pd.DataFrame(RNG.randn(25, 3), index=[f"shop {i}" for i in range(25)]).add_prefix("b")
NAMES = [*A.index, *B.index]


@pytest.fixture(scope="module")
def model():
    return MixedModalClustering(2, random_state=0, **TINY).set_output(transform="pandas").fit(A, B)


def test_transform_keeps_the_index(model):
    assert model.transform(A, B).index.tolist() == NAMES
    assert model.transform(A[:4], modality="a").index.tolist() == NAMES[:4]
    assert model.fit_transform(A, B).index.tolist() == NAMES
    assert model.transform(A, B).columns.tolist() == model.get_feature_names_out().tolist()


def test_the_index_follows_the_order_of_the_container(model):
    order = RNG.permutation(len(NAMES))
    X = MixedModalData(A, B)[order]
    assert X.index.tolist() == [NAMES[row] for row in order]
    frame = model.transform(X)
    np.testing.assert_array_equal(frame, model.transform(A, B).loc[X.index])


def test_a_pipeline_keeps_the_index():
    pipe = make_pipeline(
        PerModality(a=StandardScaler(), b=StandardScaler()),
        MixedModalClustering(2, random_state=0, **TINY),
    ).set_output(transform="pandas")
    assert pipe.fit(A, B).transform(MixedModalData(A, None)).index.tolist() == NAMES[:30]
    assert pipe.fit_transform(A, B).index.tolist() == NAMES


def test_without_frames_in_all_modalities_there_is_no_index(model):
    assert MixedModalData(A, B.to_numpy()).index is None
    assert MixedModalData(A[:0], None).index is None
    assert isinstance(model.set_output(transform="default").transform(A, B), np.ndarray)


def test_results_of_each_row_in_a_frame(model):
    X = MixedModalData(A, B, names=("a", "b"))[::-1]
    frame = results_frame(model, X)
    assert frame["id"].tolist() == NAMES[::-1]
    assert frame["modality"].tolist() == X.modality.tolist()
    np.testing.assert_array_equal(frame["cluster"], model.predict(X))
    np.testing.assert_allclose(frame["probability"], model.predict_proba(X).max(axis=1))
    confidence = model.cluster_confidence_[frame["cluster"]]
    np.testing.assert_array_equal(frame["cluster_confidence"], confidence)
    arrays = MixedModalData(A.to_numpy(), B.to_numpy())
    assert results_frame(MixedModalClustering(2, **TINY).fit(arrays), arrays)["id"][54] == 54
