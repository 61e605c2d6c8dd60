"""How often unify_to="auto" picks the modality that k-means clusters better.

python -m benchmarks.hub
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from skdm2c.hub import best_separated

from .pairs import PAIRS, is_available, load_pair

N_SEEDS = 3


def main() -> None:
    """Print one line a pair: the picks, beside the ARI of k-means in each modality."""
    right = total = 0
    for name, pair in PAIRS.items():
        if not is_available(name):
            print(f"{name}: its file is not in the data folder (set SKDM2C_DATA); left out")
            continue
        picks, scores = [], []
        for seed in range(N_SEEDS):
            X, y = load_pair(name, seed)
            kmeans = KMeans(pair.n_clusters, n_init=10, random_state=seed)
            blocks = list(X.blocks.values())
            scores.append(
                [
                    adjusted_rand_score(y[X.codes == m], kmeans.fit_predict(block))
                    for m, block in enumerate(blocks)
                ]
            )
            picks.append(best_separated(blocks, pair.n_clusters, seed))
        hits = sum(pick == np.argmax(score) for pick, score in zip(picks, scores, strict=True))
        right, total = right + hits, total + len(picks)
        mean = np.mean(scores, axis=0)
        print(
            f"{name}: picks {[pair.views[p] for p in picks]}, k-means ARI {mean.round(2)}, {hits}"
        )
    print(f"the better modality in {right} of {total} draws")


if __name__ == "__main__":
    main()
