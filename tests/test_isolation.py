"""Interrupts, forks, threads and PyTorch's settings change nothing, and nothing stays changed."""

import contextlib
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from conftest import TINY
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_info, threadpool_limits
from torch.amp import autocast_mode
from torch.autograd import grad_mode

from skdm2c import MixedModalClustering, _device, _isolation, _signals, _threads
from skdm2c._isolation import isolated
from skdm2c.checked import CheckedData
from skdm2c.datasets import make_mixed_modal_blobs

FAST = TINY | {"pretrain_epochs": 2, "alignment_epochs": 2, "decoder_epochs": 2}


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
        [signal.getsignal(number) for number in signal.valid_signals()],
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
        assert not [left for left in gc.get_objects() if isinstance(left, CheckedData)]
    finally:
        gc.enable()


# --- Interrupts ---------------------------------------------------------------------------


class InterruptAt:
    """Sends SIGINT at the n-th place, and at as many as are to follow at once.

    Python looks for signals where a function begins, where a call has ended and in loops.
    The places are those of the package's files about settings, and of PyTorch's and Python's
    contexts, which they use.
    """

    modules = (
        _threads, _isolation, _signals, _device, contextlib, grad_mode, autocast_mode, signal,
    )  # fmt: skip
    files = tuple(module.__file__ for module in modules)

    def __init__(self, number, burst, signals=(signal.SIGINT,)):
        self.number, self.burst, self.signals, self.seen = number, burst, signals, 0

    def __call__(self, frame, event, argument):
        if event in {"call", "return", "c_return"} and frame.f_code.co_filename in self.files:
            self.seen += 1
            if self.number <= self.seen < self.number + self.burst:
                # All at once, whatever the first of them raises.
                raise_all(self.signals)

    def interrupts(self, work):
        """Whether a KeyboardInterrupt came out of work."""
        try:
            sys.setprofile(self)
            work()
        except KeyboardInterrupt:
            return True
        finally:
            sys.setprofile(None)
        return False


def raise_all(signals):
    if signals:
        try:
            signal.raise_signal(signals[0])
        finally:
            raise_all(signals[1:])


# Contexts that a caller may be in.
CALLERS = {
    "nothing": contextlib.nullcontext,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "a device context": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "three of them": lambda: in_all(torch.inference_mode(), torch.device("meta"), torch.no_grad()),
}


@contextmanager
def in_all(*contexts):
    with contextlib.ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


@pytest.fixture
def two_threads():
    """Limits that can be seen to be lifted again, on a machine of one core too."""
    before = torch.get_num_threads()
    with threadpool_limits(2):
        torch.set_num_threads(2)
        yield
        torch.set_num_threads(before)


@pytest.fixture
def handlers():
    """Other signals that Python handles, beside Ctrl-C; notes those that came."""
    came = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGABRT)}
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    yield came
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("burst", [1, 2, 50])
@pytest.mark.usefixtures("two_threads", "handlers")
def test_an_interrupt_at_any_place_leaves_all_settings_as_they_were(caller, burst, record_property):
    work = isolated(lambda: torch.set_grad_enabled(False))
    with CALLERS[caller]():
        before = settings()
        for number in range(1, 1000):
            tracer = InterruptAt(number, burst)
            tracer.interrupts(work)
            assert settings() == before, f"interrupted at place {number}"
            if tracer.seen < number:
                break
    assert 20 < number < 999  # there were such places, and each was tried
    record_property("cases", number - 1)


@pytest.mark.usefixtures("two_threads")
def test_no_interrupt_is_lost():
    work = isolated(int)
    for number in range(1, 1000):
        tracer = InterruptAt(number, 1)
        caught = tracer.interrupts(work)
        assert caught == (tracer.seen >= number)
        if not caught:
            break
    assert number > 20


