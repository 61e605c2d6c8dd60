"""What several test files share."""

import json
import os
import sys
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"  # draw, whether there is a screen or not
os.environ["SCIPY_ARRAY_API"] = "1"  # read when scipy is imported; else a check would be skipped

import numpy as np
import pytest
import torch
from hypothesis import settings

from skdm2c import AdversarialTraining, MixedModalClustering, MixedModalData, Networks
from skdm2c.alignment import GeometricAlignment
from skdm2c.datasets import make_mixed_modal_blobs

# Workers of pytest share the cores: threads that wait for each other take ten times as long.
torch.set_num_threads(1)

# The suite tries the same few cases each time; `make fuzz` new ones, many.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile("suite")

TINY = {
    "n_components": 4,
    "networks": Networks((16,), (8, 4), (8,)),
    "pretrain_epochs": 3,
    "alignment_epochs": 3,
    "adversarial": AdversarialTraining(epochs=2),
    "kmeans_n_init": 3,
    "alignment": GeometricAlignment(
        kinds=(("geodesic", "cosine"), ("local",)), scalings=("columns",), n_matches=9
    ),
}


@pytest.fixture(autouse=True)
def figures():
    """Close what a test has drawn."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def blobs():
    """Two modalities of three easy clusters: 60 rows x 10, 60 rows x 15."""
    return make_mixed_modal_blobs(120, random_state=0)


@pytest.fixture
def tiny():
    """An estimator that trains in a blink, for tests of all but quality."""
    return MixedModalClustering(n_clusters=3, random_state=0, **TINY)


@pytest.fixture(scope="session")
def fitted(blobs):
    """A fitted tiny estimator; do not change it."""
    return MixedModalClustering(n_clusters=3, random_state=0, **TINY).fit(blobs[0])


@pytest.fixture
def random_blocks():
    """Two blocks of noise, 12 rows x 4 and 10 rows x 3."""
    rng = np.random.RandomState(0)
    return rng.randn(12, 4), rng.randn(10, 3)


@pytest.fixture
def container(random_blocks):
    return MixedModalData(*random_blocks)


@pytest.fixture(scope="session")
def benchmark_data():
    """Folder of the local benchmark sets, which are not part of the project."""
    folder = Path(os.environ.get("SKDM2C_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / "mfeat.npz").exists():
        pytest.skip(f"needs the benchmark sets, which are not in {folder} (set SKDM2C_DATA)")
    return folder


def replaced(value, at, new):
    """A copy of a description with a new value at a place, a sequence of keys."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = new
    return copy
