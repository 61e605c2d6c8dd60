"""Interrupts, threads and PyTorch's settings change nothing, and nothing stays changed."""

import gc
import pickle
import threading
from contextlib import contextmanager
from functools import partial
from typing import ClassVar

import numpy as np
import pytest
import torch
from conftest import TINY
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_info, threadpool_limits

from skdm2c import MixedModalClustering
from skdm2c.data.prepared import PreparedData
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.runtime.isolation import isolated
from skdm2c.training import History

FAST = TINY | {"pretrain_epochs": 2, "alignment_epochs": 2}


def settings():
    """All that a call of the estimator might leave changed."""
    return (
        torch.get_num_threads(),
        [library["num_threads"] for library in threadpool_info()],
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_default_dtype(),
        torch.empty(0).device,
    )


@pytest.fixture(scope="module")
def data():
    return make_mixed_modal_blobs(200, random_state=0)[0]


@pytest.fixture(scope="module")
def fitted(data):
    return MixedModalClustering(3, random_state=0, **FAST).fit(data)


# --- Memory -------------------------------------------------------------------------------


def test_a_fit_lets_go_of_its_copy_of_the_data_without_the_garbage_collector(data):
    gc.collect()
    gc.disable()
    try:
        MixedModalClustering(3, random_state=0, **FAST).fit(data)
        assert not [left for left in gc.get_objects() if isinstance(left, PreparedData)]
    finally:
        gc.enable()


# --- Interrupts ---------------------------------------------------------------------------


@pytest.fixture
def two_threads():
    """Limits that can be seen to be lifted again, on a machine of one core too."""
    before = torch.get_num_threads()
    with threadpool_limits(2):
        torch.set_num_threads(2)
        yield
        torch.set_num_threads(before)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("phase", ["pretraining", "alignment", "adversarial"])
