"""Random use against what must hold: an array of rows, named errors, no damage read as sound.

A few dozen cases each in the suite, always the same; ``make fuzz`` goes on for 20 minutes
with seeds that it prints.
"""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from conftest import TINY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sklearn.utils import _safe_indexing

from skdm2c import MixedModalClustering, MixedModalData, TrainingDivergedError

# --- The container, against an array of (modality, row) -----------------------------------

FORMS = {
    "array": np.asarray,
    "Fortran": np.asfortranarray,
    "csr": sp.csr_matrix,
    "dok": sp.dok_array,
    "pandas": lambda x: pd.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])]),
    "odd index": lambda x: pd.DataFrame(x, index=np.zeros(len(x)), columns=list("xyz")),
    "polars": lambda x: pl.DataFrame(x, schema=list("xyz")),
    "rows": lambda x: x.tolist() or np.empty((0, 3)),
    "tensor": torch.tensor,
    "texts": lambda x: [str(row) for row in x[:, 0]] or np.empty((0, 3)),
}


def first_column(block):
    """Numbers of rows, whatever form holds them."""
    if isinstance(block, list):
        return np.array([float(text) for text in block])
    if sp.issparse(block):
        block = block.toarray()
    return np.asarray(block, dtype=float)[:, 0]


class ContainerMachine(RuleBasedStateMachine):
    """Indexes a container again and again, and an array of its rows beside it."""

    @initialize(data=st.data(), lengths=st.lists(st.integers(0, 5), min_size=2, max_size=3))
    def make(self, data, lengths):
        forms = [data.draw(st.sampled_from(sorted(FORMS))) for _ in lengths]
        names = [f"m{m}" for m in range(len(lengths))]
        blocks = [
            FORMS[form](10.0 * np.arange(n)[:, None] + np.arange(3) + 1000 * m)
            for m, (form, n) in enumerate(zip(forms, lengths, strict=True))
        ]
        a, b, *_ = lengths
        partners = data.draw(st.permutations(range(max(a, b))))
        self.partners = {(i, j) for i, j in enumerate(partners) if i < a and j < b}
        pairs = {("m0", "m1"): sorted(self.partners)}
        self.X = MixedModalData(*blocks, names=names, pairs=pairs)
        self.codes = np.repeat(np.arange(len(lengths)), lengths)
        self.rows = np.concatenate([np.arange(n) for n in lengths])

    def take(self, index):
        self.X = self.X[index]
        self.codes, self.rows = self.codes[index], self.rows[index]

    @rule(data=st.data())
    def by_number(self, data):
        n = len(self.codes)
        dtype = data.draw(st.sampled_from([np.int8, np.uint8, np.int32, np.uint64, np.intp]))
        least = 0 if np.dtype(dtype).kind == "u" else -n
        elements = st.integers(least, n - 1) if n else st.nothing()
        index = data.draw(hnp.arrays(dtype, st.integers(0, 8 if n else 0), elements=elements))
        self.take(index if len(index) else index.astype(np.intp))

    @rule(data=st.data())
    def by_mask(self, data):
        self.take(data.draw(hnp.arrays(bool, len(self.codes))))

    @rule(data=st.data())
    def by_slice(self, data):
        self.take(data.draw(st.slices(len(self.codes))))

    @rule()
    def as_scikit_learn_does(self):
        index = np.arange(len(self.codes))[::-1]
        self.X = _safe_indexing(self.X, index)
        self.codes, self.rows = self.codes[index], self.rows[index]

    @rule()
    def saved(self):
        copy = pickle.loads(pickle.dumps(self.X))
        assert copy == self.X
        self.X = copy

    @invariant()
    def holds_the_same_rows(self):
        if not hasattr(self, "X"):
            return
        assert len(self.X) == self.X.shape[0] == len(self.codes)
        np.testing.assert_array_equal(self.X.codes, self.codes)
        for m, name in enumerate(self.X.names):
            expected = 10.0 * self.rows[self.codes == m] + 1000 * m
            if len(expected):
                np.testing.assert_array_equal(first_column(self.X.blocks[name]), expected)

    @invariant()
    def pairs_all_copies_of_partners(self):
        if not hasattr(self, "X"):
            return
        found = self.X.pairs if len(self.X.names) == 2 else self.X.pairs.get(("m0", "m1"), [])
        left, right = (self.rows[self.codes == m] for m in (0, 1))
        expected = [
            (i, j)
            for i, a in enumerate(left)
            for j, b in enumerate(right)
            if (a, b) in self.partners
        ]
        assert sorted(map(tuple, found)) == expected


TestContainer = ContainerMachine.TestCase


@pytest.fixture(autouse=True)
def counted(request, record_property):
    """Tell reports how many examples there were at most."""
    record_property("cases", settings().max_examples)


# --- Fit, over random blocks and parameters -----------------------------------------------

NUMBERS = st.one_of(
    st.floats(-10, 10), st.floats(), st.sampled_from([0.0, 1.0, 1e300, -1e38, 5e-324])
)


