"""Fingerprints of data, parameters and versions, by which a checkpoint identifies its fit."""

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

IGNORED_PARAMETERS = {"memory", "n_jobs", "verbose"}  # the result does not depend on them
N_DIGITS = 12  # of each checksum


def fit_fingerprint(
    data: PreparedData,
    parameters: Mapping[str, Any],
    seeds: tuple[int, ...],
    device: torch.device,
) -> dict[str, str]:
    """Return a description of all that the result of a fit depends on, by name.

    ``seeds`` count only if ``random_state`` is a random generator. Raises ValueError if a
    parameter is an object that cannot be pickled.
    """
    described = {
        name: _description(name, value)
        for name, value in parameters.items()
        if name not in IGNORED_PARAMETERS
    }
    described["device"] = device.type
    random_state = parameters["random_state"]
    if random_state is not None and not isinstance(random_state, Integral):
        described["random_state"] = f"{type(random_state).__name__}, drawn {seeds}"
    rows = {f"modality {name!r}": text for name, text in describe_rows(data).items()}
    return {**rows, **_describe_order(data), **described, **versions()}


def versions() -> dict[str, str]:
    """Return the versions of the libraries whose numerical results a fit depends on."""
    libraries = {"torch": torch, "numpy": np, "scipy": scipy, "scikit-learn": sklearn}
    by_name = {name: str(library.__version__) for name, library in libraries.items()}
    return {"skdm2c": __version__, **by_name}


def describe_rows(data: PreparedData) -> dict[str, str]:
    """Return the shape and a checksum of the rows of each modality, by its name."""
    descriptions = {}
    for scaler, x in zip(data.scalers, data.rows, strict=True):
        checksum = sha256(np.concatenate([scaler.mean_, scaler.scale_]).tobytes())
        size = rows_per_chunk(x.shape[1])
        for start in range(0, len(x), size):
            checksum.update(np.ascontiguousarray(x[start : start + size]).data)
        names = getattr(scaler, "feature_names_in_", None)
        description = f"{len(x)} x {x.shape[1]}, {checksum.hexdigest()[:N_DIGITS]}"
        if names is not None:
            description += f", names {joblib.hash([str(name) for name in names])[:N_DIGITS]}"
        descriptions[scaler.name] = description
    return descriptions


def _describe_order(data: PreparedData) -> dict[str, str]:
    order = sha256(data.codes.astype(np.int64).tobytes()).hexdigest()[:N_DIGITS]
    pairs = {key: rows.astype(np.int64) for key, rows in sorted(data.pairs.items())}
    return {"order of rows": order, "known pairs": joblib.hash(pairs)[:N_DIGITS]}


def _description(name: str, value: Any) -> str:
    # Equal for equal parameters of different types: 3 and np.int64(3), (256,) and [256].
    if value is None or isinstance(value, str | bool | np.bool_):
        return repr(bool(value) if isinstance(value, np.bool_) else value)
    if isinstance(value, Integral):
        return repr(int(value))
    if isinstance(value, Real):
        return repr(float(value)).removesuffix(".0")  # 1 and 1.0 are equal
    if isinstance(value, list | tuple | np.ndarray):
        # A checkpoint among the callbacks does not change the result.
        value = [item for item in value if not isinstance(item, Checkpoint)]
        return f"({', '.join(_description(name, item) for item in value)})"
    if isinstance(value, Mapping):
        items = sorted((repr(key), _description(name, item)) for key, item in value.items())
        return f"{{{', '.join(f'{key}: {item}' for key, item in items)}}}"
    if isinstance(value, torch.device):
        return repr(str(value))
    if isinstance(value, BaseEstimator):
        return f"{type(value).__name__}{_description(name, value.get_params(deep=False))}"
    try:
        content = joblib.hash(value)
    except Exception as error:  # pickling an object may raise anything
        raise ValueError(
            f"Checkpoint cannot identify {name} (a {type(value).__name__}), because it cannot be "
            f"pickled ({error}). Pass an object that can be pickled, or fit without a Checkpoint."
        ) from error
    return f"{type(value).__name__} {content[:N_DIGITS]}"
