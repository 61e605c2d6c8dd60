"""What a fit is of: data, parameters, versions. By this a checkpoint knows its own fit again."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np
import scipy
import sklearn
import torch
from sklearn.base import BaseEstimator

from .._version import __version__
from ..data.prepared import PreparedData
from ..data.rows import rows_per_chunk
from .checkpoint import Checkpoint

CHANGES_NOTHING = {"n_jobs", "verbose"}
DIGITS = 12  # of a checksum


def fit_fingerprint(
    data: PreparedData,
    parameters: Mapping[str, Any],
    seeds: tuple[int, ...],
    device: torch.device,
) -> dict[str, str]:
    """Tell a fit from others that would come to another result.

    Parameters
    ----------
    data : PreparedData
    parameters : mapping of str to object
        Of the estimator.
    seeds : tuple of int
        That were drawn for it. Without a ``random_state`` they do not tell fits apart.
    device : torch.device

    Returns
    -------
    dict of str to str

    Raises
    ------
    ValueError
        If a parameter is an object of which nobody can tell whether it is the same.
    """
    given = {
        name: _spelled(name, value)
        for name, value in parameters.items()
        if name not in CHANGES_NOTHING
    }
    given["device"] = device.type
    random_state = parameters["random_state"]
    if random_state is not None and not isinstance(random_state, Integral):
        given["random_state"] = f"{type(random_state).__name__}, drawn {seeds}"
    libraries = {"torch": torch, "numpy": np, "scipy": scipy, "scikit-learn": sklearn}
    versions = {name: str(library.__version__) for name, library in libraries.items()}
    return {**_of_data(data), **given, "skdm2c": __version__, **versions}


def _of_data(data: PreparedData) -> dict[str, str]:
    found = {}
    for scaler, x in zip(data.scalers, data.rows, strict=True):
        seen = sha256(np.concatenate([scaler.mean_, scaler.scale_]).tobytes())
        size = rows_per_chunk(x.shape[1])
        for start in range(0, len(x), size):
            seen.update(np.ascontiguousarray(x[start : start + size]).data)
        names = getattr(scaler, "feature_names_in_", None)
        about = f"{len(x)} x {x.shape[1]}, {seen.hexdigest()[:DIGITS]}"
        if names is not None:
            about += f", names {joblib.hash([str(name) for name in names])[:DIGITS]}"
        found[f"modality {scaler.name!r}"] = about
    order = sha256(data.codes.astype(np.int64).tobytes()).hexdigest()[:DIGITS]
    pairs = {key: known.astype(np.int64) for key, known in sorted(data.pairs.items())}
    return {**found, "order of rows": order, "known pairs": joblib.hash(pairs)[:DIGITS]}


def _spelled(name: str, value: Any) -> str:
    # Alike for what is alike: 3 and np.int64(3), (256,) and [256].
    if value is None or isinstance(value, str | bool | np.bool_):
        return repr(bool(value) if isinstance(value, np.bool_) else value)
    if isinstance(value, Integral):
        return repr(int(value))
    if isinstance(value, Real):
        return repr(float(value)).removesuffix(".0")  # 1 and 1.0 are the same weight
    if isinstance(value, list | tuple | np.ndarray):
        value = [item for item in value if not isinstance(item, Checkpoint)]  # changes nothing
        return f"({', '.join(_spelled(name, item) for item in value)})"
    if isinstance(value, Mapping):
        items = sorted((repr(key), _spelled(name, item)) for key, item in value.items())
        return f"{{{', '.join(f'{key}: {item}' for key, item in items)}}}"
    if isinstance(value, torch.device):
        return repr(str(value))
    if isinstance(value, BaseEstimator):
        return f"{type(value).__name__}{_spelled(name, value.get_params(deep=False))}"
    try:
        content = joblib.hash(value)
    except Exception as error:  # a class may raise what it likes when it is pickled
        raise ValueError(
            f"Checkpoint cannot tell this {name}, a {type(value).__name__}, from others, as it "
            f"cannot be pickled ({error}). Give one that can, or fit without a Checkpoint."
        ) from error
    return f"{type(value).__name__} {content[:DIGITS]}"
