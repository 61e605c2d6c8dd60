"""
A catalogue: sentence embeddings beside image features
======================================================

Two shops are to become one catalogue. One has descriptions without photos, the other photos without
descriptions. Both are embedded first: the sentences by WordLlama, a small static model whose wheel
holds its weights (``pip install wordllama``), the photos by some image network. The products and
the features of their photos are made up here; the sentences are embedded in earnest.
"""

# %%
# A made catalogue
# ----------------
# A product has features, of which the one shop writes and which the other shows. A description is
# a word and two phrases for each feature; now and then one is left out or does not belong. Four of
# the six kinds have the same word. The kinds were chosen so that some have much in common and
# others little, in both shops, and of several such sets this is one whose true matching stands out:
# with other kinds, such as shoes, an armchair and headphones, the matching was wrong, or right on
# some draws alone.

import logging
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from skdm2c import MixedModalClustering, MixedModalData
from skdm2c.metrics import evaluate

PHRASES = {
    "mesh": ("breathable mesh", "light knitted fabric", "airy textile"),
    "leather": ("genuine leather", "full-grain leather", "brown leather, easy to clean"),
    "rain": ("waterproof in rain and mud", "for mountain trails", "weatherproof outdoors"),
    "seat": ("comfortable to sit on", "with backrest and armrests", "a seat for long evenings"),
    "soft": ("softly padded", "plush foam cushioning", "soft upholstery"),
    "wood": ("oak legs", "solid wood", "walnut frame"),
}
FEATURES = list(PHRASES)
KINDS = {
    "leather bag": "Bag: leather soft",
    "leather jacket": "Jacket: leather rain",
    "armchair": "Chair: seat leather soft wood",
    "kitchen chair": "Chair: seat wood",
    "office chair": "Chair: seat soft mesh",
    "garden chair": "Chair: seat wood rain",
}
rng = np.random.RandomState(0)
expected = np.array([[f in kind for f in FEATURES] for kind in KINDS.values()], dtype=float)


def described(kind):
    """A word, and two phrases for each feature, in any order."""
    first = list(KINDS.values())[kind].split(":")[0]
    said = []
    for feature in np.flatnonzero(rng.rand(len(FEATURES)) < np.clip(expected[kind], 0.02, 0.98)):
        said.extend(rng.choice(PHRASES[FEATURES[feature]], 2, replace=False))
    return f"{first}: {', '.join(rng.permutation(said))}."


kind_text, kind_photo = rng.randint(len(KINDS), size=500), rng.randint(len(KINDS), size=400)
sentences = [described(kind) for kind in kind_text]
visible = expected[kind_photo] / np.linalg.norm(expected[kind_photo], axis=1, keepdims=True)
visible += 0.07 * rng.randn(*visible.shape)
turned = np.linalg.qr(rng.randn(64, len(FEATURES)))[0]
photos = visible @ turned.T + 0.05 * rng.randn(400, 64)
print("\n".join(sentences[:3]))

# %%
# Embed
# -----
# The model and its tokenizer are read from the installed package, and nothing is downloaded. Where
# WordLlama is missing this example ends here.

try:
    import wordllama
except ImportError:
    wordllama = None
    print("WordLlama is not installed: pip install wordllama, and run this again.")

if wordllama is not None:
    logging.getLogger("skdm2c").setLevel(logging.WARNING)  # wordllama turns all logging on
    home = Path(wordllama.__file__).parent
    embedder = wordllama.WordLlama.load(cache_dir=home, disable_download=True)
    X = MixedModalData(embedder.embed(sentences), photos, names=("text", "photo"))
    print(X)

# %%
# Fit
# ---
# An embedding is a block as any other.

if wordllama is not None:
    model = MixedModalClustering(n_clusters=6, random_state=0).fit(X)
    figures = evaluate(np.append(kind_text, kind_photo), model.labels_, X.modality)
    print(f"confidence {model.alignment_confidence_:.2f}")
    print(f"ARI {figures['ari']:.2f}, gain {figures['gain']:.2f}")

# %%
# Descriptions for a photo
# ------------------------
# In the unified space a photo has sentences for neighbours, and may borrow what they say.

if wordllama is not None:
    text, photo = (model.embedding_[X.modality == name] for name in X.names)
    nearest = NearestNeighbors(n_neighbors=1).fit(text).kneighbors(photo)[1][:, 0]
    right = np.mean(kind_text[nearest] == kind_photo)
    print(f"the nearest description is of the photo's kind for {right:.0%} of the photos")
    for i in range(3):
        print(f"photo of {list(KINDS)[kind_photo[i]]} -> {sentences[nearest[i]]}")

# %%
# The catalogue on a map
# ----------------------
# Photos are outlined. Words are those that a cluster's descriptions have more often than others.

if wordllama is not None:
    words = CountVectorizer(stop_words="english", token_pattern="[a-z]{4,}")
    counts = words.fit_transform(sentences).toarray() > 0
    in_text = model.labels_[X.modality == "text"]
    points = TSNE(random_state=0).fit_transform(model.embedding_)
    colors = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
    figure, ax = plt.subplots(figsize=(9, 4.6), layout="constrained")
    for c, color in enumerate(colors):
        most = np.argsort(counts[in_text == c].mean(axis=0) - counts.mean(axis=0))[::-1][:4]
        label = ", ".join(words.get_feature_names_out()[most])
        at = (model.labels_ == c) & (X.modality == "text")
        ax.scatter(*points[at].T, color=color, s=16, alpha=0.7, lw=0, label=label)
        at = (model.labels_ == c) & (X.modality == "photo")
        ax.scatter(*points[at].T, color=color, s=18, marker="s", ec="black", lw=0.6)
    ax.set(xticks=[], yticks=[], title="descriptions (dots) and photos (squares)")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=2)
    plt.show()
