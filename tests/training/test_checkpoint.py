"""A fit that was cut off anywhere goes on to the same result, and nothing is lost or mixed up."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skdm2c import (
    Checkpoint,
    EarlyStop,
    MixedModalClustering,
    MixedModalData,
)
from skdm2c.alignment import Alignment
from skdm2c.data.prepared import prepare
from skdm2c.runtime.files import TEMPORARY, read_arrays, write_arrays
from skdm2c.training import Callback, Callbacks, TrainingState
from skdm2c.training import checkpoint as checkpoint_module
from skdm2c.training.fingerprint import fit_fingerprint
from skdm2c.training.loop import Phase, run_phases

pytest.importorskip("safetensors")

EPOCHS = 14  # of a tiny fit: 6 in pretraining, 6 in alignment, 2 in adversarial training


@pytest.fixture
def kept(tiny, tmp_path):
    """A tiny estimator that writes a file after every epoch."""
    return tiny.set_params(callbacks=[Checkpoint(tmp_path / "kept", every=0.0)])


def folder_of(model):
    return model.callbacks[0].folder


def cut_after(monkeypatch, n_epochs, error=KeyboardInterrupt):
    """Let a fit be cut off right after so many epochs."""
    seen = []

    whole = Checkpoint.on_epoch_over

    def on_epoch_over(self, state):
        whole(self, state)
        seen.append(state.records[-1])
        if len(seen) == n_epochs:
            raise error

    monkeypatch.setattr(Checkpoint, "on_epoch_over", on_epoch_over)
    return seen


def without_seconds(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def assert_same_fit(model, other):
    np.testing.assert_array_equal(model.labels_, other.labels_)
    np.testing.assert_array_equal(model.embedding_, other.embedding_)
    assert without_seconds(model.history_) == without_seconds(other.history_)
    ours, theirs = (m._model.system.state_dict() for m in (model, other))
    for name, weights in ours.items():
        np.testing.assert_array_equal(weights, theirs[name], err_msg=name)


def content(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_keeping_a_fit_changes_nothing_in_it(fitted, kept, blobs):
    assert_same_fit(kept.fit(blobs[0]), fitted)
    assert sorted(content(folder_of(kept))) == ["000014.safetensors", "000015.safetensors"]
    assert_same_fit(kept.fit(blobs[0]), fitted)  # all is there, nothing is learned again


@pytest.mark.parametrize("n_epochs", range(1, EPOCHS + 1))
def test_a_fit_that_was_cut_off_after_any_epoch_goes_on(fitted, kept, blobs, monkeypatch, n_epochs):
    with monkeypatch.context() as patched:
        cut_after(patched, n_epochs)
        with pytest.raises(KeyboardInterrupt) as interrupt:
            kept.fit(blobs[0])
    assert "fit again with this checkpoint" in interrupt.value.__notes__[0]
    assert not hasattr(kept, "labels_")
    with monkeypatch.context() as patched:
        learned = cut_after(patched, 0)
        assert_same_fit(kept.fit(blobs[0]), fitted)
    assert len(learned) == EPOCHS - n_epochs
    seconds = [record["seconds"] for record in kept.history_]
    assert seconds == sorted(seconds)


def test_an_interrupt_writes_what_the_interval_would_have_left_out(kept, blobs, monkeypatch):
    kept.set_params(callbacks=[Checkpoint(folder_of(kept), every=1e6)])
    with monkeypatch.context() as patched:
        cut_after(patched, 9)
        with pytest.raises(KeyboardInterrupt):
            kept.fit(blobs[0])
    assert list(content(folder_of(kept))) == ["000001.safetensors"]
    with monkeypatch.context() as patched:
        learned = cut_after(patched, 0)
        kept.fit(blobs[0])
    assert len(learned) <= EPOCHS - 6  # phases that were over are; a snapshot is a second old


def test_three_modalities_and_early_ends_go_on_too(tiny, random_blocks, tmp_path, monkeypatch):
    a, b = random_blocks
    X = MixedModalData(a, b, b[:, ::-1], names=("ü", "b ", '"'))
    stop = EarlyStop(1, tol=1e6)
    tiny.set_params(callbacks=[stop])
    whole = tiny.fit(X)
    expected = clone(tiny).fit(X)
    assert_same_fit(whole, expected)
    tiny.set_params(callbacks=(Checkpoint(str(tmp_path / "a" / "b"), every=0.0), stop))
    for _ in range(expected.n_iter_ // 4 + 1):
        with monkeypatch.context() as patched:
            cut_after(patched, 4)
            try:
                tiny.fit(X)
                break
            except KeyboardInterrupt:
                pass
    assert_same_fit(tiny, expected)


def test_without_a_seed_a_fit_goes_on_with_the_seeds_it_was_begun_with(kept, blobs, monkeypatch):
    kept.set_params(random_state=None)
    with monkeypatch.context() as patched:
        begun = cut_after(patched, 3)
        with pytest.raises(KeyboardInterrupt):
            kept.fit(blobs[0])
    first = kept.fit(blobs[0])
    assert without_seconds(first.history_)[:3] == without_seconds(begun)
    labels = first.labels_
    np.testing.assert_array_equal(kept.fit(blobs[0]).labels_, labels)


# --- Another fit --------------------------------------------------------------------------


def test_another_fit_is_refused_and_nothing_is_overwritten(kept, blobs):
    X, _ = blobs
    kept.fit(X)
    before = content(folder_of(kept))
    a, b = X.blocks.values()
    moved = a.copy()
    moved[7, 3] += 1
    others = {
        r"modality 'a' \(then 60 x 10, .*now 59 x 10": MixedModalData(a[1:], b),
        r"modality 'a' \(then 60 x 10, .*now 60 x 10": MixedModalData(moved, b),
        r"modality 'x' \(then none": MixedModalData(a, b, names=("x", "b")),
        "order of rows": X[np.r_[60:120, 0:60]],
    }
    for message, data in others.items():
        with pytest.raises(ValueError, match=message):
            kept.fit(data)
    for change in ({"n_components": 5}, {"random_state": 1}, {"batch_size": 16}):
        old = {name: getattr(kept, name) for name in change}
        ((name, value),) = change.items()
        with pytest.raises(ValueError, match=rf"{name} \(then {old[name]}, now {value}\)"):
            kept.set_params(**change).fit(X)
        kept.set_params(**old)
    assert content(folder_of(kept)) == before
    kept.set_params(verbose=0, callbacks=[Checkpoint(folder_of(kept))], device="cpu")
    kept.fit(X)  # these change nothing


@pytest.mark.parametrize(
    "alike",
    [
        {"n_components": np.int64(4), "adversarial__lambda_cycle": 1},
        {"networks__generator_hidden_sizes": [8, 4]},
        {"networks__generator_hidden_sizes": np.array([8, 4])},
    ],
)
def test_a_parameter_may_be_spelled_another_way(kept, blobs, alike):
    kept.set_params(
        n_components=4, adversarial__lambda_cycle=1.0, networks__generator_hidden_sizes=(8, 4)
    ).fit(blobs[0])
    labels = kept.labels_
    np.testing.assert_array_equal(kept.set_params(**alike).fit(blobs[0]).labels_, labels)


class Shifted:
    """An aligner of one's own that looks like any other of its class."""

    def __init__(self, by):
        self.by = by

    def describe(self, modality, rng):
        return modality.n_clusters

    def match(self, left, right, rng):
        return Alignment.of_partners((np.arange(left) + self.by) % left, 0.9)


