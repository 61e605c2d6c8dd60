"""A model in a file without code: all of it comes back, and of a bad file nothing does."""

import json
import os
import pickle
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from conftest import TINY, replaced
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

import skdm2c
from skdm2c import (
    AdversarialTraining,
    Callback,
    Checkpoint,
    MixedModalClustering,
    MixedModalData,
    Networks,
    Pretraining,
    load_model,
    presets,
    save_model,
)
from skdm2c.alignment import Alignment, GeometricAlignment
from skdm2c.runtime.files import CHECKSUM, TEMPORARY, TEXT, checksum, write_arrays

safetensors = pytest.importorskip("safetensors")
numpy_files = pytest.importorskip("safetensors.numpy")


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    """A file of the fitted model; do not change it."""
    path = tmp_path_factory.mktemp("saved") / "model.safetensors"
    save_model(fitted, path)
    return path


def parts(path):
    """Arrays of a file, and its description."""
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(metadata[TEXT])  # noqa: SIM118


def written(path, arrays, found):
    """Write a file as an attacker would, who knows how checksums are made."""
    text = found if isinstance(found, str) else json.dumps(found)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    metadata = {TEXT: text, CHECKSUM: checksum(arrays, text)}
    path.write_bytes(numpy_files.save(arrays, metadata))
    return path


# --- What comes back ----------------------------------------------------------------------


def assert_same_model(copy, model, X):
    assert copy.get_params()["n_clusters"] == model.n_clusters
    for name in ("predict", "predict_proba", "transform"):
        np.testing.assert_array_equal(getattr(copy, name)(X), getattr(model, name)(X))
    assert copy.score(X) == model.score(X)
    s, t = model.modality_names_[:2]
    np.testing.assert_array_equal(
        copy.translate(X.blocks[s], s, t), model.translate(X.blocks[s], s, t)
    )
    fitted = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    assert fitted == {name for name in vars(copy) if name.endswith("_") and name[0] != "_"}
    for name in fitted - {"matching_"}:
        np.testing.assert_equal(getattr(copy, name), getattr(model, name))
    assert repr(copy.matching_) == repr(model.matching_)
    assert copy.labels_.dtype == model.labels_.dtype
    assert copy.modality_.dtype == model.modality_.dtype


def test_all_of_a_model_comes_back(fitted, blobs, saved):
    copy = load_model(saved)
    assert_same_model(copy, fitted, blobs[0])
    for name, value in fitted.get_params(deep=False).items():
        known = getattr(copy, name)
        assert known == value or known.get_params().keys() == value.get_params().keys()
    assert type(copy.alignment) is GeometricAlignment
    assert [*map(tuple, copy.alignment.kinds)] == [*map(tuple, fitted.alignment.kinds)]


@pytest.mark.parametrize(
    "settings",
    [
        {"alignment": None},
        {
            "assignment": "kmeans",
            "networks__normalization": "batch",
            "adversarial__lipschitz": "clip",
        },
        {"standardize": False, "networks__normalization": "none", "random_state": None},
        {"n_clusters": np.int64(3), "pretraining__learning_rate": np.array([1e-3, 2e-3])},
        {
            "networks__discriminator_hidden_sizes": (),
            "networks__autoencoder_hidden_sizes": [],
            "unify_to": "b",
        },
        {"pretrain_epochs": 0, "adversarial__epochs": 0, "alignment": None},
    ],
    ids=str,
)
def test_models_of_all_kinds_come_back_and_can_be_fitted_anew(blobs, tmp_path, settings):
    X = blobs[0]
    model = MixedModalClustering(3, random_state=0, **TINY).set_params(**settings).fit(X)
    save_model(model, tmp_path / "model")
    copy = load_model(tmp_path / "model")
    assert_same_model(copy, model, X)
    again = copy.fit(X)
    if settings.get("random_state", 0) == 0:
        np.testing.assert_array_equal(again.labels_, model.labels_)


