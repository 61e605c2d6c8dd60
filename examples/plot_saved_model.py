"""
A saved model, used elsewhere
=============================

A model is fitted here, written to a file, and used by another process that has the file and new
rows, and nothing else. The file of ``save_model`` holds no code, so it may also come from a
stranger: ``load_model`` checks all that it reads.
"""

# %%
# Fit and save
# ------------
# Digits that were each seen in one of two ways. 1,000 are fitted, 400 others are new.

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from safetensors import safe_open

from skdm2c import MixedModalClustering, load_model, save_model
from skdm2c.datasets import drop_pairing, load_handwritten

views, digits = load_handwritten(("fac", "pix"))
X, digits = drop_pairing(views, digits, random_state=0)
order = np.random.RandomState(0).permutation(len(X))
X_fit, X_new = X[order[:1000]], X[order[1000:1400]]

model = MixedModalClustering(n_clusters=10, random_state=0).fit(X_fit)
temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
save_model(model, folder / "model.safetensors")
print(f"{(folder / 'model.safetensors').stat().st_size / 1e6:.1f} MB")

# %%
# Another process
# ---------------
# It reads the file and new rows, and writes labels. It could as well run on another machine; the
# file carries the number of its format.

PROGRAM = """
import numpy as np
from skdm2c import load_model

model = load_model("model.safetensors")
for name in model.modality_names_:
    np.save(f"labels_{name}.npy", model.predict(np.load(f"{name}.npy"), modality=name))
print(f"the other process knows {model.n_features_per_modality_}, {len(model.labels_)} rows in fit")
"""
for name, block in X_new.blocks.items():
    np.save(folder / f"{name}.npy", block)
(folder / "program.py").write_text(PROGRAM)
done = subprocess.run(
    [sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, check=True
)
print(done.stdout.strip())

there = {name: np.load(folder / f"labels_{name}.npy") for name in X.names}
for name, labels in there.items():
    here = model.predict(X_new.blocks[name], modality=name)
    print(
        f"{name}: {len(labels)} new rows, the same labels in both processes: {(here == labels).all()}"
    )

# %%
# What is in the file
# -------------------
# Arrays by name, which any reader of safetensors shows, and one JSON text of parameters and history.
# The rows of the fit are not in it; their places in the unified space and their labels are.

PARTS = {
    "autoencoders": "networks of the modalities",
    "generators": "generators",
    "discriminators": "discriminators",
    "rows": "embedding and labels of the fit",
    "door": "means and scales of columns",
}
sizes = {}
with safe_open(folder / "model.safetensors", "np") as file:
    for name in file.keys():  # noqa: SIM118  (it is no dict)
        part = re.split("[/.]", name.removeprefix("weights/"))[0]
        part = PARTS.get(part, "clusters and their matching")
        sizes[part] = sizes.get(part, 0) + file.get_tensor(name).nbytes / 1e3
    text = file.metadata()["skdm2c"]
sizes["text: parameters, history"] = len(text) / 1e3

figure, ax = plt.subplots(figsize=(6.6, 3.2), layout="constrained")
names = sorted(sizes, key=sizes.get)
bars = ax.barh(names, [sizes[name] for name in names], color="#44AA99")
ax.bar_label(bars, fmt="%.0f kB", padding=3)
ax.set(title="what a saved model holds", xticks=[], xlim=(0, 1.15 * max(sizes.values())))
ax.spines[["top", "right", "bottom"]].set_visible(False)
plt.show()

# %%
# A damaged file
# --------------
# One bit of the arrays is turned; the checksum tells.

damaged = bytearray((folder / "model.safetensors").read_bytes())
damaged[-1000] ^= 1
(folder / "damaged.safetensors").write_bytes(damaged)
try:
    load_model(folder / "damaged.safetensors")
except ValueError as error:
    print(f"refused: {error}")
temporary.cleanup()
