"""
A few known pairs
=================

Fourier coefficients of handwritten digits and averages of their pixels share no geometry that
would tell which cluster of one is which of the other: a six and a nine are the same to the one and
not to the other. Without pairs the estimator matches no better than chance, and says so. Here is
what a few digits that were seen in both ways change.
"""

# %%
# The problem
# -----------
# 1,000 digits, each seen in one of two ways. Of some of them we know both rows: ``drop_pairing``
# keeps as many as it is asked for, and those of fewer are among those of more.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from skdm2c import AlignmentWarning, MixedModalClustering
from skdm2c.datasets import drop_pairing, load_handwritten
from skdm2c.metrics import evaluate

views, digits = load_handwritten(("fou", "pix"))
some = np.random.RandomState(0).permutation(len(digits))[:1000]
views, digits = {name: view[some] for name, view in views.items()}, digits[some]

# %%
# No pair, one a cluster, two, five
# ---------------------------------
# ``gain`` is 0 for clusters that are matched at random and 1 for the best matching of the same
# clusters. Scored are always the same 1,000 rows, without the second rows of known digits; the
# classes enter here alone.

numbers = (0, 10, 20, 50)
found = []
for n_pairs in numbers:
    X, y = drop_pairing(views, digits, random_state=0, n_pairs=n_pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)  # it warns of the first, and should
        model = MixedModalClustering(n_clusters=10, random_state=0).fit(X)
    scored = slice(0, 1000)
    figures = evaluate(y[scored], model.labels_[scored], X.modality[scored])
    found.append((figures["ari"], figures["gain"], model.alignment_confidence_))
    print(
        f"{n_pairs:3} known pairs: ARI {found[-1][0]:.2f}, gain {found[-1][1]:.2f}, "
        f"confidence {found[-1][2]:.2f}"
    )

# %%
# Gain against known pairs
# ------------------------
# Confidence needs no classes: it comes from what geometry and pairs say of each other. It is
# slower to rise than the gain, as some pairs may agree by chance. More pairs need not bring more
# each time: so few may speak for another matching of clusters that are poor themselves.

ari, gain, confidence = np.transpose(found)
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.axhline(0, color="0.7", lw=1)
ax.axhline(1, color="0.7", lw=1, ls="--")
ax.plot(numbers, gain, "o-", label="gain")
ax.plot(numbers, confidence, "s--", label="confidence, without looking at classes")
ax.set(xlabel="known pairs, of 1,000 digits", ylabel="gain", xticks=numbers)
ax.text(50, 1.02, "best matching of these clusters", ha="right", color="0.4", fontsize=8)
ax.text(50, 0.02, "matched at random", ha="right", color="0.4", fontsize=8)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.1))
plt.show()

# %%
# How sure each cluster is
# ------------------------
# The digits of a known pair get one label, and the table of the matching shows which clusters
# the pairs have made sure of.

print(model.matching_)