def test_three_modalities_with_columns_and_odd_names_come_back(tiny, random_blocks, tmp_path):
    pandas = pytest.importorskip("pandas")
    a, b = random_blocks
    frame = pandas.DataFrame(a, columns=["é", "\n", "a/b", "rows/labels"])
    X = MixedModalData(frame, b, b[:, ::-1], names=("weights/0", "ünï code", "☃"))
    model = tiny.fit(X)
    save_model(model, tmp_path / "model")
    copy = load_model(tmp_path / "model")
    assert_same_model(copy, model, X)
    with pytest.raises(ValueError, match="feature names"):
        copy.predict(frame.rename(columns={"é": "e"}), modality="weights/0")


def test_the_published_configuration_comes_back(blobs, tmp_path):
    epochs = dict.fromkeys(("pretrain_epochs", "adversarial__epochs"), 1)
    model = MixedModalClustering(3, random_state=0, **presets.PUBLISHED).set_params(**epochs)
    model.fit(blobs[0])
    save_model(model, tmp_path / "model")
    assert_same_model(load_model(tmp_path / "model"), model, blobs[0])


def test_another_process_predicts_the_same_without_the_rows_of_the_fit(fitted, blobs, saved):
    code = (
        "import sys, numpy as np; from skdm2c import load_model\n"
        "model = load_model(sys.argv[1])\n"
        "np.save(sys.argv[2], model.predict(np.load(sys.argv[3]), modality='b'))"
    )
    rows, out = saved.parent / "rows.npy", saved.parent / "out.npy"
    np.save(rows, blobs[0].blocks["b"])
    subprocess.run([sys.executable, "-c", code, saved, out, rows], check=True, timeout=120)
    np.testing.assert_array_equal(np.load(out), fitted.labels_[60:])


def test_the_rows_of_the_fit_are_not_in_the_file(blobs, saved):
    arrays, _ = parts(saved)
    kept = [array for array in arrays.values() if array.shape and array.shape[0] == 120]
    assert sorted(array.shape for array in kept) == [(120,), (120,), (120, 4)]
    content = saved.read_bytes()
    for block in blobs[0].blocks.values():
        for dtype in (np.float32, np.float64):
            assert block[5].astype(dtype).tobytes() not in content


def test_a_model_of_a_device_that_this_machine_lacks_loads(saved, fitted, blobs, tmp_path):
    arrays, found = parts(saved)
    found["parameters"]["device"] = "cuda:7"
    path = written(tmp_path / "model", arrays, found)
    np.testing.assert_array_equal(load_model(path).predict(blobs[0]), fitted.labels_)
    assert load_model(path).device == "cuda:7"
    assert load_model(path, device="cpu").device == "cpu"
    with pytest.raises(ValueError, match="device='cuda:7' cannot be used"):
        load_model(path, device="cuda:7")


# --- What is not written ------------------------------------------------------------------


class Own:
    def describe(self, modality, rng):
        return modality.n_clusters

    def match(self, left, right, rng):
        return Alignment.of_partners(np.arange(left), 0.9)


def test_what_cannot_be_written_is_named_and_nothing_is_lost(fitted, blobs, tiny, tmp_path):
    path = tmp_path / "model"
    with pytest.raises(NotFittedError):
        save_model(MixedModalClustering(), path)
    with pytest.raises(TypeError, match="takes a MixedModalClustering, got Pipeline"):
        save_model(make_pipeline(fitted), path)
    model = tiny.set_params(alignment=Own()).fit(blobs[0])
    with pytest.raises(ValueError, match=r"alignment is Own, .* set_params\(alignment="):
        save_model(model, path)
    save_model(model.set_params(alignment="geometry"), path)
    assert_same_model(load_model(path), model, blobs[0])
    model.set_params(random_state=np.random.RandomState(0))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="random_state is RandomState"):
        save_model(model, path)
    assert path.read_bytes() == before


