"""One model fitted by several processes, each with rows of its own.

Two processes on this machine:

    torchrun --standalone --nproc-per-node=2 examples/many_processes.py

Two machines, the same line on both, with the address of one of them:

    torchrun --nnodes=2 --nproc-per-node=1 --rdzv-backend=c10d \
        --rdzv-endpoint=first-machine:29500 examples/many_processes.py

Every process reads its own part of the data, fits with ``process_group="world"`` and gets the
labels of its own rows; the model is the same everywhere, and any process can save it.
"""

import argparse
import warnings
from datetime import timedelta

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score
from torch import distributed

from skdm2c import MixedModalClustering
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.exceptions import AlignmentWarning

parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, default=4000)
parser.add_argument("--epochs", type=int, default=None, help="of every phase; None is the default")
options = parser.parse_args()

# gloo is for CPUs, nccl for CUDA. A process that is lost ends the others after the timeout at most.
backend = "nccl" if torch.cuda.is_available() else "gloo"
distributed.init_process_group(backend, timeout=timedelta(seconds=60))
rank, size = distributed.get_rank(), distributed.get_world_size()

# In earnest each process would open its own files, say with np.load(..., mmap_mode="r").
X, y = make_mixed_modal_blobs(options.rows, centers=3, n_features=(30, 20), random_state=0)
mine = np.arange(len(X)) % size == rank

names = ("pretrain_epochs", "alignment_epochs", "adversarial__epochs")
epochs = {} if options.epochs is None else dict.fromkeys(names, options.epochs)
model = MixedModalClustering(3, random_state=0, process_group="world").set_params(**epochs)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", AlignmentWarning)
    model.fit(X[mine])

# All rows' labels, for the score alone.
parts = [None] * size
distributed.all_gather_object(parts, model.labels_)
labels = np.empty(len(X), dtype=int)
for r, part in enumerate(parts):
    labels[np.arange(len(X)) % size == r] = part
if rank == 0:
    print(f"{size} processes of {sum(mine):,} rows or so, {model.n_iter_} epochs")
    print(f"confidence {model.alignment_confidence_:.2f}, ARI {adjusted_rand_score(y, labels):.2f}")
distributed.destroy_process_group()
