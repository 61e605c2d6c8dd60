"""What a model found, written into the objects of single-cell analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .data import MixedModalData
from .data.readers import split_mudata


def write_results(
    model: Any,
    mdata: Any,
    *,
    key_added: str = "skdm2c",
    representation: Mapping[str, str] | None = None,
) -> None:
    """Write labels, probabilities and the unified space into a MuData, or into AnnData objects.

    Every modality's own table gets, in the order of its rows and for key "skdm2c":

    - ``obs["skdm2c"]``: the cluster, as a category
    - ``obs["skdm2c_probability"]``: the probability of that cluster, see ``predict_proba``
    - ``obs["skdm2c_confidence"]``: how far to trust that the cluster is the same one in
      the other modalities, see ``cluster_confidence_``
    - ``obsm["X_skdm2c"]``: the rows in the unified space, for ``sc.pp.neighbors`` and UMAP
    - ``obsm["skdm2c_probabilities"]``: the probabilities of all clusters
    - ``uns["skdm2c"]``: ``alignment_confidence`` and ``unified_modality``

    What stands there under the same names is replaced, the rest is left as it is.

    Parameters
    ----------
    model : MixedModalClustering, or Pipeline that ends with one
        Fitted.
    mdata : mudata.MuData, or mapping of str to AnnData
        Modalities under the names that the model knows; other modalities are left alone. An
        observation name may stand in several modalities: each has its own answer.
    key_added : str, default="skdm2c"
    representation : mapping of str to str, default=None
        As in :meth:`MixedModalData.from_mudata`.

    Raises
    ------
    ValueError
        If none of the modalities is known, or their columns are not those fitted.

    Examples
    --------
    >>> from types import SimpleNamespace  # stands for AnnData here
    >>> from skdm2c import MixedModalClustering, write_results
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
    >>> assays = {
    ...     name: SimpleNamespace(X=block, obs_names=range(100), obs={}, obsm={}, uns={},
    ...                           layers={}, isbacked=False)
    ...     for name, block in X.blocks.items()
    ... }
    >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
    >>> write_results(model, assays)
    >>> assays["b"].obsm["X_skdm2c"].shape
    (100, 32)
    """
    import pandas as pd  # which AnnData brings

    estimator = model[-1] if hasattr(model, "steps") else model
    names = estimator.modality_names_
    assays = mdata if isinstance(mdata, Mapping) else mdata.mod
    there = [name for name in names if name in assays]
    if not there:
        raise ValueError(f"The modalities were {names} in fit; there are {tuple(assays)} here.")
    chosen = {name: key for name, key in (representation or {}).items() if name in there}
    blocks, _ = split_mudata(mdata, there, chosen)
    clusters = [str(c) for c in range(len(estimator.cluster_centers_))]
    for name in there:
        adata = assays[name]
        if len(adata.obs_names) == 0:
            continue
        X = MixedModalData(*[blocks[m] if m == name else None for m in names], names=names)
        probabilities = model.predict_proba(X)
        labels = probabilities.argmax(axis=1)
        adata.obs[key_added] = pd.Categorical(labels.astype(str), clusters)
        adata.obs[f"{key_added}_probability"] = probabilities.max(axis=1)
        adata.obs[f"{key_added}_confidence"] = estimator.cluster_confidence_[labels]
        adata.obsm[f"X_{key_added}"] = np.asarray(model.transform(X))
        adata.obsm[f"{key_added}_probabilities"] = probabilities
        adata.uns[key_added] = {
            "alignment_confidence": estimator.alignment_confidence_,
            "unified_modality": estimator.unified_modality_,
        }