@st.composite
def blocks(draw):
    """A block, mostly a good one."""
    shape = draw(st.tuples(st.integers(0, 14), st.integers(0, 4)))
    x = draw(
        st.one_of(
            st.integers(0, 99).map(lambda seed: np.random.RandomState(seed).randn(12, 3)),
            hnp.arrays(np.float64, shape, elements=st.floats(-5, 5, width=32)),
            hnp.arrays(np.float64, shape, elements=NUMBERS),
        )
    )
    forms = {
        "as it is": lambda: x,
        "float32": lambda: np.asarray(np.clip(x, -1e38, 1e38), dtype=np.float32),
        "sparse": lambda: sp.csc_array(x),
        "pandas": lambda: pd.DataFrame(x).add_prefix("c"),
        "polars": lambda: pl.DataFrame(x, schema=[f"c{i}" for i in range(x.shape[1])]),
        "objects": lambda: x.astype(object),
        "tensor": lambda: torch.tensor(x),
        "masked": lambda: np.ma.masked_invalid(x),
        "one column": lambda: x[:, :1],
        "1-D": lambda: x.ravel(),
        "3-D": lambda: x[None],
        "texts": lambda: [str(row) for row in x],
        "with None": lambda: [*x.astype(object).tolist(), [None] * x.shape[1]],
        "dates": lambda: np.array(x.shape[0] * [["2026-01-01"]], dtype="datetime64[D]"),
        "complex": lambda: x + 1j,
        "none": lambda: None,
        "a number": lambda: 3,
    }
    good = st.sampled_from(["as it is", "float32", "sparse", "pandas", "polars", "tensor"])
    form = draw(st.one_of(good, good, st.sampled_from(sorted(forms))))
    return forms[form]()


ODD = st.sampled_from([None, True, -1, 0, 1, 2.5, np.nan, np.inf, "geometry", (), (3,), [8, 2], {}])
PARAMETERS = {
    "n_clusters": st.integers(1, 5),
    "unify_to": st.sampled_from(["auto", 0, 1, "a", "b", np.int64(1)]),
    "alignment": st.sampled_from([TINY["alignment"], None]),
    "standardize": st.sampled_from(["auto", True, False]),
    "n_components": st.integers(1, 6),
    "networks__normalization": st.sampled_from(["batch", "layer", "none"]),
    "pretraining__lambda_neighbors": st.sampled_from([0.0, 1.0]),
    "n_neighbors": st.integers(1, 40),
    "pretrain_epochs": st.integers(0, 3),
    "alignment_epochs": st.integers(0, 3),
    "adversarial__epochs": st.integers(0, 3),
    "batch_size": st.sampled_from([2, 3, 5, 10_000]),
    "pretraining__learning_rate": st.sampled_from([1e-3, (1e-3, 1e-2), np.array(0.1), 1e30]),
    "adversarial__generator_learning_rate": st.sampled_from([1e-4, 1e30]),
    "adversarial__optimizer": st.sampled_from(["adam", "rmsprop"]),
    "adversarial__generator_steps": st.integers(1, 3),
    "adversarial__loss": st.sampled_from(["wasserstein", "gan"]),
    "adversarial__lipschitz": st.sampled_from(["clip", "gradient_penalty", "spectral_norm", None]),
    "assignment": st.sampled_from(["mixture", "kmeans"]),
}


@st.composite
def parameters(draw):
    """Some parameters, mostly good ones."""
    names = draw(st.lists(st.sampled_from(sorted(PARAMETERS)), unique=True, max_size=6))
    chosen = {name: draw(PARAMETERS[name]) for name in names}
    if names and draw(st.integers(0, 3)) == 0:
        chosen[names[0]] = draw(ODD)
    return chosen


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(blocks(), blocks(), parameters(), st.booleans())
def test_a_fit_is_right_or_says_what_is_wrong(a, b, chosen, contained):
    model = MixedModalClustering(3, random_state=0, **TINY).set_params(**chosen)
    said = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = MixedModalData(a, b)
            model.fit(*((data,) if contained else (a, b)))
        except (ValueError, TypeError, TrainingDivergedError) as error:
            said = str(error)
        if said is not None:
            named = ["Modality '", "argument", "n_samples", "modalit", "block", "Likely cause"]
            assert any(name in said for name in [*named, *(c.split("__")[-1] for c in chosen)]), (
                said
            )
            assert len(said) < 1000, "a message holds a whole array"
            assert "labels_" not in vars(model)
            return
        n = len(data)
        assert model.labels_.shape == (n,)
        assert set(model.labels_) <= set(range(model.n_clusters))
        assert np.isfinite(model.embedding_).all()
        assert 0 <= model.alignment_confidence_ <= 1
        np.testing.assert_array_equal(model.predict(data), model.labels_)
        np.testing.assert_allclose(model.predict_proba(data).sum(axis=1), 1, rtol=1e-6)
        assert np.isfinite(model.translate(data.blocks["a"], "a", "b")).all()
        order = np.random.RandomState(0).permutation(n)
        scale = np.abs(model.embedding_).max() + 1
        np.testing.assert_allclose(
            model.transform(data[order]), model.embedding_[order], atol=1e-5 * scale
        )
