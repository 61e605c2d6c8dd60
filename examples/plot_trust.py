"""
Can this alignment be trusted?
==============================

The estimator always returns labels. Whether cluster 3 of one modality is cluster 3 of the other is
another question, and the answer may be that nobody can tell. Two cases with the same digits: pixels
beside profile correlations, which share geometry, and pixels beside Fourier coefficients, which do
not: to these a six and a nine are the same.
"""

# %%
# Two cases
# ---------
# 1,000 digits, each seen in one of the two ways.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from skdm2c import AlignmentWarning, MixedModalClustering
from skdm2c.datasets import drop_pairing, load_handwritten
from skdm2c.metrics import evaluate

K = 10
views, digits = load_handwritten(("fac", "fou", "pix"))
some = np.random.RandomState(0).permutation(len(digits))[:1000]
views = {name: view[some] for name, view in views.items()}
cases = {
    name: drop_pairing({other: views[other], "pix": views["pix"]}, digits[some], random_state=0)
    for name, other in (("geometry is shared", "fac"), ("none is shared", "fou"))
}

# %%
# What the model says, and what is true
# -------------------------------------
# Across the modalities the first is right and says so; the second is not, and warns. ``gain`` needs
# the classes (0 is matching at random, 1 the best matching of the same clusters); ``confidence``
# does not.

found = {}
for name, (X, y) in cases.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AlignmentWarning)
        found[name] = MixedModalClustering(K, random_state=0).fit(X)
    figures = evaluate(y, found[name].labels_, X.modality)
    a, b = (f"{figures[f'ari_{view}']:.2f}" for view in X.names)
    print(
        f"{name:18}: ARI within the modalities {a} and {b}; across: gain {figures['gain']:.2f}, "
        f"confidence {found[name].alignment_confidence_:.2f}, "
        f"{'warned' if caught else 'no warning'}"
    )

# %%
# Cluster by cluster
# ------------------
# Bars that reach above the line are clusters whose partner is sure. A low bar among high ones is
# one cluster to look at; low bars throughout are modalities not to compare.

figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained", sharey=True)
for ax, (name, model) in zip(axes, found.items(), strict=True):
    ax.bar(np.arange(K), model.cluster_confidence_, color="C0")
    ax.axhline(0.5, color="0.3", ls="--", lw=1)
    ax.set(title=f"{name}: {model.alignment_confidence_:.2f} in all", xlabel="cluster", ylim=(0, 1))
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("confidence")
plt.show()

# %%
# What not to conclude
# --------------------
# A warning is not a verdict: the matching may be right all the same. And a high confidence is no
# proof: with few clusters, or shares that differ much between the modalities, it can be high and
# wrong. A few looks at rows of both modalities that have one label tell more than any number; a few
# known pairs settle it.
