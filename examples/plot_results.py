"""
See it, keep it, show it to a colleague
=======================================

Pictures, a report, a file without code. Run by itself::

    python examples/plot_results.py [--quick] [--out FOLDER]

Handwritten digits, half seen as pixels and half as profile correlations. Draws the five
displays, writes report.html and model.safetensors, and predicts with the model that is read
from the file.
"""

import argparse
from pathlib import Path

import matplotlib as mpl

from skdm2c import MixedModalClustering, load_model, save_model
from skdm2c.datasets import drop_pairing, load_handwritten
from skdm2c.plotting import (
    MatchingDisplay,
    ModalityMixDisplay,
    TrainingHistoryDisplay,
    TranslationDisplay,
    UnifiedSpaceDisplay,
)

mpl.use("Agg")

QUICK = {"pretrain_epochs": 10, "alignment_epochs": 10}


def main():
    parser = argparse.ArgumentParser(description="Pictures, a report, a file without code.")
    parser.add_argument("--quick", action="store_true", help="a few rows and epochs")
    parser.add_argument("--out", type=Path, default=Path("results_output"))
    options = parser.parse_args()

    views, y = load_handwritten(("pix", "fac"))
    if options.quick:
        views, y = {name: view[::5] for name, view in views.items()}, y[::5]
    X, _ = drop_pairing(views, y, random_state=0)
    settings = QUICK if options.quick else {}
    model = MixedModalClustering(n_clusters=10, random_state=0, **settings).fit(X)

    options.out.mkdir(parents=True, exist_ok=True)
    print(model.report(options.out / "report.html"))

    displays = {
        "space_by_cluster": UnifiedSpaceDisplay.from_estimator(model, color="cluster"),
        "space_by_modality": UnifiedSpaceDisplay.from_estimator(model, projection="tsne"),
        "matching": MatchingDisplay.from_estimator(model),
        "mix": ModalityMixDisplay.from_estimator(model),
        "training": TrainingHistoryDisplay.from_estimator(model),
        # Digits of which only profile correlations were seen, as pictures of 16 x 15 pixels.
        "translation": TranslationDisplay.from_estimator(
            model, X, source="fac", target="pix", image_shape=(16, 15)
        ),
    }
    for name, display in displays.items():
        display.figure_.savefig(options.out / f"{name}.png", dpi=120)

    save_model(model, options.out / "model.safetensors")
    colleague = load_model(options.out / "model.safetensors")
    same = (colleague.predict(X) == model.labels_).all()
    print(
        f"\nPictures, report and model are in {options.out}; read again it predicts the same: {same}"
    )


if __name__ == "__main__":
    main()
