"""A model saved is the model loaded, in this process and in another."""

import importlib.metadata
import io
import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch

import skdm2c
from skdm2c.networks.system import system_from_arrays, system_to_arrays


def plain(value):
    """Whether a value holds nothing but Python's and numpy's own types."""
    if isinstance(value, dict):
        return all(plain(v) for v in [*value.keys(), *value.values()])
    if isinstance(value, list | tuple):
        return all(plain(v) for v in value)
    return value is None or isinstance(value, int | float | str | np.ndarray)


def test_pickle(fitted, blobs):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict(blobs[0]), fitted.labels_)
    np.testing.assert_array_equal(copy.transform(blobs[0]), fitted.embedding_)
    assert copy.history_ == fitted.history_


def test_joblib(fitted, blobs):
    buffer = io.BytesIO()
    joblib.dump(fitted, buffer)
    buffer.seek(0)
    np.testing.assert_array_equal(joblib.load(buffer).predict(blobs[0]), fitted.labels_)


def test_skops(fitted, blobs):
    skops_io = pytest.importorskip("skops.io")
    data = skops_io.dumps(fitted)
    unknown = skops_io.get_untrusted_types(data=data)
    assert all(name.startswith(("skdm2c.", "sklearn.", "numpy.")) for name in unknown)
    copy = skops_io.loads(data, trusted=unknown)
    np.testing.assert_array_equal(copy.predict(blobs[0]), fitted.labels_)


def test_the_networks_are_kept_as_plain_arrays(fitted):
    state = fitted._model.__getstate__()["system"]
    assert plain(state)
    assert not any(isinstance(v, torch.Tensor) for v in state["weights"].values())
    assert fitted._model.system is not state  # saving leaves the model as it is


def test_a_model_of_a_device_this_machine_lacks_loads(fitted, blobs):
    state = fitted.__getstate__()
    copy = type(fitted).__new__(type(fitted))
    copy.__setstate__(state | {"device": "cuda:7"})
    np.testing.assert_array_equal(copy.predict(blobs[0]), fitted.labels_)


def test_weights_of_another_architecture_are_refused(fitted):
    state = system_to_arrays(fitted._model.system)
    state["architecture"]["n_components"] = 5
    with pytest.raises(ValueError, match="(?s)damaged.*size mismatch"):
        system_from_arrays(state)


def loaded(like, state):
    """An object of the same class from a state, as pickle makes it."""
    made = type(like).__new__(type(like))
    made.__setstate__(state)
    return made


def test_a_state_says_its_format_and_version(fitted):
    assert importlib.metadata.version("skdm2c") == skdm2c.__version__
    state = fitted._model.__getstate__()
    assert (state["format"], state["version"]) == (2, skdm2c.__version__)


@pytest.mark.parametrize("number", [None, 0, 1, "2"])
def test_a_state_of_another_format_says_what_it_is(fitted, number):
    state = fitted._model.__getstate__() | {"format": number, "version": "0.9"}
    with pytest.raises(ValueError, match=rf"skdm2c 0.9, in the format {number!r}; "):
        loaded(fitted._model, state)


def test_networks_that_lack_something_are_damaged(fitted):
    state = fitted._model.__getstate__()
    for field in state["system"]:
        with pytest.raises(ValueError, match=f"networks.*damaged: '{field}'"):
            system_from_arrays({k: v for k, v in state["system"].items() if k != field})


def test_an_unfitted_model_is_saved_too(tiny):
    assert pickle.loads(pickle.dumps(tiny)).get_params() == tiny.get_params()


IN_ANOTHER_PROCESS = """
import joblib, pickle, sys, skops.io
from pathlib import Path
folder = Path(sys.argv[1])
X = joblib.load(folder / "rows")
kept = skops.io.get_untrusted_types(file=folder / "skops")
models = [
    joblib.load(folder / "joblib"),
    pickle.loads((folder / "pickle").read_bytes()),
    skops.io.load(folder / "skops", trusted=kept),
]
joblib.dump([(m.predict(X), m.transform(X)) for m in models], folder / "found")
"""


def test_in_another_process(fitted, blobs, tmp_path):
    skops_io = pytest.importorskip("skops.io")
    joblib.dump(blobs[0], tmp_path / "rows")
    joblib.dump(fitted, tmp_path / "joblib")
    (tmp_path / "pickle").write_bytes(pickle.dumps(fitted))
    skops_io.dump(fitted, tmp_path / "skops")
    subprocess.run([sys.executable, "-c", IN_ANOTHER_PROCESS, tmp_path], check=True, env=os.environ)
    found = joblib.load(tmp_path / "found")
    assert len(found) == 3
    for labels, embedding in found:
        np.testing.assert_array_equal(labels, fitted.labels_)
        np.testing.assert_array_equal(embedding, fitted.embedding_)