def test_an_aligner_of_ones_own_is_told_from_others_of_its_class(kept, blobs):
    kept.set_params(alignment=Shifted(0)).fit(blobs[0])
    kept.set_params(alignment=Shifted(0)).fit(blobs[0])
    with pytest.raises(ValueError, match=r"differs in alignment \(then Shifted \w+, now Shifted"):
        kept.set_params(alignment=Shifted(1)).fit(blobs[0])
    with pytest.raises(ValueError, match="alignment.*Shifted"):
        kept.set_params(alignment=Shifted(lambda: 1)).fit(blobs[0])


def test_random_states_are_told_apart_by_what_they_draw(kept, blobs):
    kept.set_params(random_state=np.random.RandomState(0)).fit(blobs[0])
    labels = kept.labels_
    kept.set_params(random_state=np.random.RandomState(0)).fit(blobs[0])
    np.testing.assert_array_equal(kept.labels_, labels)
    with pytest.raises(ValueError, match=r"random_state \(then RandomState, drawn"):
        kept.set_params(random_state=np.random.RandomState(5)).fit(blobs[0])


def test_every_number_and_every_name_of_the_data_counts():
    pandas = pytest.importorskip("pandas")
    a = np.random.RandomState(0).randn(3000, 4).astype(np.float32)
    frame = pandas.DataFrame(a, columns=[*"abcd"])

    def identity(block, device="cpu"):
        data = prepare(MixedModalData(block, a[:50]), (2, 2), False)
        parameters = MixedModalClustering(random_state=0).get_params()
        return fit_fingerprint(data, parameters, (1, 2, 3, 4), torch.device(device))

    for row in (0, 1234, 2999):
        other = a.copy()
        other[row, 2] += 1e-6
        assert identity(other) != identity(a)
    assert identity(frame.rename(columns={"a": "b", "b": "a"})) != identity(frame)
    assert identity(frame) == identity(frame.copy())
    here, there = identity(a), identity(a, "cuda")
    assert {name for name in here if here[name] != there[name]} == {"device"}


