"""
Searches as people type them
============================

The estimator in scikit-learn's own tools, without labels. Run by itself::

    python examples/plot_grid_search.py

Every search below runs with scikit-learn's own defaults unless the line says otherwise. With
few rows in a fold, scores of rows held out favour few clusters; select_n_clusters at the end
scores the rows that were fitted, and draws its curve to grid_search.png.
"""

import time
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    ShuffleSplit,
    cross_val_score,
    cross_validate,
)
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

# A quarter of the digits and short phases, so that the whole script takes two minutes at most.
views, y = load_handwritten()
X, y = drop_pairing({n: v[::4] for n, v in views.items()}, y[::4], random_state=0)
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
pipe = make_pipeline(PerModality(fac=StandardScaler(), pix=StandardScaler()), quick)
few = {"n_clusters": [8, 10]}


def main():
    warnings.simplefilter("ignore", AlignmentWarning)  # small folds are hard to align
    searches = {
        "GridSearchCV": GridSearchCV(quick, few),
        "GridSearchCV, cv=3, two jobs": GridSearchCV(quick, few, cv=3, n_jobs=2),
        "GridSearchCV, ModalityKFold": GridSearchCV(quick, few, cv=ModalityKFold(3)),
        "RandomizedSearchCV, ShuffleSplit": RandomizedSearchCV(
            quick, few, n_iter=2, cv=ShuffleSplit(3, random_state=0), random_state=0
        ),
        "HalvingGridSearchCV": HalvingGridSearchCV(
            quick, few, cv=ModalityKFold(2), min_resources=250, random_state=0
        ),
        "GridSearchCV of a Pipeline": GridSearchCV(
            pipe, {"mixedmodalclustering__n_clusters": [8, 10]}, cv=3
        ),
    }
    for name, search in searches.items():
        start = time.perf_counter()
        search.fit(X)
        scores = search.cv_results_["mean_test_score"]
        assert np.isfinite(scores).all()
        ari = adjusted_rand_score(y, search.predict(X))
        print(
            f"{name}: scores {np.round(scores, 2)}, best {search.best_params_}, "
            f"ARI of the refitted {ari:.2f}, {time.perf_counter() - start:.0f} s"
        )
    print(f"cross_val_score: {np.round(cross_val_score(quick, X, cv=3), 2)}")
    print(f"cross_validate, Pipeline: {np.round(cross_validate(pipe, X, cv=3)['test_score'], 2)}")

    found = select_n_clusters(quick, X, range(6, 15, 2), n_jobs=2)
    print(found)
    figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
    ax.plot(found.n_clusters, found.scores, "o-", color="#0072B2", lw=2)
    ax.axvline(found.best, color="#999999", ls="--", label=f"best: {found.best}")
    ax.set(xlabel="n_clusters", ylabel="label-free score", title="Digits, by select_n_clusters")
    ax.legend(frameon=False)
    figure.savefig(Path("grid_search.png"), dpi=110)


if __name__ == "__main__":
    main()
