"""
Single cells: RNA of some, ATAC of others
=========================================

Two assays of one tissue: expression of some cells, open chromatin of others, no cell in both. They
come as a MuData, and what is found goes back into it. The counts are made up, so that the types are
known; the names of the genes are those of real markers.
"""

# %%
# Made counts
# -----------
# Six types differ in five programmes. A gene follows one of them, and so do the two peaks beside
# it; other peaks follow any. Depth varies from cell to cell, and the two samples differ in their
# composition. The types were chosen to lie at different distances: CD4 and CD8 T cells near each
# other, monocytes far away. With B cells about as far from T cells as monocytes are, one draw of
# four had the two swapped.

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from mudata import MuData
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer

from skdm2c import MixedModalClustering, MixedModalData, write_results
from skdm2c.metrics import evaluate

TYPES = {  # lymphoid, killer, B, myeloid, antigen
    "CD4 T": (1.0, 0.0, 0.0, 0.0, 0.0),
    "CD8 T": (1.0, 0.7, 0.0, 0.0, 0.0),
    "NK": (0.2, 1.2, 0.0, 0.0, 0.0),
    "B": (0.7, 0.0, 1.2, 0.0, 0.6),
    "monocyte": (0.0, 0.0, 0.0, 1.8, 0.3),
    "dendritic": (0.0, 0.0, 0.1, 1.3, 1.4),
}
MARKERS = ("LTB", "NKG7", "MS4A1", "LYZ", "HLA-DRA")  # one of each programme
N_GENES, N_PEAKS = 300, 1200
rng = np.random.RandomState(0)

genes = [*MARKERS, *(f"gene{i}" for i in range(5, N_GENES))]
programme_of_gene = np.append(np.arange(5), rng.randint(5, size=N_GENES - 5))
programme_of_peak = np.append(
    np.repeat(programme_of_gene, 2), rng.randint(5, size=N_PEAKS - 2 * N_GENES)
)


def cells(n, shares):
    """Types of n cells, how far each runs each programme, and how deeply it was read."""
    types = rng.choice(len(TYPES), size=n, p=shares)
    programmes = np.array(list(TYPES.values()))[types] + 0.12 * rng.randn(n, 5)
    return types, programmes, np.exp(0.3 * rng.randn(n, 1))


types_rna, programmes, depth = cells(600, [0.3, 0.2, 0.1, 0.15, 0.15, 0.1])
rates = np.exp(2 * programmes[:, programme_of_gene] + 0.7 * rng.randn(N_GENES) - 1)
rates[:, : len(MARKERS)] *= 2
counts = rng.poisson(depth * rates)

types_atac, programmes, depth = cells(500, [0.25, 0.2, 0.15, 0.2, 0.1, 0.1])
reach = np.exp(1.5 * programmes[:, programme_of_peak] + 0.5 * rng.randn(N_PEAKS) - 2.5)
peaks = rng.rand(500, N_PEAKS) < 1 - np.exp(-depth * reach)

rna = AnnData(csr_matrix(counts.astype(np.float32)), var=pd.DataFrame(index=genes))
atac = AnnData(csr_matrix(peaks.astype(np.float32)))
rna.obs_names, atac.obs_names = rna.obs_names + "-rna", atac.obs_names + "-atac"
print(f"{(counts > 0).mean():.0%} of the counts are above 0, {peaks.mean():.0%} of the peaks open")

# %%
# Components
# ----------
# What one would use for neighbours: principal components of log-normalised expression, and LSI of
# the peaks without its first component, which is depth.

total = counts.sum(axis=1, keepdims=True)
normalized = np.log1p(counts / total * np.median(total))
rna.obsm["X_pca"] = PCA(20, random_state=0).fit_transform(normalized)
lsi = TruncatedSVD(21, random_state=0).fit_transform(TfidfTransformer().fit_transform(atac.X))
atac.obsm["X_lsi"] = lsi[:, 1:]
with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # of MuData's own next version
    mdata = MuData({"rna": rna, "atac": atac})

# %%
# Fit, and write back
# -------------------
# Each assay's table gets the cluster of its cells, its probability, the confidence of the matching
# and the unified space, ready for ``sc.pp.neighbors(..., use_rep="X_skdm2c")``.

representation = {"rna": "X_pca", "atac": "X_lsi"}
X = MixedModalData.from_mudata(mdata, representation=representation)
print(X)
model = MixedModalClustering(n_clusters=6, random_state=0).fit(X)
write_results(model, mdata, representation=representation)
print(mdata["atac"].obs.head(3))
print(mdata["rna"].uns["skdm2c"], mdata["rna"].obsm["X_skdm2c"].shape)

# %%
# Check with markers
# ------------------
# With real cells this is the check that counts. If a cluster's RNA cells express a gene, its ATAC
# cells should be open beside that gene. Each panel is made from its own cells alone; size and
# colour are a cluster's mean, by the greatest of its column.

cluster_rna, cluster_atac = (mdata[name].obs["skdm2c"].astype(int) for name in ("rna", "atac"))
near = peaks[:, : 2 * len(MARKERS)].reshape(500, len(MARKERS), 2).mean(axis=2)
expressed = np.array([normalized[cluster_rna == c, :5].mean(axis=0) for c in range(6)])
opened = np.array([near[cluster_atac == c].mean(axis=0) for c in range(6)])

figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.8), layout="constrained", sharey=True)
panels = (expressed, "RNA: expression", "Reds"), (opened, "ATAC: open peaks beside", "Blues")
column, row = np.meshgrid(np.arange(5), np.arange(6))
for ax, (means, title, cmap) in zip(axes, panels, strict=True):
    shares = means / means.max(axis=0)
    ax.scatter(column, row, s=20 + 330 * shares, c=shares, cmap=cmap, vmin=0, vmax=1, ec="0.4")
    ax.set(title=title, xlim=(-0.6, 4.6), ylim=(5.6, -0.6), yticks=range(6))
    ax.set_xticks(range(5), MARKERS, rotation=30, ha="right")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("cluster")
plt.show()
agree = np.corrcoef(
    (expressed / expressed.max(axis=0)).ravel(), (opened / opened.max(axis=0)).ravel()
)
print(f"correlation of the two panels {agree[0, 1]:.2f}")

# %%
# With the types, which no fit has seen
# -------------------------------------
# Columns are clusters, rows types.

figures = evaluate(np.append(types_rna, types_atac), model.labels_, X.modality)
print(
    f"confidence {model.alignment_confidence_:.2f}, "
    f"ARI {figures['ari']:.2f}, gain {figures['gain']:.2f}"
)
names = np.array(list(TYPES))
for assay, types, found in (("RNA", types_rna, cluster_rna), ("ATAC", types_atac, cluster_atac)):
    print(pd.crosstab(pd.Series(names[types], name=assay), found.to_numpy(), colnames=["cluster"]))
