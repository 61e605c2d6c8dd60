"""What each process of a group does in the tests of test_distributed.py: started by torchrun."""

import os
import signal
import sys
import time
import warnings
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from torch import distributed

sys.path.insert(0, str(Path(__file__).parents[1]))

from conftest import TINY

from skdm2c import MixedModalClustering, MixedModalData
from skdm2c.alignment import GeometricAlignment
from skdm2c.data.scaling import ModalityScaler
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.runtime.processes import Processes
from skdm2c.training import Callback, Examples, History, Passes, regression_phase, run_phases


def part(n, rank, size):
    """Rows of one process: the first has most."""
    return np.arange(n) % (size + 1) % size == rank


def regression(rank, size, processes):
    """Full batches, whose mean gradient does not depend on how rows are spread."""
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(90, 3, generator=rng), torch.randn(90, 2, generator=rng)
    network = torch.nn.Linear(3, 2)
    torch.nn.init.zeros_(network.weight)
    torch.nn.init.zeros_(network.bias)
    settings = Passes(5, 90, "linear")
    mine, history = torch.from_numpy(part(90, rank, size)), History()
    phase = regression_phase(
        network, Examples("reconstruction", x[mine], y[mine]), settings,
        learning_rate=0.1, rng=rng, name="a", processes=processes,
    )  # fmt: skip
    run_phases([phase], history)
    losses = [record["reconstruction"] for record in history.records]
    return {"weights": network.weight.detach().numpy(), "losses": losses}


def scaling(rank, size, processes):
    block = np.random.RandomState(0).randn(500, 7) * [9, 7, 5, 3, 2, 1, 0.1] + 4
    scaler = ModalityScaler("a", "auto")
    rows = scaler.fit_transform(block[part(500, rank, size)], processes=processes)
    return {"mean": scaler.mean_, "scale": scaler.scale_, "scaling": scaler.scaling_, "rows": rows}


def data():
    return make_mixed_modal_blobs(400, centers=3, n_features=(20, 15), random_state=0)[0]


def fit(rank, size, processes):
    X = data()
    model = MixedModalClustering(3, random_state=0, process_group="world", **TINY)
    model.fit(X[part(len(X), rank, size)])
    return {
        "labels": model.labels_,
        "centers": model.cluster_centers_,
        "embedding": model.transform(X),
        "losses": [r.get("reconstruction", r.get("transport")) for r in model.history_],
        "probabilities": model.predict_proba(X),
    }


def pairs_in_one(rank, size, processes):
    blocks = data().blocks.values()
    i = np.arange(0, 200, 4)  # rows of the first process, of which some are of one instance
    X = MixedModalData(*blocks, pairs=np.column_stack([i, i]))
    a = np.flatnonzero(part(200, rank, size))
    a = np.union1d(a, i) if rank == 0 else np.setdiff1d(a, i)
    model = MixedModalClustering(3, random_state=0, process_group="world", **TINY)
    mine = X[np.concatenate([a, 200 + a])]
    model.fit(mine)
    phase = [r for r in model.history_ if r["phase"] == "adversarial"]
    return {
        "known": len(mine.pairs),
        "embedding": model.transform(X),
        "pairs": [r["pairs"] for r in phase],
        "confidence": model.alignment_confidence_,
    }


def without_seed(rank, size, processes):
    X = data()
    model = MixedModalClustering(3, process_group="world", **TINY)
    return {"embedding": model.fit(X[part(len(X), rank, size)]).transform(X)}


def one_lacks_a_modality(rank, size, processes):
    a, b = data().blocks.values()
    model = MixedModalClustering(3, random_state=0, process_group="world", **TINY)
    model.fit(MixedModalData(a, b if rank == 0 else b[:0]))


def other_columns(rank, size, processes):
    a, b = data().blocks.values()
    model = MixedModalClustering(3, random_state=0, process_group="world", **TINY)
    model.fit(MixedModalData(a, b if rank == 0 else b[:, 1:]))


def killed(rank, size, processes):
    class Kill(Callback):
        def on_epoch_end(self, state, record):
            if rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return False

    rng = torch.Generator().manual_seed(0)
    x = torch.randn(90, 3, generator=rng)
    settings = Passes(1000, 30, "linear")
    phase = regression_phase(
        torch.nn.Linear(3, 3), Examples("reconstruction", x, x), settings,
        learning_rate=0.1, rng=rng, name="a", processes=processes,
    )  # fmt: skip
    run_phases([phase], Kill())


class Failing(GeometricAlignment):
    """An aligner that fails, as one of a user may."""

    def match(self, left, right, rng):
        raise ArithmeticError("no luck today")


def aligner_fails(rank, size, processes):
    X = data()
    settings = TINY | {"alignment": Failing()}
    model = MixedModalClustering(3, random_state=0, process_group="world", **settings)
    start = time.monotonic()
    try:
        model.fit(X[part(len(X), rank, size)])
    except (ArithmeticError, RuntimeError) as error:
        message = str(error)
    seconds = time.monotonic() - start
    processes.gather(None)  # nobody has left: that would end the others, too
    return {"message": message, "seconds": seconds}


def stopped(rank, size, processes):
    process_ids = processes.gather(os.getpid())
    if rank == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    start = time.monotonic()
    try:
        processes.gather(None)
    except RuntimeError as error:
        message = str(error)
    finally:
        os.kill(process_ids[1], signal.SIGKILL)
    np.savez(Path(sys.argv[2]) / "stopped.npz", message=message, seconds=time.monotonic() - start)
    raise SystemExit("a process was stopped")


def main():
    what, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    timeout = timedelta(seconds=5 if what == "stopped" else 30)
    distributed.init_process_group("gloo", timeout=timeout)
    rank, size = distributed.get_rank(), distributed.get_world_size()
    found = globals()[what](rank, size, Processes(distributed.group.WORLD))
    np.savez(Path(folder) / f"{rank}.npz", **(found or {}))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
