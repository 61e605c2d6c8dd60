"""
Raw text beside a table of numbers
==================================

Tasting notes of some wines, laboratory values of others; no wine has both. The notes are strings
and the values have units, so each needs preprocessing of its own: ``PerModality`` does that inside
one Pipeline. The wines are made up here, so the six styles are known.
"""

# %%
# Made wines
# ----------
# A style has sweetness, body, tannin, acidity and oak, from 0 to 1, and every wine differs from
# its style a little. Tasters put these into words, the laboratory into numbers. The styles were
# chosen to lie at different distances from each other. With styles less distinct the matching was
# wrong on two draws of three, and the estimator warned.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdm2c import MixedModalClustering, MixedModalData, PerModality
from skdm2c.metrics import evaluate

STYLES = {  # sweetness, body, tannin, acidity, oak
    "crisp white": (0.05, 0.1, 0.0, 1.0, 0.0),
    "oaked white": (0.1, 0.5, 0.05, 0.6, 0.9),
    "sweet white": (0.7, 0.5, 0.0, 0.8, 0.1),
    "light red": (0.0, 0.3, 0.3, 0.8, 0.1),
    "full red": (0.1, 0.9, 1.0, 0.2, 0.9),
    "port": (1.0, 1.0, 0.7, 0.0, 0.5),
}
WORDS = (  # of little and of much of each
    ("dry bone-dry austere", "sweet honeyed luscious syrupy"),
    ("light lean delicate", "rich full heavy dense"),
    ("smooth pale straw lemon apple", "tannic grippy dark cherry plum"),
    ("soft mellow round", "fresh crisp zesty sharp"),
    ("clean mineral pure", "oaky vanilla toasted smoky"),
)
FILLING = "wine nose palate finish with notes and a very quite drink bottle glass"
VALUES = ("sugar g/l", "alcohol %", "phenols g/l", "acid g/l", "lactones µg/l")
rng = np.random.RandomState(0)


def drawn(n):
    """Styles of n wines, and what each wine is like."""
    y = rng.randint(len(STYLES), size=n)
    return y, np.clip(np.array(list(STYLES.values()))[y] + 0.08 * rng.randn(n, 5), 0, 1)


def note(wine):
    """Fifty words about the wine and ten that say nothing, in any order."""
    said = [rng.choice(FILLING.split()) for _ in range(10)]
    for amount, words in zip(np.repeat(wine, 10), np.repeat(WORDS, 10, axis=0), strict=True):
        said.append(rng.choice(words[int(rng.rand() < amount)].split()))
    return " ".join(rng.permutation(said))


def measured(wine):
    """What a laboratory would find, with its errors."""
    sweetness, body, tannin, acidity, oak = wine
    exact = [
        3 + 120 * sweetness,
        9 + 5 * body,
        0.2 + 2.5 * tannin,
        4 + 5 * acidity,
        20 + 400 * oak,
    ]
    return exact * (1 + 0.05 * rng.randn(5))


y_notes, wines = drawn(500)
notes = [note(wine) for wine in wines]
y_values, wines = drawn(400)
values = np.array([measured(wine) for wine in wines])
X, y = MixedModalData(notes, values, names=("note", "lab")), np.append(y_notes, y_values)
print(X)
print(notes[0][:90], "...")
print(dict(zip(VALUES, values[0].round(2).tolist(), strict=True)))

# %%
# One Pipeline
# ------------
# Words are weighted and brought to a few components; numbers are standardised. New notes and new
# values go through the same steps. ``gain`` is 0 for clusters that are matched at random and 1 for
# the best matching of the same clusters; it needs the styles, which no fit has seen.

pipe = make_pipeline(
    PerModality(
        note=make_pipeline(TfidfVectorizer(), TruncatedSVD(10, random_state=0)),
        lab=StandardScaler(),
    ),
    MixedModalClustering(n_clusters=6, random_state=0),
).fit(X)
model = pipe[-1]
print(f"confidence {model.alignment_confidence_:.2f}")
figures = evaluate(y, model.labels_, X.modality)
print(f"ARI {figures['ari']:.2f}, gain {figures['gain']:.2f}")
print(f"within the notes {figures['ari_note']:.2f}, within the values {figures['ari_lab']:.2f}")

# %%
# What the clusters are
# ---------------------
# A row is a cluster: its words come from the notes, its numbers from the laboratory. That much
# sugar stands beside *honeyed*, and phenols beside *tannic*, is what the matching has found; no
# wine was seen in both ways. Notes of fifty words are a poorer view than numbers, so most mistakes
# are among them.

in_note, in_lab = (model.labels_[X.modality == name] for name in X.names)
words = pipe[0].transformers_["note"][0]
weights = words.transform(notes).toarray()
typical = weights.mean(axis=0)
rows = np.argsort([values[in_lab == c, 0].mean() for c in range(6)])  # by sugar
means = np.array([values[in_lab == c].mean(axis=0) for c in rows])
named = []
for c in rows:
    most = np.argsort(weights[in_note == c].mean(axis=0) - typical)[::-1][:4]
    named.append(", ".join(words.get_feature_names_out()[most]))

figure, ax = plt.subplots(figsize=(7.6, 4), layout="constrained")
scaled = (means - values.mean(axis=0)) / values.std(axis=0)
image = ax.imshow(scaled, cmap="BrBG", vmin=-2, vmax=2, aspect="auto")
for (row, column), value in np.ndenumerate(means):
    color = "white" if abs(scaled[row, column]) > 1.1 else "black"
    ax.text(column, row, f"{value:.3g}", ha="center", va="center", color=color)
ax.set_xticks(range(len(VALUES)), VALUES, rotation=30, ha="right")
ax.set_yticks(range(6), named)
ax.set_title("means of the laboratory's values")
ax.set_ylabel("words of the notes")
ax.spines[:].set_visible(False)
figure.colorbar(image, ax=ax, label="in standard deviations")
plt.show()

# %%
# New wines
# ---------
# A note and a row of values, both of a sweet white wine.

sweet = np.array(STYLES["sweet white"])
new = MixedModalData([note(sweet)], measured(sweet)[None], names=("note", "lab"))
print(pipe.predict(new))
