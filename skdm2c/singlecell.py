"""What a model found, written into the objects of single-cell analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .data import MixedModalData, is_mudata
from .data.readers import assays_of, shared_rows, split_mudata


def write_results(
    model: Any,
    mdata: Any,
    *,
    key_added: str = "skdm2c",
    representation: Mapping[str, str] | None = None,
    pair_shared_names: bool = False,
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
        Modalities under the names that the model knows; other modalities are left alone.
    key_added : str, default="skdm2c"
    representation : mapping of str to str, default=None
        As in :meth:`MixedModalData.from_mudata`.
    pair_shared_names : bool, default=False
        As in :meth:`MixedModalData.from_mudata`: rows of one name are one instance and get one
        label, as they do in ``labels_`` of a fit to such pairs. By default every row is
        assigned independently of its namesakes in other modalities.

    Raises
    ------
    ValueError
        If the model or ``key_added`` is no good, none of the modalities is known,
        ``representation`` names another, or columns are not those fitted. Nothing is written
        then.

    Examples
    --------
    >>> from anndata import AnnData
    >>> from skdm2c import MixedModalClustering, MixedModalData, write_results
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
    >>> assays = {name: AnnData(block) for name, block in X.blocks.items()}
    >>> model = MixedModalClustering(n_clusters=3, random_state=0)
    >>> model = model.fit(MixedModalData.from_mudata(assays))
    >>> write_results(model, assays)
    >>> assays["b"].obsm["X_skdm2c"].shape
    (100, 32)
    """
    import pandas as pd  # which AnnData brings

    if not isinstance(key_added, str) or not key_added or "/" in key_added:
        raise ValueError(f"key_added must be a name without '/', got {key_added!r}.")
    estimator = model[-1] if hasattr(model, "steps") else model
    if not hasattr(estimator, "predict_proba") or hasattr(estimator, "best_estimator_"):
        raise ValueError(
            "write_results takes a fitted MixedModalClustering, or a Pipeline that ends with one, "
            f"not a {type(model).__name__}; of a search its best_estimator_."
        )
    check_is_fitted(estimator)
    names = estimator.modality_names_
    if not (isinstance(mdata, Mapping) or is_mudata(mdata)):
        raise ValueError(
            f"write_results takes a MuData or a mapping of names to AnnData, not a "
            f"{type(mdata).__name__}: write_results(model, {{{names[0]!r}: adata}})."
        )
    assays = assays_of(mdata)
    there = [name for name in names if name in assays]
    if not there:
        raise ValueError(f"The modalities were {names} in fit; there are {tuple(assays)} here.")
    unknown = [name for name in representation or {} if name not in names]
    if unknown:
        raise ValueError(f"representation: there is no modality {unknown[0]!r} among {names}.")
    for name in there:
        if not hasattr(assays[name], "obs_names"):
            raise ValueError(
                f"Modality {name!r} is a {type(assays[name]).__name__}, and no AnnData to write to."
            )
    chosen = {name: key for name, key in (representation or {}).items() if name in there}
    blocks = split_mudata(mdata, there, chosen)
    pairs = shared_rows(mdata, there) if pair_shared_names else None
    X = MixedModalData(*[blocks.get(name) for name in names], names=names, pairs=pairs)
    probabilities, embedding = model.predict_proba(X), np.asarray(model.transform(X))
    clusters = [str(c) for c in range(len(estimator.cluster_centers_))]
    for name in there:
        adata, rows = assays[name], X.modality == name
        labels = probabilities[rows].argmax(axis=1)
        adata.obs[key_added] = pd.Categorical(labels.astype(str), clusters)
        adata.obs[f"{key_added}_probability"] = probabilities[rows].max(axis=1)
        adata.obs[f"{key_added}_confidence"] = estimator.cluster_confidence_[labels]
        adata.obsm[f"X_{key_added}"] = embedding[rows]
        adata.obsm[f"{key_added}_probabilities"] = probabilities[rows]
        adata.uns[key_added] = {
            "alignment_confidence": estimator.alignment_confidence_,
            "unified_modality": estimator.unified_modality_,
        }
