"""Checkpoints that a stranger changed, with a right checksum: refused by name, or harmless."""

import json
import resource
import time
from collections import Counter

import numpy as np
import pytest
from conftest import TINY, replaced

from skdm2c import Checkpoint, MixedModalClustering
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.exceptions import TrainingDivergedError
from skdm2c.runtime.files import read_arrays, write_arrays
from skdm2c.training import Callback

pytest.importorskip("safetensors")

BAD_VALUES = [
    None, -1, 0, 7, 10**400, 2**62, 0.5, "x\x1b[2J", True, [], {}, [[]],
    {"tensor": "0"}, {"items": []}, {"items": [["step", 1]]}, {"list": [0]}, {"tuple": 3},
    {"tensor": "none"}, {"code": "import os"},
]  # fmt: skip


def changed(array, rng):
    """An array that is not what it was: of another shape, type or range."""
    kind = rng.randint(6)
    if kind == 0:
        return np.full(1, 7, array.dtype)
    if kind == 1:
        return np.zeros((*array.shape, 2), array.dtype)
    if kind == 2:
        return np.full(array.shape, np.nan, np.float32)
    if kind == 3:
        return array.astype(np.float64)
    if kind == 4:
        return array.reshape(-1)[: array.size // 2]
    return np.full(array.shape, 250, array.dtype)  # a harmless value, or a wrong random state


class Stop(Callback):
    """Interrupt the fit after some epochs of a phase, which are no part of the fit's identity."""

    end = ("adversarial", 2)

    def on_epoch_end(self, state, record):
        if (state.phase, state.epoch) == Stop.end:
            raise KeyboardInterrupt


def model(folder):
    return MixedModalClustering(
        3, random_state=0, **TINY, callbacks=[Checkpoint(folder, every=0.0), Stop()]
    )


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Arrays and texts of fits that were interrupted in each phase."""
    X, _ = make_mixed_modal_blobs(60, random_state=0)
    contents = []
    for end in (("pretraining", 3), ("alignment", 3), ("adversarial", 1)):
        folder = tmp_path_factory.mktemp(end[0])
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Stop, "end", end)
            with pytest.raises(KeyboardInterrupt):
                model(folder).fit(X)
        last = max(folder.glob("*.safetensors"))
        contents.append(read_arrays(last, "checkpoint", lambda text: None))
    return X, contents


def places(value, at=()):
    """Every place in a description where a value may be put."""
    if at:
        yield at
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*at, key))


def poisoned(contents, rng):
    """Arrays and a text, one thing of which was changed."""
    arrays, text = contents[rng.randint(len(contents))]
    found = json.loads(text)
    kind = ("array", "value", "swap", "moments")[rng.randint(4)]
    names = sorted(arrays)
    if kind == "array":
        name = names[rng.randint(len(names))]
        arrays = arrays | {name: changed(arrays[name], rng)}
    elif kind == "swap":
        a, b = (names[i] for i in rng.randint(len(names), size=2))
        arrays = arrays | {a: arrays[b], b: arrays[a]}
    elif kind == "moments":  # all small arrays, as fused optimisers write past their ends
        arrays = {
            n: np.full(1, 7, a.dtype) if a.dtype == np.float32 else a for n, a in arrays.items()
        }
    else:
        at = list(places({"phases": found["phases"], "seeds": found["seeds"]}))
        found = replaced(found, at[rng.randint(len(at))], BAD_VALUES[rng.randint(len(BAD_VALUES))])
    return kind, arrays, json.dumps(found)


def try_poisoned(n_cases, checkpoints, folder):
    X, contents = checkpoints
    rng, outcomes, slowest = np.random.RandomState(0), Counter(), 0.0
    path = folder / "000001.safetensors"
    for _ in range(n_cases):
        kind, arrays, text = poisoned(contents, rng)
        write_arrays(path, arrays, text)
        start = time.process_time()
        try:
            model(folder).fit(X)
        except ValueError as error:
            assert "000001.safetensors" in str(error), error  # noqa: PT017
            assert str(error).isprintable()  # noqa: PT017
            outcomes["refused"] += 1
            slowest = max(slowest, time.process_time() - start)
        except TrainingDivergedError:  # from weights of a right shape
            outcomes["diverged"] += 1
        except KeyboardInterrupt:
            outcomes["harmless"] += 1
        outcomes[kind] += 1
        for left in folder.iterdir():
            left.unlink()
    return outcomes, slowest


@pytest.mark.filterwarnings("ignore::skdm2c.AlignmentWarning")
def test_poisoned_checkpoints_are_refused_or_harmless(checkpoints, tmp_path):
    outcomes, _ = try_poisoned(40, checkpoints, tmp_path)
    assert outcomes["refused"] > 25


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skdm2c.AlignmentWarning")
def test_five_hundred_poisoned_checkpoints(checkpoints, tmp_path, record_property):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes, slowest = try_poisoned(500, checkpoints, tmp_path)
    assert outcomes["refused"] > 350
    assert slowest < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    record_property("outcomes", dict(outcomes))
