"""A search over Dask's workers finds what one process finds, be one of them lost midway."""

import os
import signal
import sys
import threading
import time

import joblib
import numpy as np
import pytest
import torch
from conftest import TINY
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info

from skdm2c import MixedModalClustering, MixedModalData, ModalityKFold
from skdm2c.alignment import Alignment
from skdm2c.datasets import make_mixed_modal_blobs

cloudpickle = pytest.importorskip("cloudpickle")
distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

GRID = {"n_clusters": [2, 3, 4], "n_components": [3, 4]}


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def search(X):
    model = MixedModalClustering(random_state=0, **TINY)
    return GridSearchCV(model, GRID, cv=ModalityKFold(2), n_jobs=-1).fit(X)


@pytest.fixture(scope="module")
def X():
    return make_mixed_modal_blobs(200, random_state=0)[0]


@pytest.fixture(scope="module")
def alone(X):
    with joblib.parallel_config("threading", n_jobs=1):
        return search(X)


def assert_same(one, other):
    # Equal labels give equal scores, up to how arrays are aligned in memory.
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_allclose(one.cv_results_[name], other.cv_results_[name], rtol=1e-12)
    np.testing.assert_array_equal(one.best_estimator_.labels_, other.best_estimator_.labels_)


@pytest.mark.parametrize("scattered", [False, True])
def test_workers_find_what_one_process_finds(client, alone, X, scattered):
    with joblib.parallel_config("dask", scatter=[X] if scattered else None):
        assert_same(search(X), alone)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("scattered", [False, True])
def test_a_worker_that_is_lost_midway_is_survived(client, alone, X, scattered):
    lost = []

    def kill_one():
        pids = client.run(os.getpid)
        while not lost:
            busy = [worker for worker, tasks in client.processing().items() if tasks]
            if busy:
                lost.append(pids[busy[0]])
                os.kill(lost[0], signal.SIGKILL)
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    with joblib.parallel_config("dask", scatter=[X] if scattered else None):
        assert_same(search(X), alone)
    killer.join(timeout=30)
    assert len(lost) == 1
    assert lost[0] not in client.run(os.getpid).values()


def count_arrivals():
    """In a worker: count containers that arrive from elsewhere, from now on."""

    def arrives(self, state):
        MixedModalData.arrived += 1
        self.__dict__.update(state)

    MixedModalData.arrived = 0
    MixedModalData.__setstate__ = arrives


def arrivals():
    """In a worker: say how many have arrived, and count no more."""
    arrived = MixedModalData.arrived
    del MixedModalData.arrived, MixedModalData.__setstate__
    return arrived


def test_scattered_data_are_sent_once_and_not_once_a_candidate(client, X):
    by_value()
    client.wait_for_workers(2)  # one may have been lost in a test before
    found = {}
    for scatter in (None, [X]):
        client.run(count_arrivals)
        with joblib.parallel_config("dask", scatter=scatter):
            search(X)
        found[scatter is None] = client.run(arrivals).values()
    # Once a worker; on a busy machine one may have done all, and the other been sent nothing.
    assert set(found[False]) <= {0, 1}
    assert 1 in found[False]
    assert sum(found[True]) > 2 * 2


def by_value():
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not know this file


class Counting:
    """An aligner that notes how many threads it is given."""

    def __init__(self):
        self.seen = []

    def describe(self, modality, rng):
        self.seen += [pool["num_threads"] for pool in threadpool_info()]
        self.seen.append(torch.get_num_threads())
        return modality.n_clusters

    def match(self, left, right, rng):
        return Alignment.of_partners(np.arange(left), 0.9)


def threads_of_a_fit():
    X, _ = make_mixed_modal_blobs(200, random_state=0)
    aligner = Counting()
    MixedModalClustering(3, random_state=0, **TINY | {"alignment": aligner}).fit(X)
    return aligner.seen


def test_a_fit_in_a_worker_takes_one_thread(client):
    by_value()
    for seen in client.run(threads_of_a_fit).values():
        assert set(seen) == {1}
