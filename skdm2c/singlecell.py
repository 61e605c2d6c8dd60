"""Write the results of a model into MuData and AnnData objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from .data import MixedModalData, is_mudata
from .data.blocks import is_anndata
from .data.readers import assays_of, shared_rows, split_mudata


def write_results(
    model: Any,
    mdata: Any,
    *,
    key_added: str = "skdm2c",
    representation: Mapping[str, str] | None = None,
    pair_shared_names: bool | None = None,
    modality: str | None = None,
    features: str | Mapping[str, Any] | None = None,
) -> None:
    """Write labels, probabilities and the unified space into a MuData or AnnData objects.

    With the default ``key_added``, these entries are added to the AnnData of each
    modality, or to the one AnnData of all:

    - ``obs["skdm2c"]``: cluster of each row, as a categorical: ``labels_`` for the rows of
      the fit
    - ``obs["skdm2c_probability"]``: probability of that cluster, see ``predict_proba``
    - ``obs["skdm2c_confidence"]``: confidence that the cluster is matched correctly
      with those of the other modalities, see ``cluster_confidence_``
    - ``obsm["X_skdm2c"]``: rows in the unified space, for example for
      ``sc.pp.neighbors`` and UMAP
    - ``obsm["skdm2c_probabilities"]``: probabilities of all clusters
    - ``uns["skdm2c"]``: ``alignment_confidence`` and ``unified_modality``

    Entries with the same names are replaced. All others are left unchanged.

    Parameters
    ----------
    model : MixedModalClustering, or Pipeline that ends with one
        Fitted model.
    mdata : mudata.MuData, mapping of str to AnnData, or AnnData
        Objects to write to, by names of modalities of the model. Other modalities
        are left unchanged. One AnnData with the rows of several modalities needs
        ``modality``.
    key_added : str, default="skdm2c"
        Name of the entries, or part of it.
    representation : mapping of str to str, default=None
        Key of ``obsm`` or ``layers`` to read a modality from, as in
        :meth:`MixedModalData.from_mudata`. By default it is that of the fit.
    pair_shared_names : bool, default=None
        Whether rows with the same observation name are one instance and get one
        label. By default it is as in the fit.
    modality : str, default=None
        Column of ``obs`` of one AnnData that holds the modality of each row.
    features : str or mapping of str to sequence of str, default=None
        Variables of each modality in one AnnData, as in
        :meth:`MixedModalData.from_anndata`. By default they are those of the fit.

    Raises
    ------
    ValueError
        If the model or ``key_added`` is invalid, if ``mdata`` has none of the
        modalities, if ``representation`` names an unknown one, or if columns differ
        from those in ``fit``. Nothing is written in these cases.

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
    import pandas as pd  # optional, but a dependency of anndata

    if not isinstance(key_added, str) or not key_added or "/" in key_added:
        raise ValueError(f"key_added must be a name without '/', got {key_added!r}.")
    estimator = model[-1] if hasattr(model, "steps") else model
    if not hasattr(estimator, "predict_proba") or hasattr(estimator, "best_estimator_"):
        raise ValueError(
            "write_results takes a fitted MixedModalClustering, or a Pipeline that ends with one, "
            f"not a {type(model).__name__}. For a search, pass its best_estimator_."
        )
    check_is_fitted(estimator)
    reading = estimator._reading
    as_in_fit = representation is None and pair_shared_names is None
    if representation is None:
        representation = reading.representation
    names = estimator.modality_names_
    unknown = [name for name in representation if name not in names]
    if unknown:
        raise ValueError(f"representation: there is no modality {unknown[0]!r} among {names}.")
    if is_anndata(mdata) and not is_mudata(mdata):
        if modality is None:
            raise ValueError(
                "modality is missing: name the column of obs that holds each row's modality, or "
                "pass the AnnData of one modality by name: "
                f"write_results(model, {{{names[0]!r}: adata}})."
            )
        if features is None and model is estimator:
            features = {
                scaler.name: getattr(scaler, "feature_names_in_", None)
                for scaler in model._model.scalers
            }
        X = MixedModalData.from_anndata(
            mdata, modality=modality, names=names, features=features, representation=representation
        )
        targets = [(mdata, np.arange(len(X)))]
    else:
        paired = reading.pair_shared_names if pair_shared_names is None else pair_shared_names
        X, targets = _of_assays(mdata, names, representation, paired)
    probabilities, embedding = model.predict_proba(X), np.asarray(model.transform(X))
    # The same rows have the labels of the fit, also where it alone knew of pairs.
    of_fit = (
        as_in_fit
        and np.array_equal(X.modality, estimator.modality_)
        and np.allclose(embedding, estimator.embedding_, rtol=0, atol=1e-4)
    )
    labels = estimator.labels_ if of_fit else probabilities.argmax(axis=1)
    clusters = [str(c) for c in range(len(estimator.cluster_centers_))]
    for adata, rows in targets:
        adata.obs[key_added] = pd.Categorical(labels[rows].astype(str), clusters)
        adata.obs[f"{key_added}_probability"] = probabilities[rows, labels[rows]]
        adata.obs[f"{key_added}_confidence"] = estimator.cluster_confidence_[labels[rows]]
        adata.obsm[f"X_{key_added}"] = embedding[rows]
        adata.obsm[f"{key_added}_probabilities"] = probabilities[rows]
        adata.uns[key_added] = {
            "alignment_confidence": estimator.alignment_confidence_,
            "unified_modality": estimator.unified_modality_,
        }


Targets = list[tuple[Any, NDArray[np.intp]]]  # each AnnData, with the numbers of its rows


def _of_assays(
    mdata: Any, names: tuple[str, ...], representation: Mapping[str, str], paired: bool
) -> tuple[MixedModalData, Targets]:
    if not (isinstance(mdata, Mapping) or is_mudata(mdata)):
        raise ValueError(
            f"write_results takes a MuData, a mapping of names to AnnData or an AnnData, not a "
            f"{type(mdata).__name__}: write_results(model, {{{names[0]!r}: adata}})."
        )
    assays = assays_of(mdata)
    present = [name for name in names if name in assays]
    if not present:
        raise ValueError(f"The modalities were {names} in fit; there are {tuple(assays)} here.")
    for name in present:
        if not hasattr(assays[name], "obs_names"):
            raise ValueError(
                f"Modality {name!r} is a {type(assays[name]).__name__}, but results can only be "
                "written to an AnnData."
            )
    keys = {name: key for name, key in representation.items() if name in present}
    blocks = split_mudata(mdata, present, keys)
    pairs = shared_rows(mdata, present) if paired else None
    X = MixedModalData(*[blocks.get(name) for name in names], names=names, pairs=pairs)
    return X, [(assays[name], np.flatnonzero(X.modality == name)) for name in present]