@pytest.mark.usefixtures("two_threads")
def test_an_interrupted_fit_leaves_everything_as_it_was(phase, n_jobs, data, monkeypatch):
    model = MixedModalClustering(3, random_state=0, n_jobs=n_jobs, **FAST)
    before, kept = settings(), model.fit(data).embedding_

    def interrupt(history, state, record):
        if record["phase"] == phase:
            raise KeyboardInterrupt
        return False

    n_threads = threading.active_count()
    with monkeypatch.context() as patch:
        patch.setattr(History, "on_epoch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            model.fit(data)
    assert settings() == before
    assert threading.active_count() <= n_threads  # those of the first fit may end meanwhile
    assert model.embedding_ is kept
    np.testing.assert_array_equal(model.transform(data), kept)
    np.testing.assert_array_equal(model.fit(data).embedding_, kept)


def test_a_call_is_limited_to_one_thread_in_any_thread():
    before, seen = settings(), []
    work = isolated(lambda: seen.append({pool["num_threads"] for pool in threadpool_info()}))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    work()
    assert seen == [{1}, {1}]
    assert settings() == before


# --- Threads ------------------------------------------------------------------------------


def in_threads(*functions):
    """Run functions at the same time and return what they return; an error is raised here."""
    found, errors = [None] * len(functions), []

    def run(number):
        try:
            found[number] = functions[number]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return found


def test_predict_in_a_refit_sees_the_old_model_or_the_new(data):
    two = make_mixed_modal_blobs(200, n_features=(4, 7), random_state=1)[0]
    two = type(two)(*two.blocks.values(), names=("c", "d"))
    model = MixedModalClustering(3, random_state=0, **FAST)
    known = {X.names: model.fit(X).predict(X) for X in (data, two)}
    over, begun = threading.Event(), threading.Barrier(3)
    one, other = set(), set()

    def refit():
        try:
            begun.wait()
            for _ in range(40):  # till both predictors have seen both, some 2 to 8 times
                for X in (data, two):
                    model.fit(X)
                if one == other == set(known):
                    break
        finally:
            over.set()

    def predict(seen):
        begun.wait()
        while not over.is_set():
            for X in (data, two):
                try:
                    labels = model.predict(X)
                except ValueError as error:
                    if "The modalities were" not in str(error):
                        raise
                else:
                    np.testing.assert_array_equal(labels, known[X.names])
                    seen.add(X.names)

    in_threads(refit, partial(predict, one), partial(predict, other))
    assert one == other == set(known)


def test_four_threads_that_fit_one_object_leave_one_whole_model(data):
    parts = [data[np.arange(start, len(data), 2)] for start in (0, 1)] * 2
    model, known = MixedModalClustering(3, random_state=0, **FAST), []
    before = settings()
    for part in parts[:2]:
        known.append(MixedModalClustering(3, random_state=0, **FAST).fit(part).embedding_)
    in_threads(*[lambda part=part: model.fit(part) for part in parts])
    whose = [np.array_equal(model.embedding_, embedding) for embedding in known]
    assert sum(whose) == 1
    part = parts[whose.index(True)]
    np.testing.assert_array_equal(model.transform(part), model.embedding_)
    np.testing.assert_array_equal(model.predict(part), model.labels_)
    assert settings() == before


class Raises:
    """A callback of scikit-learn that raises in one of its methods."""

    def __init__(self, where):
        self.where = where

    def _raise(self, where):
        if where == self.where:
            raise RuntimeError(where)

    def setup(self, estimator, context):
        self._raise("setup")

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self._raise("begin")

    def on_fit_task_end(self, estimator, context, **kwargs):
        if context.parent is None:
            self._raise("end of the fit")
        self._raise("end")

    def teardown(self, estimator, context):
        self._raise("teardown")


@pytest.mark.parametrize("where", ["setup", "begin", "end", "end of the fit", "teardown"])
def test_a_callback_that_raises_leaves_the_estimator_as_it_was(where, data):
    model = MixedModalClustering(3, random_state=0, **FAST)
    if not hasattr(model, "set_callbacks"):
        pytest.skip("this scikit-learn has no callbacks")
    with pytest.raises(RuntimeError, match=where):
        model.set_callbacks(Raises(where)).fit(data)
    with pytest.raises(NotFittedError):
        model.predict(data)
    kept = model.set_callbacks().fit(data).embedding_
    with pytest.raises(RuntimeError, match=where):
        model.set_callbacks(Raises(where)).fit(data[: len(data) // 2 + 20])
    assert model.embedding_ is kept
    np.testing.assert_array_equal(model.transform(data), kept)


def test_a_callback_may_use_the_estimator_in_any_state_of_pytorch(fitted, data):
    expected = fitted.transform(data)

    class Uses(Raises):
        phases: ClassVar[set] = set()

        def on_fit_task_end(self, estimator, context, **kwargs):
            with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
                np.testing.assert_array_equal(fitted.transform(data), expected)
                phase = getattr(context, "record", {}).get("phase")
                if phase not in self.phases:
                    MixedModalClustering(3, random_state=0, **FAST).fit(data)
                    self.phases.add(phase)

    model = MixedModalClustering(3, random_state=0, **FAST).set_params(adversarial__epochs=1)
    if not hasattr(model, "set_callbacks"):
        pytest.skip("this scikit-learn has no callbacks")
    alone, before = model.fit(data).embedding_, settings()
    np.testing.assert_array_equal(model.set_callbacks(Uses(None)).fit(data).embedding_, alone)
    assert Uses.phases >= {record["phase"] for record in model.history_}
    assert settings() == before


# --- PyTorch's settings -------------------------------------------------------------------


@contextmanager
def default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def default_device():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


STATES = {
    "float64 by default": default_dtype,
    "autocast to float16": lambda: torch.autocast("cpu", dtype=torch.float16),
    "another device by default": default_device,
    "a device context": lambda: torch.device("meta"),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "deterministic algorithms": deterministic,
}
GAMES = {
    "as it is": {},
    "paper": {
        "networks__normalization": "batch",
        "adversarial__lipschitz": "clip",
        "adversarial__optimizer": "rmsprop",
    },
    "penalty": {"adversarial__lipschitz": "gradient_penalty", "adversarial__loss": "gan"},
}


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("state", STATES)
def test_settings_of_pytorch_change_nothing_in_fit(state, game, data):
    model = MixedModalClustering(3, random_state=0, **FAST).set_params(**GAMES[game])
    expected = model.fit(data).embedding_
    translated = model.translate(data.blocks["a"], "a", "b")
    with STATES[state]():
        np.testing.assert_array_equal(model.fit(data).embedding_, expected)
    np.testing.assert_array_equal(model.translate(data.blocks["a"], "a", "b"), translated)
    assert {p.dtype for p in model.autoencoders_["a"].parameters()} == {torch.float32}


@pytest.mark.parametrize("state", STATES)
def test_settings_of_pytorch_change_nothing_in_a_fitted_model(state, fitted, data):
    block, kept = data.blocks["a"], pickle.dumps(fitted)
    expected = fitted.transform(data), fitted.translate(block, "a", "b"), fitted.score(data)
    with STATES[state]():
        inside = pickle.loads(kept)
        for model in (fitted, inside):
            found = model.transform(data), model.translate(block, "a", "b"), model.score(data)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(inside.transform(data), expected[0])  # what was loaded there
    for network in inside.autoencoders_.values():  # can be trained on, too
        network(torch.zeros(2, next(network.parameters()).shape[1])).sum().backward()


def test_what_a_caller_has_set_is_there_again(fitted, data):
    with threadpool_limits(1, "blas"), torch.no_grad():
        before = settings()
        fitted.predict(data)
        assert settings() == before
