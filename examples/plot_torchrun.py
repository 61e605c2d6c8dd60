"""
One fit by two processes
========================

Where rows are spread over machines, each process gives its own and all fit one model together. Here
two processes on this machine do: a small program, started by ``torchrun``, and a look at what it
leaves. On one machine this gains no time (:doc:`measured <../cores>`); it is for rows that one
machine cannot hold.
"""

# %%
# The program
# -----------
# It is the same for every process. ``torchrun`` tells each which one it is, and
# ``process_group="world"`` makes the fit a common one. Labels are those of the rows that the
# process gave.

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

from skdm2c import load_model
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.metrics import evaluate

PROGRAM = """
import numpy as np
from torch import distributed

from skdm2c import MixedModalClustering, save_model
from skdm2c.datasets import make_mixed_modal_blobs

distributed.init_process_group("gloo")  # "nccl" with CUDA
rank, size = distributed.get_rank(), distributed.get_world_size()

# In earnest each process would open its own files.
X, _ = make_mixed_modal_blobs(900, centers=3, random_state=0)
mine = np.arange(len(X)) % size == rank

model = MixedModalClustering(
    n_clusters=3, pretrain_epochs=20, alignment_epochs=20,
    process_group="world", random_state=0,
).fit(X[mine])
np.save(f"labels_{rank}.npy", model.labels_)
if rank == 0:  # the model is the same everywhere
    save_model(model, "model.safetensors")
print(f"process {rank} of {size}: {mine.sum()} rows, confidence {model.alignment_confidence_:.2f}")
distributed.destroy_process_group()
"""

# %%
# Run it
# ------
# In a terminal: ``torchrun --standalone --nproc-per-node=2 program.py``.

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
(folder / "program.py").write_text(PROGRAM)
start = "-m torch.distributed.run --standalone --nproc-per-node=2 program.py"
done = subprocess.run(
    [sys.executable, *start.split()],
    cwd=folder,
    env=os.environ | {"OMP_NUM_THREADS": "1"},
    capture_output=True,
    text=True,
)
if done.returncode:
    raise RuntimeError(done.stderr)
print("\n".join(sorted(done.stdout.splitlines())))  # which process is first is left to chance

# %%
# What it left
# ------------
# Each process wrote the labels of its rows, and one of them the model, which any program can load.

X, y = make_mixed_modal_blobs(900, centers=3, random_state=0)
process = np.arange(len(X)) % 2
labels = np.empty(len(X), dtype=int)
for rank in range(2):
    labels[process == rank] = np.load(folder / f"labels_{rank}.npy")
model = load_model(folder / "model.safetensors")
temporary.cleanup()
print(f"the model's labels are those that the processes had: {(model.predict(X) == labels).all()}")
figures = evaluate(y, labels, X.modality)
print(f"ARI {figures['ari']:.2f}, gain {figures['gain']:.2f}")

# %%
# One space for the rows of both
# ------------------------------
# Circles and triangles are the two modalities.

points = PCA(2).fit_transform(model.transform(X))
colors = np.array(["#0072B2", "#E69F00", "#009E73", "#D55E00", "#333333"])
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharex=True, sharey=True)
for name, marker in zip(X.names, "o^", strict=True):
    at = X.modality == name
    kw = {"marker": marker, "s": 16, "alpha": 0.7, "linewidths": 0}
    axes[0].scatter(*points[at].T, c=colors[3 + process[at]], **kw)
    axes[1].scatter(*points[at].T, c=colors[labels[at]], **kw)
axes[0].set(title="the process that had the row", xticks=[], yticks=[])
axes[1].set(title="cluster")
plt.show()
