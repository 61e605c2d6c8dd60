"""
Rows on disk
============

Two archives of 300,000 and 200,000 rows lie in files. They are opened with
``np.load(..., mmap_mode="r")``, which reads nothing yet. The model learns from a sample of the rows,
and all the others get their labels a chunk at a time, so that memory holds a small part of the
files.
"""

# %%
# Made files
# ----------
# Six groups on a map, at different distances from each other; each archive shows the map in columns
# of its own, with noise. Rows are written a chunk at a time, as they would come from elsewhere.

import tempfile
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

from skdm2c import MixedModalClustering
from skdm2c.metrics import evaluate

CHUNK = 20_000
PLACES = np.array([[0.0, 0.0], [2.2, 0.6], [5.0, 0.0], [9.0, 1.0], [9.6, 3.8], [2.0, 6.0]])
rng = np.random.RandomState(0)
temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
folder = Path(temporary.name)


def write(path, n_rows, n_columns):
    """Fill a file; return the group of each row, for evaluation alone."""
    file = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, n_columns))
    view = rng.randn(2, n_columns)
    y = rng.randint(len(PLACES), size=n_rows)
    for start in range(0, n_rows, CHUNK):
        at = slice(start, start + CHUNK)
        on_map = PLACES[y[at]] + 0.35 * rng.randn(len(y[at]), 2)
        file[at] = on_map @ view + 0.5 * rng.standard_normal((len(on_map), n_columns))
    file.flush()
    return y


y_a = write(folder / "a.npy", 300_000, 128)
y_b = write(folder / "b.npy", 200_000, 64)
on_disk = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
print(f"{on_disk:.0f} MB on disk")

# %%
# Fit on a sample
# ---------------
# Rows drawn from a memory-mapped block are read and copied, the others stay where they are.
# ``tracemalloc`` counts what Python and NumPy hold at most, not what PyTorch holds for its networks
# and batches.

tracemalloc.start()
a, b = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "ab")
sample = [np.sort(rng.choice(len(block), 1000, replace=False)) for block in (a, b)]
model = MixedModalClustering(
    n_clusters=6, pretrain_epochs=40, alignment_epochs=40, random_state=0
).fit(a[sample[0]], b[sample[1]])
in_fit = tracemalloc.get_traced_memory()[1] / 1e6
print(f"fit: confidence {model.alignment_confidence_:.2f}, {in_fit:.0f} MB at most")

# %%
# Predict in chunks
# -----------------
# Each chunk is read, gets its labels and is counted in a picture of the unified space, then let go.

tracemalloc.reset_peak()
flat = PCA(2).fit(model.embedding_)
spans = 1.15 * np.percentile(flat.transform(model.embedding_), [0, 100], axis=0).T
edges = [np.linspace(low, high, 121) for low, high in spans]
labels, density = {}, {name: np.zeros((120, 120)) for name in "ab"}
for name, block in (("a", a), ("b", b)):
    labels[name] = np.empty(len(block), dtype=np.int32)
    for start in range(0, len(block), CHUNK):
        at = slice(start, start + CHUNK)
        labels[name][at] = model.predict(block[at], modality=name)
        points = flat.transform(model.transform(block[at], modality=name))
        density[name] += np.histogram2d(*points.T, bins=edges)[0]
in_predict = tracemalloc.get_traced_memory()[1] / 1e6
tracemalloc.stop()
print(f"predict: {len(a) + len(b):,} rows, {in_predict:.0f} MB at most")

modality = np.repeat(["a", "b"], [len(a), len(b)])
figures = evaluate(np.append(y_a, y_b), np.append(labels["a"], labels["b"]), modality)
print(f"all rows: ARI {figures['ari']:.2f}, gain {figures['gain']:.2f}")

# %%
# What came of it
# ---------------
# Where the rows of both archives lie in the unified space (brighter is more, on a logarithmic
# scale), and what memory held meanwhile.

figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained", width_ratios=(1, 1, 0.9))
for ax, name, block in zip(axes, "ab", (a, b), strict=False):
    ax.imshow(np.log1p(density[name].T), cmap="magma", origin="lower", aspect="auto")
    ax.set(title=f"{len(block):,} rows of {name}", xticks=[], yticks=[])
bars = axes[2].barh(("files", "fit", "predict"), (on_disk, in_fit, in_predict), color="#CC6677")
axes[2].bar_label(bars, fmt="%.0f MB", padding=3)
axes[2].set(title="on disk, and in memory at most", xticks=[], xlim=(0, 1.3 * on_disk))
axes[2].invert_yaxis()
axes[2].spines[["top", "right", "bottom"]].set_visible(False)
plt.show()

# %%
# Blocks beyond memory in the fit itself
# --------------------------------------
# A memory-mapped block may also be given to ``fit`` whole. It is copied into memory in single
# precision up to 2^28 numbers, and read a batch at a time beyond.

del a, b, block  # the files are closed before they are removed
temporary.cleanup()