def test_a_folder_is_that_of_one_fit_at_a_time(kept, blobs, monkeypatch):
    def write(path, *rest):
        with pytest.raises(ValueError, match="running"):
            clone(kept).fit(blobs[0])
        monkeypatch.setattr(checkpoint_module, "write_arrays", write_arrays)
        write_arrays(path, *rest)

    pytest.importorskip("fcntl")
    monkeypatch.setattr(checkpoint_module, "write_arrays", write)
    kept.fit(blobs[0])
    kept.fit(blobs[0])  # it is let go of


def test_a_warm_start_cannot_be_kept(kept, blobs):
    kept.set_params(warm_start=True).fit(blobs[0])
    with pytest.raises(ValueError, match="Checkpoint.*warm_start=True"):
        kept.fit(blobs[0])


# --- Bad files and full disks -------------------------------------------------------------


BAD = {
    "cut short": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "a bit flipped": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "foreign": lambda content: b"PK\x03\x04 a zip file",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_torn_file_is_named_and_the_one_before_is_taken(fitted, kept, blobs, monkeypatch, kind):
    with monkeypatch.context() as patched:
        cut_after(patched, 8)
        with pytest.raises(KeyboardInterrupt):
            kept.fit(blobs[0])
    last = folder_of(kept) / "000008.safetensors"
    last.write_bytes(BAD[kind](last.read_bytes()))
    with pytest.warns(UserWarning, match=r"000008.safetensors'.*000007"):
        assert_same_fit(kept.fit(blobs[0]), fitted)


def test_where_no_file_can_be_read_a_fit_does_not_begin(kept, blobs):
    kept.fit(blobs[0])
    for path in folder_of(kept).iterdir():
        path.write_bytes(b"?")
    with pytest.raises(ValueError, match=r"000015.*000014"):
        kept.fit(blobs[0])
    assert set(content(folder_of(kept)).values()) == {b"?"}


@pytest.mark.parametrize("number", [0, 1, "2", None])
def test_a_checkpoint_of_another_format_is_refused(kept, blobs, number):
    kept.fit(blobs[0])
    for path in folder_of(kept).iterdir():
        arrays, text = read_arrays(path, "checkpoint", lambda text: None)
        write_arrays(path, arrays, json.dumps(json.loads(text) | {"format": number}))
    with pytest.raises(ValueError, match=r"format .* 2"):
        kept.fit(blobs[0])


def test_files_of_others_in_the_folder_are_left_alone(kept, blobs):
    folder_of(kept).mkdir()
    (folder_of(kept) / "notes.txt").write_text("mine")
    (folder_of(kept) / "model.safetensors").write_text("mine too")
    kept.fit(blobs[0])
    assert len(content(folder_of(kept))) == 4


def test_what_a_kill_left_in_the_middle_of_writing_is_cleared_away(kept, blobs):
    folder_of(kept).mkdir()
    (folder_of(kept) / f"000003.safetensors{TEMPORARY}{'0a' * 16}").write_text("half a f")
    (folder_of(kept) / "000003.safetensors.bak").write_text("mine")
    kept.fit(blobs[0])
    assert sorted(content(folder_of(kept)))[0] == "000003.safetensors.bak"
    assert len(content(folder_of(kept))) == 3


def test_a_phase_that_a_callback_ended_is_over_on_disk_too(tmp_path):
    class Ends(Callback):
        def on_epoch_end(self, state, record):
            return True

    state = TrainingState("pretraining", torch.nn.Linear(1, 1), {}, {}, torch.Generator())
    kept = Checkpoint(tmp_path, 0.0).begun({}, (1,))
    phase = Phase(state, [1.0], 5, lambda: lambda x: {"loss": torch.tensor(x)})
    run_phases([phase], Callbacks([kept, Ends()]))
    assert Checkpoint(tmp_path, 0.0).begun({}, (1,))._phases['["pretraining", {}]']["over"]
    assert list(content(tmp_path)) == ["000001.safetensors"]


def test_a_full_disk_is_no_end(fitted, kept, blobs, monkeypatch):
    written = []

    def write(path, *rest):
        written.append(path)
        if len(written) in (5, 6, 18):
            raise OSError(28, "No space left on device")
        write_arrays(path, *rest)

    monkeypatch.setattr(checkpoint_module, "write_arrays", write)
    with pytest.warns(UserWarning, match=r"000005.safetensors' could not be written .*No space"):
        assert_same_fit(kept.fit(blobs[0]), fitted)
    monkeypatch.undo()
    assert_same_fit(kept.fit(blobs[0]), fitted)


def test_a_folder_that_cannot_be_made_is_told_before_training(tiny, blobs, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        tiny.set_params(callbacks=[Checkpoint(tmp_path / "file" / "kept")]).fit(blobs[0])
    with pytest.raises(ValueError, match="file.* is a file"):
        tiny.set_params(callbacks=[Checkpoint(tmp_path / "file")]).fit(blobs[0])


def test_without_safetensors_one_is_told_before_training(kept, blobs, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match="need safetensors: pip install"):
        kept.fit(blobs[0])


def test_states_of_other_phases_are_told_apart(tmp_path):
    # A checkpoint knows a phase by its name and what it is about.
    states = [
        TrainingState(phase, None, {}, {}, None, where)
        for phase in ("alignment", "pretraining")
        for where in ({"modality": "a to b"}, {"modality": "b to a"}, {})
    ]
    assert len({checkpoint_module._key(state) for state in states}) == 6


@pytest.mark.slow
def test_keeping_a_fit_does_not_import_pytorchs_compiler(tmp_path):
    # Which takes seconds, for what is never used here.
    code = FIT + "assert 'torch._dynamo' not in sys.modules"
    arguments = [Path(__file__).parents[1], tmp_path / "kept", tmp_path / "out.npy"]
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments], check=True, timeout=120
    )


