"""A model saved is the model loaded, in this process and in another."""

import io
import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch


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
    state = fitted._model.__getstate__()
    state["system"]["architecture"]["n_components"] = 5
    with pytest.raises(RuntimeError, match="size mismatch"):
        type(fitted._model).__new__(type(fitted._model)).__setstate__(state)


def test_an_unfitted_model_is_saved_too(tiny):
    assert pickle.loads(pickle.dumps(tiny)).get_params() == tiny.get_params()


def test_in_another_process(fitted, blobs, tmp_path):
    joblib.dump((fitted, blobs[0]), tmp_path / "model.joblib")
    code = (
        "import joblib, sys; m, X = joblib.load(sys.argv[1]);joblib.dump(m.predict(X), sys.argv[2])"
    )
    subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model.joblib", tmp_path / "labels"],
        check=True,
        env=os.environ,
    )
    np.testing.assert_array_equal(joblib.load(tmp_path / "labels"), fitted.labels_)
