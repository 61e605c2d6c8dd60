"""
Translation: digits drawn from what was measured on them
========================================================

Half of the digits were seen as averages of pixels, the others as 216 profile correlations, which
nobody can look at. ``translate`` draws the latter: the encoder of the one modality, a generator,
the decoder of the other. No digit was seen in both ways.
"""

# %%
# Fit
# ---
# 1,000 digits.

import matplotlib.pyplot as plt
import numpy as np

from skdm2c import MixedModalClustering, MixedModalData
from skdm2c.datasets import drop_pairing, load_handwritten
from skdm2c.plotting import TranslationDisplay

views, digits = load_handwritten(("fac", "pix"))
order = np.random.RandomState(0).permutation(len(digits))
some, held_out = order[:1000], order[1000:]
X, y = drop_pairing({name: view[some] for name, view in views.items()}, digits[some], 0)
model = MixedModalClustering(n_clusters=10, random_state=0).fit(X)
print(f"hub {model.unified_modality_}, confidence {model.alignment_confidence_:.2f}")

# %%
# Digits that the model has never seen
# ------------------------------------
# Of the other 1,000 we take the profile correlations, translate them, and only then look at the
# pixels of the same digits. A translation is a typical row at that place, an average: smoother than
# the original. Some come out as another digit.

drawn = model.translate(views["fac"][held_out], source="fac", target="pix")
original = views["pix"][held_out]

columns = [np.flatnonzero(digits[held_out] == digit)[:2] for digit in range(10)]
figure, axes = plt.subplots(4, 10, figsize=(9, 4.6), layout="constrained")
for (row, column), ax in np.ndenumerate(axes):
    i = columns[column][row // 2]
    pixels = (original if row % 2 == 0 else drawn)[i].reshape(16, 15)
    ax.imshow(pixels, cmap="Greys" if row % 2 == 0 else "Blues", vmin=0, vmax=6)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
for row, name in enumerate(("original", "translated") * 2):
    axes[row, 0].set_ylabel(name)
plt.show()

# %%
# The same without an original to compare with
# --------------------------------------------
# In the field there is none. ``TranslationDisplay.from_matches`` draws each translation above its
# likeliest counterpart among the rows of the other modality, and the trust in it.

X_new = MixedModalData(views["fac"][held_out][:500], views["pix"][held_out][500:], names=X.names)
TranslationDisplay.from_matches(model, X_new, source="fac", target="pix", image_shape=(16, 15))
plt.show()

# %%
# How often is it the right digit?
# --------------------------------
# A translation is right if the nearest mean of a digit's pixels is that of its own digit. The same
# is asked of the originals, which says how far this question can be answered at all.

means = np.array([original[digits[held_out] == digit].mean(axis=0) for digit in range(10)])
for name, pictures in (("originals", original), ("translations", drawn)):
    nearest = ((pictures[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    print(f"{name}: {np.mean(nearest == digits[held_out]):.0%} are nearest to their own digit")