# --- Killed -------------------------------------------------------------------------------

FIT = """
import sys, numpy as np
sys.path.insert(0, sys.argv[1])
from conftest import TINY
from skdm2c import Checkpoint, MixedModalClustering
from skdm2c.datasets import make_mixed_modal_blobs
longer = {f"{phase}_epochs": 12 for phase in ("pretrain", "alignment")}
longer["adversarial__epochs"] = 12
X, _ = make_mixed_modal_blobs(2000, random_state=0)
kept = {"callbacks": [Checkpoint(sys.argv[2], every=0.0)]} if len(sys.argv) > 3 else {}
print("begun", flush=True)
model = MixedModalClustering(3, random_state=0, **TINY, **kept).set_params(**longer).fit(X)
np.save(sys.argv[-1], model.embedding_)
"""


def in_process(folder, out):
    arguments = [sys.executable, "-W", "ignore", "-c", FIT, str(Path(__file__).parents[1])]
    return subprocess.Popen([*arguments, *folder, str(out)], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_in_every_phase_a_fit_goes_on_to_the_same_bits(tmp_path, record_property):
    whole = in_process([], tmp_path / "whole.npy")
    assert whole.wait(timeout=120) == 0
    phases, folder, rng = [], tmp_path / "kept", np.random.RandomState(0)
    for files in (2, 20, 30, 45, 55):  # written when it is killed, more or less: one an epoch
        child = in_process([str(folder)], tmp_path / "part.npy")
        assert child.stdout.readline() == "begun\n"
        stop = time.monotonic() + 60
        while time.monotonic() < stop and newest(folder) < files and child.poll() is None:
            time.sleep(0.001)
        time.sleep(rng.rand() / 50)
        child.send_signal(signal.SIGKILL)
        assert child.wait(timeout=60) == -signal.SIGKILL
        phases.append(phase_of(folder))
    last = in_process([str(folder)], tmp_path / "part.npy")
    assert last.wait(timeout=120) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "part.npy"), np.load(tmp_path / "whole.npy"))
    assert {"pretraining", "alignment", "adversarial"} <= set(phases)
    record_property("phases", phases)


def newest(folder):
    names = [path.name for path in folder.glob("??????.safetensors")] if folder.exists() else []
    return max((int(name[:6]) for name in names), default=0)


def phase_of(folder):
    """The phase that the newest file is in."""
    path = folder / f"{newest(folder):06d}.safetensors"
    _, text = read_arrays(path, "checkpoint", lambda text: None)
    return json.loads(json.loads(text)["phases"]["items"][-1][0])[0]


def test_an_old_file_that_cannot_be_removed_is_no_end(fitted, kept, blobs, monkeypatch):
    remove = Path.unlink

    def unlink(self, missing_ok=False):
        if self.name == "000001.safetensors":
            raise PermissionError(1, "Operation not permitted", str(self))
        remove(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.warns(UserWarning, match=r"000001.safetensors' could not be removed"):
        assert_same_fit(kept.fit(blobs[0]), fitted)


def test_a_resumed_phase_is_written_as_it_was_saved_until_it_goes_on(kept, blobs, monkeypatch):
    # Two phases are trained side by side: a file that is written after an epoch of the first holds
    # the second as it was resumed, not with moments that its training has changed since.
    kept.set_params(n_jobs=2)
    expected = clone(kept).set_params(callbacks=[]).fit(blobs[0])
    for n_epochs in (2, 3, 3):
        with monkeypatch.context() as patched:
            cut_after(patched, n_epochs)
            with pytest.raises(KeyboardInterrupt):
                kept.fit(blobs[0])
    assert_same_fit(kept.fit(blobs[0]), expected)