def test_a_file_is_replaced_whole_or_not_at_all(fitted, tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.write_bytes(b"what was there")

    def full(*args):
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, full)
            with pytest.raises(OSError, match="No space left"):
                save_model(fitted, path)
        assert [file.name for file in tmp_path.iterdir()] == ["model"]
        assert path.read_bytes() == b"what was there"
    save_model(fitted, path)
    load_model(path)
    with pytest.raises(FileNotFoundError):
        save_model(fitted, tmp_path / "no folder" / "model")


def test_without_safetensors_one_is_told_what_to_install(fitted, saved, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for call in (lambda: save_model(fitted, tmp_path / "model"), lambda: load_model(saved)):
        with pytest.raises(ImportError, match="need safetensors: pip install"):
            call()


# --- Bad files ----------------------------------------------------------------------------


def mutations(content, rng):
    """Endless damage of many kinds, each with its name."""
    n = len(content)
    header = 8 + int.from_bytes(content[:8], "little")

    def flipped(first, last):
        damaged = bytearray(content)
        damaged[rng.randint(first, last)] ^= 1 << rng.randint(8)
        return bytes(damaged)

    while True:
        yield "a bit of the header's length", flipped(0, 8)
        yield "a bit of the header", flipped(8, header)
        yield "a bit of the arrays", flipped(header, n)
        yield "cut short", content[: rng.randint(n)]
        yield "something at the end", content + rng.bytes(rng.randint(1, 50))
        at = rng.randint(n - 100)
        yield "a part overwritten", content[:at] + rng.bytes(100) + content[at + 100 :]
        yield "a part missing", content[:at] + content[at + rng.randint(1, 100) :]
        yield "a part of zeros", content[:at] + bytes(100) + content[at + 100 :]
        yield "noise", rng.bytes(rng.randint(200))
        yield "noise with a header's length", (8).to_bytes(8, "little") + rng.bytes(50)


def test_five_hundred_damaged_files_are_refused(saved, tmp_path, record_property):
    content, seen = saved.read_bytes(), Counter()
    path, damage = tmp_path / "model", mutations(saved.read_bytes(), np.random.RandomState(0))
    while seen.total() < 500:
        kind, damaged = next(damage)
        if damaged == content or seen[kind] == 50:
            continue
        path.write_bytes(damaged)
        start = time.process_time()
        with pytest.raises(ValueError, match=r"damaged|not a model that save_model wrote") as error:
            load_model(path)
        assert time.process_time() - start < 2
        assert str(path) in str(error.value)
        seen[kind] += 1
    assert [*seen.values()] == [50] * 10  # docs/saving.md says so
    record_property("cases", seen.total())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"PK\x03\x04 a zip file",
        (2**63).to_bytes(8, "little") + b"{}",
        (2**40).to_bytes(8, "little") + b"{}",
        (100 * 2**20).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
        pickle.dumps({"weights": [1, 2, 3]}),
    ],
    ids=range(9),
)
def test_files_of_other_kinds_are_refused(content, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a model that save_model wrote"):
        load_model(path)


def test_a_safetensors_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "model"
    numpy_files.save_file({"x": np.zeros(3)}, path)
    with pytest.raises(ValueError, match="it is another safetensors file"):
        load_model(path)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load_model(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load_model(tmp_path)


def test_no_code_in_a_file_is_run(tmp_path, saved, monkeypatch):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    path = tmp_path / "model"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match="not a model"):
        load_model(path)
    arrays, found = parts(saved)
    found["parameters"]["alignment"] = {"os.mkdir": {"path": str(ran)}}
    with pytest.raises(ValueError, match="damaged"):
        load_model(written(path, arrays, found))
    assert not ran.exists()
    for name in ("load", "loads", "Unpickler"):  # none of them is needed
        monkeypatch.setattr(pickle, name, None)
    monkeypatch.setattr("torch.load", None)
    load_model(saved)


@pytest.mark.parametrize("number", [0, 1, 2.0, True, None, "2", [2]])
def test_a_file_of_another_format_says_so(saved, tmp_path, number):
    arrays, found = parts(saved)
    path = written(tmp_path / "model", arrays, found | {"format": number, "version": "9.1"})
    with pytest.raises(
        ValueError, match=r"saved by skdm2c 9.1, in the format .*reads the format 3"
    ):
        load_model(path)
    assert parts(saved)[1]["version"] == skdm2c.__version__


# --- Files of an attacker, who makes the checksum right -----------------------------------


def test_every_array_must_be_there_and_of_its_type_and_shape(saved, tmp_path):
    arrays, found = parts(saved)
    path = tmp_path / "model"
    changes = {
        "type": lambda x: x.astype(np.int16 if x.dtype.kind == "f" else np.float32),
        "shape": lambda x: x[None],
        "length": lambda x: np.repeat(x[None], 2, axis=0).reshape(-1, *x.shape[1:]),
    }
    for name, array in arrays.items():
        with pytest.raises(ValueError, match="damaged"):
            load_model(written(path, {n: a for n, a in arrays.items() if n != name}, found))
        some = dict(changes)
        if array.dtype.kind == "f":
            some["NaN"] = lambda x: np.full_like(x, np.nan)
        if array.ndim == 0:
            del some["length"]
        for change in some.values():
            with pytest.raises(ValueError, match="damaged"):
                load_model(written(path, arrays | {name: change(array)}, found))
    with pytest.raises(ValueError, match="damaged: nothing is known of 'more'"):
        load_model(written(path, arrays | {"more": np.zeros(2)}, found))


BAD_ARRAYS = {
    "rows/labels_": 3,
    "codes/modality": 2,
    "partners": 0,
    "scaler/0/scale_": 0,
    "scaler/1/scale_": -1,
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_arrays_with_numbers_out_of_range_are_refused(saved, tmp_path, name):
    arrays, found = parts(saved)
    key = next(key for key in arrays if key.endswith(name))
    bad = np.full_like(arrays[key], BAD_ARRAYS[name])
    with pytest.raises(ValueError, match="damaged"):
        load_model(written(tmp_path / "model", arrays | {key: bad}, found))


BAD_VALUES = [None, -1, 0.5, 10**400, float("inf"), "x", "\ud800", [[]]]


def places(value, at=()):
    """Every place in a description where a value may be put."""
    if at:
        yield at
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value[:2])
        for key, item in items:
            yield from places(item, (*at, key))


def test_whatever_a_description_holds_it_is_refused_or_harmless(saved, blobs, tmp_path):
    arrays, found = parts(saved)
    found["history"] = found["history"][:1]
    some = ("n_clusters", "alignment", "networks", "device", "random_state")
    found["parameters"] = {name: found["parameters"][name] for name in some}
    tried = Counter()
    for at in places(found):
        for new in BAD_VALUES:
            path = written(tmp_path / "model", arrays, replaced(found, at, new))
            try:
                model = load_model(path)
            except ValueError:
                tried["refused"] += 1
            else:
                X = MixedModalData(*blobs[0].blocks.values(), names=model.modality_names_)
                assert model.predict(X).shape == (120,)
                assert np.isfinite(model.transform(X)).all()
                repr(model)
                tried["harmless"] += 1
    assert tried["refused"] > 500
    assert tried["harmless"] > 20


@pytest.mark.parametrize("name", ["format", "parameters", "names", "hub", "n_features", "history"])
def test_a_description_without_something_is_damaged(saved, tmp_path, name):
    arrays, found = parts(saved)
    del found[name]
    with pytest.raises(ValueError, match="damaged"):
        load_model(written(tmp_path / "model", arrays, found))


@pytest.mark.parametrize("depth", [100, 600, 900, 5000])
def test_a_description_may_be_nested_as_deep_as_it_likes(saved, tmp_path, depth):
    arrays, found = parts(saved)
    deep = json.dumps(found | {"parameters": {"alignment": "deep"}})
    text = deep.replace('"deep"', "[" * depth + "]" * depth)
    path = written(tmp_path / "model", arrays, text)
    with pytest.raises(ValueError, match="damaged"):
        load_model(path)


def test_a_short_file_cannot_ask_for_much_memory(saved, tmp_path):
    arrays, found = parts(saved)
    for name in ("n_components", "autoencoder_hidden_sizes", "discriminator_hidden_sizes"):
        size = 10**9 if name == "n_components" else [10**5, 10**5]
        changed = found | {"architecture": found["architecture"] | {name: size}}
        with pytest.raises(ValueError, match="networks are larger than the file"):
            load_model(written(tmp_path / "model", arrays, changed))
    many = {
        "architecture": found["architecture"] | {"autoencoder_hidden_sizes": [1] * 700_000},
        "names": [f"m{i}" for i in range(300)], "n_features": [1] * 300,
    }  # fmt: skip
    assert n_refused(written(tmp_path / "many", {}, found | many)) == 1
    path = written(tmp_path / "model", arrays, found | {"n_features": [10**9, 10]})
    with pytest.raises(ValueError, match="larger than the file"):
        load_model(path)


def test_the_time_to_load_is_bound_by_the_size_of_the_file(saved, tmp_path):
    # Deep networks and many modalities, of the fewest weights.
    arrays, found = parts(saved)
    deep = found | {"architecture": found["architecture"] | {"autoencoder_hidden_sizes": [1] * 50}}
    path = written(tmp_path / "model", arrays, deep)
    with pytest.raises(ValueError, match="networks are larger than the file"):
        load_model(path)
    m = 40
    many = found | {"n_features": [1] * m, "names": [str(i) for i in range(m)]}
    more = arrays | {f"weights/{i}": np.zeros(100, dtype=np.float32) for i in range(200)}
    with pytest.raises(ValueError, match="networks are larger than the file"):
        load_model(written(path, more, many))
    bytes_only = arrays | {"weights/more": np.zeros(10**6, dtype=np.uint8)}
    with pytest.raises(ValueError, match="weights more are of uint8"):
        load_model(written(path, bytes_only, found))


def test_names_in_a_file_are_as_short_as_any(saved, tmp_path):
    arrays, found = parts(saved)
    with pytest.raises(ValueError, match="at most 60"):
        load_model(written(tmp_path / "model", arrays, found | {"names": ["a" * 10**6, "b"]}))


BAD_PARAMETERS = {
    "n_clusters": "x",
    "device": [1],
    "unify_to": "nobody",
    "networks": "wide",
    "networks__autoencoder_hidden_sizes": [-1],
    "pretraining__learning_rate": [0.1],
    "adversarial__lipschitz": ["nonsense"],
    "random_state": -7,
}


@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_parameters_that_no_fit_would_take_are_refused(saved, fitted, tmp_path, name):
    arrays, found = parts(saved)
    outer, _, inner = name.partition("__")
    if inner:
        kind = {
            "networks": Networks,
            "pretraining": Pretraining,
            "adversarial": AdversarialTraining,
        }
        given = kind[outer]().get_params() | {inner: BAD_PARAMETERS[name]}
        found["parameters"][outer] = {kind[outer].__name__: given}
    else:
        found["parameters"][name] = BAD_PARAMETERS[name]
    with pytest.raises(ValueError, match=f"damaged.*its parameters .*{inner or outer}"):
        load_model(written(tmp_path / "model", arrays, found))
    with pytest.raises(ValueError, match=inner or outer):
        save_model(clone_of(fitted).set_params(**{name: BAD_PARAMETERS[name]}), tmp_path / "own")


def test_a_file_names_no_folder_to_write_into(saved, fitted, tmp_path):
    arrays, found = parts(saved)
    found["parameters"]["callbacks"] = [{"Checkpoint": {"folder": str(tmp_path / "elsewhere")}}]
    with pytest.raises(ValueError, match="Checkpoint"):
        load_model(written(tmp_path / "model", arrays, found))
    kept = clone_of(fitted).set_params(callbacks=[Checkpoint(tmp_path)])
    save_model(kept, tmp_path / "own")
    assert parts(tmp_path / "own")[1]["parameters"]["callbacks"] == []
    assert load_model(tmp_path / "own").callbacks == ()


def clone_of(fitted):
    return pickle.loads(pickle.dumps(fitted))


@pytest.mark.parametrize(
    "change",
    [
        {"phase": 1.5},
        {"modality": 3},
        {"epoch": 0.5},
        {"reconstruction": "low"},
        {"reconstruction": 1e999},
        {"reconstruction": None},
    ],
)
def test_a_history_is_of_records(saved, tmp_path, change):
    arrays, found = parts(saved)
    path = tmp_path / "model"
    record = found["history"][0]
    with pytest.raises(ValueError, match="damaged"):
        load_model(written(path, arrays, found | {"history": [record | change]}))
    bare = {name: record[name] for name in ("phase", "epoch", "n_epochs", "seconds")}
    with pytest.raises(ValueError, match="damaged.*history"):
        load_model(written(path, arrays, found | {"history": [bare]}))


def test_numbers_whose_squares_are_none_are_refused(saved, tmp_path):
    arrays, found = parts(saved)
    for name in ("clusters/means", "scaler/0/mean_"):
        with pytest.raises(ValueError, match=f"damaged.*{name}"):
            load_model(written(tmp_path / "m", arrays | {name: arrays[name] + 1e300}, found))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"format": NaN}'])