STRESS = """
import itertools, os, random, signal, sys, threading, time, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
import numpy as np
from test_isolation import FAST, settings
from skdm2c import MixedModalClustering
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.checked import CheckedData

X, _ = make_mixed_modal_blobs(200, random_state=0)
model = MixedModalClustering(3, random_state=0, n_jobs=int(sys.argv[2]), **FAST).fit(X)
expected, before, kept = model.embedding_, settings(), set()
rng = random.Random(0)
for n in range(100):
    method, caught = model.predict if n % 2 else model.fit, []
    def send():
        if os.name == "posix":
            os.kill(os.getpid(), signal.SIGINT)
        else:  # there os.kill would end the process
            signal.raise_signal(signal.SIGINT)
    def interrupt(times=1 if n < 50 else 20):
        for _ in range(times):
            send()
        # Python itself loses one that falls into a callback of its garbage collector.
        for waited in itertools.count(1):
            if caught:
                break
            time.sleep(0.01)
            if waited % 300 == 0:
                send()
    timer = threading.Timer(rng.random() / 50, interrupt)
    try:
        timer.start()
        while True:
            method(X)
    except KeyboardInterrupt:
        while True:
            try:
                caught.append(True)
                timer.join()
                break
            except KeyboardInterrupt:  # the rest of a burst
                pass
        kept.add(settings() == before and np.array_equal(model.transform(X), expected))
assert kept == {True}, kept
assert threading.active_count() == 1
assert np.array_equal(model.fit(X).embedding_, expected)
print("held")
"""


def in_child(code, *arguments):
    """Run code in a Python of its own, which knows this file."""
    return subprocess.run(
        [sys.executable, "-c", code, Path(__file__).parent, *arguments],
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.mark.parametrize("n_jobs", ["1", "2"])
def test_a_hundred_interrupts_change_neither_limits_nor_what_follows(n_jobs, record_property):
    record_property("cases", 100)
    done = in_child(STRESS, n_jobs)
    assert (done.returncode, done.stdout.strip()) == (0, "held"), done.stderr


def test_signals_of_several_kinds_are_all_passed_on(handlers):
    for number in range(1, 1000):
        handlers.clear()
        tracer = InterruptAt(number, 1, (signal.SIGTERM, signal.SIGINT, signal.SIGABRT))
        tracer.interrupts(isolated(int))
        if tracer.seen < number:
            break
        assert sorted(handlers) == [signal.SIGABRT, signal.SIGTERM]
    assert number > 20


def test_who_kept_the_handler_of_a_fit_still_hears_of_signals(handlers):
    kept = []
    isolated(lambda: kept.append(signal.getsignal(signal.SIGTERM)))()
    kept[0](signal.SIGTERM, None)
    assert handlers == [signal.SIGTERM]


# --- Forks and threads --------------------------------------------------------------------

FORKS = """
import faulthandler, os, sys, threading, time, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
import numpy as np
from test_isolation import FAST, settings
from skdm2c import MixedModalClustering
from skdm2c._isolation import isolated
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.checked import CheckedData

X, _ = make_mixed_modal_blobs(200, random_state=0)
model = MixedModalClustering(3, random_state=0, **FAST).fit(X)
expected, before, over = model.predict(X), settings(), threading.Event()

def work():  # in our own locks as often as can be, and never in a lock of a matrix library
    while not over.is_set():
        isolated(int)()

thread = threading.Thread(target=work)
thread.start()
codes = []
for _ in range(20):
    child = os.fork()
    if not child:
        faulthandler.dump_traceback_later(30)  # to see where it hangs, if it does
        os._exit(not (np.array_equal(model.predict(X), expected) and settings() == before))
    stop = time.monotonic() + 60
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid or time.monotonic() > stop:
            break
        time.sleep(0.005)
    codes.append(os.waitstatus_to_exitcode(status) if pid else "hangs")
    if not pid:
        os.kill(child, 9)
over.set()
thread.join()
assert settings() == before
print(set(codes))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_while_another_thread_enters_and_leaves_goes_on(record_property):
    record_property("cases", 20)
    done = in_child(FORKS)
    assert (done.returncode, done.stdout.strip()) == (0, "{0}"), done.stderr + done.stdout


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

    model = MixedModalClustering(3, random_state=0, **FAST | {"adversarial_epochs": 1})
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
    "paper": {"normalization": "batch", "lipschitz": "clip", "optimizer": "rmsprop"},
    "penalty": {"lipschitz": "gradient_penalty", "adversarial_loss": "gan"},
}


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("state", STATES)
def test_settings_of_pytorch_change_nothing_in_fit(state, game, data):
    model = MixedModalClustering(3, random_state=0, **FAST | GAMES[game])
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
