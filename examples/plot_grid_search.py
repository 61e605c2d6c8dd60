"""
Model selection
===============

:func:`~skdm2c.select_n_clusters` selects the number of clusters, and the searches of
scikit-learn everything else. Neither needs labels. Run by itself, in about two minutes::

    python examples/plot_grid_search.py
"""

import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdm2c import (
    AdversarialTraining,
    AlignmentWarning,
    MixedModalClustering,
    ModalityKFold,
    PerModality,
    select_n_clusters,
)
from skdm2c.alignment import GeometricAlignment
from skdm2c.datasets import drop_pairing, load_handwritten

mpl.use("Agg")
import matplotlib.pyplot as plt

warnings.simplefilter("ignore", AlignmentWarning)  # small folds are hard to align

# %%
# The number of clusters
# ----------------------
#
# The data are handwritten digits in two views, without pairs. Each number of clusters is scored on
# the rows that it was fitted to, so that all rows take part. Scores of held-out rows favour too few
# clusters when a fold has only a few hundred rows.

views, y = load_handwritten()
X, _ = drop_pairing(views, y, random_state=0)
model = MixedModalClustering(random_state=0)
selection = select_n_clusters(model, X, range(6, 15, 2), n_jobs=2)
print(selection)

figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(selection.n_clusters, selection.scores, "o-", color="#0072B2", lw=2)
ax.axvline(selection.best, color="#999999", ls="--", label=f"best: {selection.best}")
ax.set(xlabel="number of clusters", ylabel="score, without labels", title="Handwritten digits")
ax.legend(frameon=False)
figure.savefig(Path("grid_search.png"), dpi=110)

# %%
# Other parameters
# ----------------
#
# Scikit-learn's searches take the container as ``X``. ``ModalityKFold`` keeps the proportions of
# the modalities in every fold. A quarter of the rows, short phases and few matchings keep the many
# fits of this page short.

X, y = drop_pairing({name: view[::4] for name, view in views.items()}, y[::4], random_state=0)
quick = MixedModalClustering(
    n_clusters=10,
    pretrain_epochs=15,
    alignment_epochs=40,
    adversarial=AdversarialTraining(epochs=2),
    alignment=GeometricAlignment(
        kinds=(("geodesic", "cosine"), ("local",)), scalings=("block", "unit"), n_matches=3
    ),
    random_state=0,
)
grid = {"n_components": [2, 10]}
search = GridSearchCV(quick, grid, cv=ModalityKFold(3), n_jobs=2).fit(X)
for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{params}: {score:.3f}")
print(f"ARI of the best, refitted: {adjusted_rand_score(y, search.predict(X)):.2f}")

# %%
# A search with successive halving draws the rows of its early rounds from each fold.

halving = HalvingGridSearchCV(
    quick, grid, cv=ModalityKFold(2), min_resources=250, random_state=0
).fit(X)
print("halving:", halving.best_params_)

# %%
# A Pipeline is searched and cross-validated in the same way.

pipe = make_pipeline(PerModality(fac=StandardScaler(), pix=StandardScaler()), quick)
print("Pipeline:", np.round(cross_val_score(pipe, X, cv=ModalityKFold(3)), 2))