def test_a_description_that_is_none_is_damaged(saved, tmp_path, text):
    with pytest.raises(ValueError, match="damaged|reads the format 3"):
        load_model(written(tmp_path / "model", parts(saved)[0], text))


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_file_is_as_readable_as_any_that_one_makes(fitted, tmp_path):
    (tmp_path / "other").write_bytes(b"")
    save_model(fitted, tmp_path / "model")
    modes = [(tmp_path / name).stat().st_mode for name in ("other", "model")]
    assert modes[0] == modes[1]


# --- Files that claim, and files that are replaced ----------------------------------------


REFUSE_EACH = """
import resource, sys, time
import safetensors.numpy, torch
from skdm2c import load_model

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

for path in sys.argv[1:]:
    start, before = time.process_time(), memory()
    try:
        load_model(path)
    except ValueError as error:
        assert path in str(error), error
        assert time.process_time() - start < 2
        assert memory() - before < 200
        print("refused")
"""


def n_refused(*paths, preparation=""):
    """Number of files that a process of its own refuses by name, in little time and memory."""
    done = subprocess.run(
        [sys.executable, "-c", preparation + REFUSE_EACH, *map(str, paths)],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.count("refused")


def with_header(path, raw, data=b""):
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)
    return path


def test_a_sparse_file_that_claims_gigabytes_is_refused_by_its_header(saved, tmp_path):
    arrays, found = parts(saved)
    del arrays["rows/embedding_"]
    content = written(tmp_path / "small", arrays, found).read_bytes()
    length = int.from_bytes(content[:8], "little")
    entries, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    size = 2**32
    for name in ("more", "rows/embedding_"):
        offsets = [len(data), len(data) + size]
        big = {name: {"dtype": "F32", "shape": [size // 16, 4], "data_offsets": offsets}}
        path = with_header(tmp_path / name[:4], json.dumps(entries | big).encode(), data)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size + size)
    assert n_refused(tmp_path / "more", tmp_path / "rows") == 2


def test_a_description_of_many_values_is_not_parsed(tmp_path):
    paths = []
    for value in ("[]", "{}", '"ab"', "1.5", '"a", [["x"]]', r"\u005b\u005d"):
        values = ",".join([value] * (30_000_000 // (len(value) + 1)))
        text = '{"format": 3, "p": [' + values + "]}"
        raw = json.dumps({"__metadata__": {TEXT: text, CHECKSUM: ""}}).encode()
        paths.append(with_header(tmp_path / f"{len(paths)}", raw))
        paths.append(with_header(tmp_path / f"{len(paths)}", raw[:15_000_000]))
    assert n_refused(*paths) == len(paths)


@pytest.mark.parametrize("length", [0, 5000])
def test_a_file_that_is_cut_while_it_is_read_ends_no_process(saved, tmp_path, length):
    path = tmp_path / "model"
    path.write_bytes(saved.read_bytes())
    cut = f"""
import os, sys
from skdm2c import persistence
look = persistence._require_format
persistence._require_format = lambda text: (os.truncate(sys.argv[1], {length}), look(text))
"""
    assert n_refused(path, preparation=cut) == 1


@pytest.mark.skipif(os.name == "nt", reason="modes and links of POSIX")
def test_a_file_that_is_replaced_keeps_its_mode_and_its_links(fitted, tmp_path):
    path, link = tmp_path / "model", tmp_path / "link"
    save_model(fitted, path)
    path.chmod(0o600)
    link.symlink_to(path)
    save_model(fitted, link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "model"]
    dangling = tmp_path / "new_link"
    dangling.symlink_to(tmp_path / "target")
    save_model(fitted, dangling)
    assert (tmp_path / "target").is_file()


def test_what_a_killed_process_left_is_removed_once_it_is_old(fitted, tmp_path):
    path = tmp_path / "model"
    old, fresh = (tmp_path / f"model{TEMPORARY}{'0' * 31}{i}" for i in (0, 1))
    backup = tmp_path / f"model.{'d' * 32}"
    for other in (old, fresh, backup):
        other.write_bytes(b"half")
    os.utime(old, (0, 0))
    save_model(fitted, path)
    assert {p.name for p in tmp_path.iterdir()} == {"model", fresh.name, backup.name}


def test_records_that_a_callback_extends_are_saved(blobs, tmp_path, tiny):
    class Extend(Callback):
        def on_epoch_end(self, state, record):
            record |= {"ARI": np.float32(0.5), "val-loss": 1.0, "kind": "x", "good": True}
            record |= {"rows": [1.0], "far": np.inf}

    model = tiny.set_params(callbacks=[Extend()]).fit(blobs[0])
    save_model(model, tmp_path / "model")
    record = load_model(tmp_path / "model").history_[-1]
    assert (record["ARI"], record["val-loss"], record["kind"], record["good"]) == (
        0.5,
        1,
        "x",
        True,
    )
    assert not {"rows", "far"} & set(record)


def test_what_cannot_be_read_again_is_not_written(tmp_path):
    text = json.dumps([f"a column with quite a long name {i}" for i in range(500_000)])
    with pytest.raises(ValueError, match="model"):
        write_arrays(tmp_path / "model", {}, text)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("place", "value"),
    [("alignment/1/cluster_confidence", -7e99), ("alignment/1/cluster_confidence", 1.5),
     ("profile/0/shares", 0.0), ("profile/0/shares", 2.0), ("profile/1/distances", -1.0)],
)  # fmt: skip
def test_ranges_are_those_that_a_fit_can_give(saved, tmp_path, place, value):
    arrays, found = parts(saved)
    assert place in arrays
    with pytest.raises(ValueError, match=place.split("/")[-1]):
        load_model(
            written(tmp_path / "m", arrays | {place: np.full_like(arrays[place], value)}, found)
        )


def test_text_from_a_file_is_printed_as_one_line_without_control_characters(saved, tmp_path):
    arrays, found = parts(saved)
    bell = "\x1b]0;title\x07\x1b[2J\nYes: confidence 1.00\u202e"
    changes = [
        found | {"format": 9, "version": bell},
        found | {"names": [bell, "b"]},
        found | {"parameters": {bell: 1}},
        found | {"history": [{**found["history"][0], "phase": bell}]},
        found | {"history": [{**found["history"][0], bell: 1.0}]},
        found | {"architecture": {bell: 1}},
    ]
    for change in changes:
        with pytest.raises(ValueError, match="model") as error:
            load_model(written(tmp_path / "model", arrays, change))
        assert str(error.value).isprintable(), error
