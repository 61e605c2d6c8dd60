"""
Quickstart
==========

Two archives that never met: digits that were each seen in one of two ways, as profile correlations
or as averages of pixels. Nobody knows which belongs with which. One estimator groups all of them.
"""

import matplotlib.pyplot as plt
import numpy as np

from skdm2c import MixedModalClustering
from skdm2c.datasets import drop_pairing, load_handwritten
from skdm2c.metrics import evaluate
from skdm2c.plotting import UnifiedSpaceDisplay

views, digits = load_handwritten(("fac", "pix"))
some = np.random.RandomState(0).permutation(len(digits))[:1000]
views = {name: view[some] for name, view in views.items()}
X, digits = drop_pairing(views, digits[some], random_state=0)  # each keeps one of the two
print(X)

# %%
# Fit
# ---
# ``fit(X_a, X_b)`` takes the two blocks as well; a container also goes through a Pipeline.

model = MixedModalClustering(n_clusters=10, random_state=0).fit(X)
print(f"labels of {len(model.labels_)} rows, A's first: {model.labels_[:10]} ...")
print(f"may they be compared between the two? confidence {model.alignment_confidence_:.2f}")

# %%
# All rows in one space
# ---------------------
# Each group is to hold both kinds: circles of the one modality among triangles of the other.

figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for ax, color in zip(axes, ("modality", "cluster"), strict=True):
    UnifiedSpaceDisplay.from_estimator(model, X, color=color, ax=ax)
plt.show()

# %%
# How good was it?
# ----------------
# Here, and only here, the digits are known. ``gain`` says where the answer lies between clusters
# that are matched at random (0) and matched as well as they can be (1).

figures = evaluate(digits, model.labels_, X.modality)
print(f"ARI {figures['ari']:.2f}, gain {figures['gain']:.2f}")

# %%
# New rows
# --------
# The same model labels rows it has never seen, of one modality or of both.

print(model.predict(X.blocks["pix"][:5], modality="pix"))
