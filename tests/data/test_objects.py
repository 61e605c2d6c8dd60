"""Rows that are objects reach their transformer untouched, and the estimator asks for one."""

import pathlib

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skdm2c import MixedModalClustering, MixedModalData, PerModality

N = 12
RNG = np.random.RandomState(0)
B = RNG.randn(10, 3)
IMAGES = RNG.rand(N, 4, 4, 3)
QUICK = {"pretrain_epochs": 1, "alignment_epochs": 1, "random_state": 0}

ROWS = {
    "images": (IMAGES, "reshape"),
    "list of images": (list(IMAGES), "ravel"),
    "images of several sizes": ([RNG.rand(4, 4 + i % 2) for i in range(N)], "ravel"),
    "mappings": ([{"width": 1.0, "height": float(i)} for i in range(N)], "DictVectorizer"),
    "tokens": ([["red", "fox"], ["sea"]] * 6, "FunctionTransformer"),
    "as many tokens in each row": ([["red", "fox"], ["blue", "sea"]] * 6, "FunctionTransformer"),
    "rows of different lengths": ([[1.0, 2.0], [3.0]] * 6, "different lengths"),
    "a missing row before mappings": (
        [None, *({"width": 1.0} for _ in range(11))],
        "DictVectorizer",
    ),
    "paths": ([pathlib.Path(f"{i}.png") for i in range(N)], "Path"),
    "bytes": ([b"x", b"y"] * 6, "bytes"),
    "array of mappings": (np.array([{"width": 1.0}] * N), "DictVectorizer"),
}


class Keep(TransformerMixin, BaseEstimator):
    """Remember what came in."""

    def fit(self, X, y=None):
        self.seen_ = X
        return self

    def transform(self, X):
        return np.random.RandomState(0).randn(len(X), 3)


def same(one, other):
    return type(one) is type(other) and np.array_equal(one, other)


@pytest.mark.parametrize("kind", ROWS)
def test_objects_reach_their_transformer_untouched(kind):
    rows, _ = ROWS[kind]
    X = MixedModalData(rows, B)
    transformer = PerModality(a=Keep()).fit(X)
    seen = transformer.transformers_["a"].seen_
    assert len(seen) == N
    assert all(map(same, seen, rows))
    assert len(transformer.transform(X[[3, 1, N]]).blocks["a"]) == 2


@pytest.mark.parametrize("kind", ROWS)
def test_objects_without_a_transformer_are_refused_with_one_that_helps(kind):
    rows, remedy = ROWS[kind]
    with pytest.raises(ValueError, match="'a'") as error:
        MixedModalClustering(3, **QUICK).fit(rows, B)
    assert remedy in str(error.value)


@pytest.mark.parametrize("kind", ROWS)
def test_containers_of_objects_can_be_indexed_and_compared(kind):
    rows, _ = ROWS[kind]
    X = MixedModalData(rows, B)
    assert X[[0, N]].blocks["a"][0] is rows[0] or same(X[[0, N]].blocks["a"][0], rows[0])
    assert X[:] == X
    assert X[::-1] != X
    assert f"a: {N} x" in repr(X)


def test_vectors_in_a_column_are_stacked_as_the_message_says():
    pandas = pytest.importorskip("pandas")
    vectors = pandas.DataFrame({"embedding": list(RNG.randn(N, 4))})["embedding"]
    with pytest.raises(ValueError, match=r"'a'.*np\.stack"):
        MixedModalClustering(3, **QUICK).fit(vectors, B)
    stacked = PerModality(a=FunctionTransformer(np.stack)).fit_transform(vectors, B)
    assert stacked.blocks["a"].shape == (N, 4)
    MixedModalClustering(3, **QUICK).fit(np.stack(vectors), B)


@pytest.mark.parametrize(
    ("rows", "transformer"),
    [
        (IMAGES, FunctionTransformer(lambda X: X.reshape(len(X), -1))),
        (ROWS["mappings"][0], DictVectorizer()),
        (ROWS["tokens"][0], CountVectorizer(analyzer=lambda tokens: tokens)),
        (np.array(["red fox", "blue sea"] * 6)[:, None], CountVectorizer()),
    ],
    ids=["images", "mappings", "tokens", "texts in one column"],
)
def test_a_pipeline_fits_objects(rows, transformer):
    pipe = make_pipeline(PerModality(a=transformer), MixedModalClustering(2, **QUICK))
    assert pipe.fit_predict(rows, B).shape == (N + 10,)
    assert pipe.predict(MixedModalData(rows[:2], None)).shape == (2,)


def test_lists_of_numbers_are_tables_still():
    X = MixedModalData(B.tolist(), [tuple(row) for row in B], names=("a", "b"))
    assert all(block.shape == B.shape for block in X.blocks.values())


def test_an_error_of_a_transformer_names_the_modality_and_the_transformer():
    class Broken(Keep):
        def fit(self, X, y=None):
            raise KeyError("missing")

    with pytest.raises(ValueError, match="'a'.*Broken.*missing"):
        PerModality(a=Broken()).fit(B, B)
