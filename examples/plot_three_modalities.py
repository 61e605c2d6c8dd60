"""
Three modalities and their hub
==============================

Things of which some were photographed, some described and some recorded, none in two of these ways.
One modality becomes the *hub*: the one into whose space the others are carried. The others are
*spokes*, and each is matched with the hub.
"""

# %%
# Made data, in one container
# ---------------------------
# Six groups lie on a map, chosen to be at different distances from each other. Every modality shows
# the map turned into columns of its own, with noise; sound has most noise. Two blocks may be given
# to ``fit`` as they are, three go into a container.

import matplotlib.pyplot as plt
import numpy as np

from skdm2c import MixedModalClustering, MixedModalData
from skdm2c.metrics import evaluate
from skdm2c.plotting import MatchingDisplay

PLACES = np.array([[0.0, 0.0], [2.2, 0.6], [5.0, 0.0], [9.0, 1.0], [9.6, 3.8], [2.0, 6.0]])
rng = np.random.RandomState(0)


def seen(n, n_columns, noise):
    """Groups of n things, and their rows in one modality."""
    y = rng.randint(len(PLACES), size=n)
    on_map = PLACES[y] + 0.35 * rng.randn(n, 2)
    return y, on_map @ rng.randn(2, n_columns) + noise * rng.randn(n, n_columns)


(y_photo, photo), (y_text, text), (y_sound, sound) = (
    seen(n, d, noise) for n, d, noise in ((400, 30, 0.5), (300, 20, 0.5), (250, 12, 1.2))
)
X = MixedModalData(photo, text, sound, names=("photo", "text", "sound"))
y = np.concatenate([y_photo, y_text, y_sound])
print(X)

# %%
# Who is the hub?
# ---------------
# With ``unify_to="auto"``, the default, it is the modality whose own clusters are told apart best.
# Spokes do not meet: text and sound have the same cluster 3 because each was matched with cluster 3
# of the hub. So the confidence of the whole is that of the worst spoke. ``unify_to="sound"`` would
# name the hub.

settings = {"pretrain_epochs": 30, "alignment_epochs": 40}
model = MixedModalClustering(n_clusters=6, random_state=0, **settings).fit(X)
print(f"hub: {model.unified_modality_}")
for name, spoke in model.matching_.items():
    print(f"{name} matched with the hub, confidence {spoke.confidence:.2f}")
print(f"confidence of the whole {model.alignment_confidence_:.2f}")
figures = evaluate(y, model.labels_, X.modality)
print(f"ARI {figures['ari']:.2f}, gain {figures['gain']:.2f}")

# %%
# The matching, a panel a spoke
# -----------------------------
# A row is a cluster as the spoke alone has it, a column one of the hub. Partners meet on the
# diagonal; a second dark field in a row is a rival. The list says which group on the map each
# cluster mostly is (no fit has seen it): rivals are groups that lie near each other.

figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
MatchingDisplay.from_estimator(model, ax=axes)
plt.show()

for c in range(6):
    group = np.bincount(y[model.labels_ == c]).argmax()
    nearest = np.argsort(np.linalg.norm(PLACES - PLACES[group], axis=1))[1]
    print(f"cluster {c} is group {group}, whose nearest is group {nearest}")
