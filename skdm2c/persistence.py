"""A fitted model as one file that holds numbers and names, and nothing that could run.

The file is a safetensors file: arrays by name, and one JSON text in its metadata. A pickle of
a model is as good for oneself; from a stranger only a file that cannot run code should be
opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from ._version import __version__
from .alignment import Alignment
from .clustering.mixture import Clusters
from .clustering.scoring import ClusterProfile
from .data.container import check_names
from .data.scaling import ModalityScaler
from .estimator import MixedModalClustering, fitted_attributes
from .fitting import Fit
from .model import FittedModel
from .networks.system import system_from_arrays, system_to_arrays
from .runtime.device import device_at_hand, resolve_device
from .runtime.files import Arrays, read_arrays, write_arrays
from .settings import OBJECTS

FORMAT = 1  # of the file; it grows when that changes
LARGEST_FOUND = 1e100  # in size, of the numbers in a file: their squares are numbers too
CLUSTERS = ("origin", "projection", "means", "log_weights")


def save_model(estimator: MixedModalClustering, path: str | os.PathLike[str]) -> None:
    """Write a fitted model into one file, whole or not at all.

    The file holds the networks' weights, what checks and scales rows, the clusters, the
    matching, ``history_``, the parameters, and of the rows in the fit ``embedding_``,
    ``labels_`` and ``modality_``; not the rows themselves. A file that is there is replaced
    in one step, once the new one is written.

    Parameters
    ----------
    estimator : MixedModalClustering
        Fitted, on any device. Of a Pipeline give the last step, and keep the steps before by
        another way. Its ``checkpoint`` is not written: that is a folder of this machine.
    path : str or PathLike
        By habit it ends with ".safetensors".

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is something else.
    ValueError
        If a parameter is no plain value and so cannot be written: an aligner of one's own,
        a RandomState. If one was set since the fit to what no fit would take, or a name holds
        half a character (a lone surrogate).
    ImportError
        If safetensors is not installed.

    See Also
    --------
    load_model : Read it again.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdm2c import MixedModalClustering, load_model, save_model
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
    >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, Path(folder) / "model.safetensors")
    ...     copy = load_model(Path(folder) / "model.safetensors")
    >>> bool((copy.predict(X) == model.labels_).all())
    True
    """
    if type(estimator) is not MixedModalClustering:
        raise TypeError(
            f"save_model takes a MixedModalClustering, got {type(estimator).__name__}: give the "
            "last step of a Pipeline, or keep the whole with joblib or skops."
        )
    model = estimator._fitted_model()
    arrays, text = _written(estimator, model)
    _require_parameters(estimator, model.names)
    write_arrays(path, arrays, text)


def load_model(path: str | os.PathLike[str], *, device: str | None = None) -> MixedModalClustering:
    """Read a model that :func:`save_model` wrote; safe with files from strangers.

    No code is read from the file, and all that is read is checked: what is there, its types,
    shapes and ranges, and a checksum that tells damage. (It does not tell who wrote the file:
    a stranger's model may give any answers.)

    Parameters
    ----------
    path : str or PathLike
    device : str, default=None
        Where its networks are to be; None takes what it was fitted with, where this machine
        has that, or else the CPU.

    Returns
    -------
    MixedModalClustering
        Fitted.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no such model, damaged, or of another format.
    ImportError
        If safetensors is not installed.

    Examples
    --------
    See :func:`save_model`.
    """
    arrays, text = read_arrays(path, "model that save_model wrote", _require_format)
    try:
        found = json.loads(text, parse_constant=_refuse)
        estimator = _read(found, _Arrays(arrays))
    except (
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
        RecursionError,
        MemoryError,
    ) as error:
        raise ValueError(f"This file is damaged: {type(error).__name__}: {error}") from error
    if device is None:
        place = device_at_hand(estimator.device)
    else:
        place = resolve_device(device)
        estimator.set_params(device=device)
    estimator._model = estimator._model.to(place)
    return estimator


# --- What is written ----------------------------------------------------------------------


def _written(estimator: MixedModalClustering, model: FittedModel) -> tuple[Arrays, str]:
    system = system_to_arrays(model.system)
    arrays: Arrays = {f"weights/{name}": w for name, w in system.pop("weights").items()}
    for m, scaler in enumerate(model.scalers):
        arrays |= {f"scaler/{m}/mean": scaler.mean_, f"scaler/{m}/scale": scaler.scale_}
    for name in CLUSTERS:
        arrays[f"clusters/{name}"] = getattr(model.clusters, name)
    for m, found in model.alignments.items():
        arrays[f"alignment/{m}/partners"] = np.asarray(found.partners, dtype=np.int64)
        for name in ("mass", "cluster_confidence"):
            arrays[f"alignment/{m}/{name}"] = np.asarray(getattr(found, name), dtype=np.float64)
    for m, profile in enumerate(model.profiles):
        arrays |= {
            f"profile/{m}/{name}": getattr(profile, name) for name in ("shares", "distances")
        }
    arrays["rows/embedding"] = estimator.embedding_
    arrays["rows/labels"] = estimator.labels_.astype(np.int64)
    arrays["rows/modality"] = _codes(estimator.modality_, model.names)
    arrays["cluster_centers"] = estimator.cluster_centers_
    text = json.dumps(
        {
            "format": FORMAT,
            "version": __version__,
            "parameters": {
                name: [] if name == "callbacks" else _plain(name, value)
                for name, value in estimator.get_params(deep=False).items()
            },
            "names": model.names,
            **system,
            "scalers": [_described(scaler) for scaler in model.scalers],
            "confidence": {str(m): float(a.confidence) for m, a in model.alignments.items()},
            "p_value": {str(m): float(a.p_value) for m, a in model.alignments.items()},
            "profiles": [
                {"separation": float(p.separation), "cohesion": float(p.cohesion)}
                for p in model.profiles
            ],
            "temperatures": [float(t) for t in model.temperatures],
            "history": estimator.history_,
        },
        allow_nan=False,
        ensure_ascii=False,
    )
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}, text


def _codes(modality: Any, names: tuple[str, ...]) -> NDArray[np.int64]:
    codes = np.empty(len(modality), dtype=np.int64)
    for m, name in enumerate(names):
        codes[modality == name] = m
    return codes


def _described(scaler: ModalityScaler) -> dict[str, Any]:
    names = getattr(scaler, "feature_names_in_", None)
    return {
        "standardize": _plain("standardize", scaler.standardize),
        "scaling": scaler.scaling_,
        "feature_names": None if names is None else [str(name) for name in names],
    }


def _plain(name: str, value: Any) -> Any:
    # A parameter as JSON can hold it; sequences come back as tuples.
    if type(value) in OBJECTS.values():
        return {type(value).__name__: _plain(name, value.get_params(deep=False))}
    if isinstance(value, Mapping):
        return {str(key): _plain(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(name, item) for item in value]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, torch.device | os.PathLike):
        return str(value)
    raise ValueError(
        f"{name} is {type(value).__name__}, which is no plain value and cannot be written. What "
        f"was fitted does not need it: set_params({name}=...) to a plain value first, or keep "
        "the model with joblib."
    )


# --- What is read -------------------------------------------------------------------------


class _Arrays:
    """Arrays of a file, each taken once, with the type and shape that it must have."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = dict(arrays)

    def take(self, name: str, dtype: Any, *shape: int | None) -> NDArray[Any]:
        """Take an array; of a length that is None any will do."""
        array = self._arrays.pop(name)
        fits = array.ndim == len(shape) and all(
            wanted is None or wanted == found
            for wanted, found in zip(shape, array.shape, strict=True)
        )
        if array.dtype != dtype or not fits:
            _refuse(f"{name} is of {array.dtype} and shape {array.shape}")
        if array.dtype.kind == "f":
            largest = min(LARGEST_FOUND, float(np.finfo(array.dtype).max))
            fine = bool((np.abs(array) <= largest).all())
            _require(fine, f"{name} holds NaN, infinity or what is as good as that")
        return array

    def weights(self) -> Arrays:
        """Take what there is of weights, of whatever shapes; some of a layer are counters."""
        names = [name for name in self._arrays if name.startswith("weights/")]
        found = {name.removeprefix("weights/"): self._arrays.pop(name) for name in names}
        for name, array in found.items():
            _require(
                array.dtype == np.float32 or (array.dtype == np.int64 and array.size == 1),
                f"weights {name} are of {array.dtype}",
            )
            _require(bool(np.isfinite(array).all()), f"weights {name} hold NaN or infinity")
        return found

    def require_empty(self) -> None:
        """Refuse what nothing asked for."""
        if self._arrays:
            _refuse(f"nothing is known of {sorted(self._arrays)[0]!r}")


def _refuse(what: str) -> NoReturn:
    raise ValueError(f"This file is damaged: {what}.")


def _require(fine: bool, what: str) -> None:
    if not fine:
        _refuse(what)


def _require_format(text: str) -> None:
    try:
        found = json.loads(text)
        number, version = found["format"], found["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"This file is damaged: its description cannot be read ({error})."
        ) from error
    if type(number) is not int or number != FORMAT:
        raise ValueError(
            f"This was saved by skdm2c {version!s:.20}, in the format {number!r:.20}; skdm2c "
            f"{__version__} reads the format {FORMAT}. Load it with the version that saved it, or "
            "fit anew."
        )


def _read(found: dict[str, Any], arrays: _Arrays) -> MixedModalClustering:
    model = _read_model(found, arrays)
    k, c = model.clusters.means.shape[0], model.system.architecture.n_components
    embedding = arrays.take("rows/embedding", np.float32, None, c)
    n = len(embedding)
    labels = arrays.take("rows/labels", np.int64, n)
    codes = arrays.take("rows/modality", np.int64, n)
    centers = arrays.take("cluster_centers", np.float64, k, c)
    arrays.require_empty()
    _require(_within(labels, k), f"labels are not from 0 to {k - 1}")
    _require(_within(codes, len(model.names)), "rows are of an unknown modality")
    history = found["history"]
    _require(
        isinstance(history, list) and all(map(_is_record, history)), "its history is no records"
    )
    attributes = fitted_attributes(
        Fit(model, embedding, labels.astype(np.int32), history),
        np.array(model.names, dtype=str)[codes],
    )
    estimator = MixedModalClustering(**dict(_parameters(found["parameters"])))
    try:
        _require_parameters(estimator, model.names)
    except ValueError as error:
        _refuse(f"its parameters are none ({error})")
    # As they were where it was fitted: another machine may round otherwise.
    estimator.__dict__.update(attributes | {"cluster_centers_": centers})
    return estimator


def _within(numbers: NDArray[np.integer], n: int) -> bool:
    return not len(numbers) or bool(numbers.min() >= 0 and numbers.max() < n)


def _is_record(record: Any) -> bool:
    if not isinstance(record, dict):
        return False
    numbers = {key: value for key, value in record.items() if key not in ("phase", "modality")}
    return (
        isinstance(record.get("phase"), str)
        and isinstance(record.get("modality", ""), str)
        and {"epoch", "n_epochs", "seconds"} < set(numbers)  # and losses
        and all(_is_number(value) for value in numbers.values())
        and type(record["epoch"]) is type(record["n_epochs"]) is int
    )


def _require_parameters(estimator: MixedModalClustering, names: tuple[str, ...]) -> None:
    # All that a fit checks of them.
    estimator._validate_params()
    estimator._plan(names)


def _parameters(found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    known = MixedModalClustering._get_param_names()
    for name, value in found.items():
        _require(name in known, f"there is no parameter {name!r}")
        yield name, value if name == "n_clusters" else _parameter(value)


def _parameter(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_parameter(item) for item in value)
    if isinstance(value, dict):
        ((kind, settings),) = value.items()
        known = {made.__name__: made for made in OBJECTS.values()}
        _require(kind in known, f"no parameter is {kind!r}")
        return known[kind](**{name: _parameter(v) for name, v in settings.items()})
    return value


def _read_model(found: dict[str, Any], arrays: _Arrays) -> FittedModel:
    given, widths, hub = found["names"], found["n_features"], found["hub"]
    _require(isinstance(given, list) and len(given) > 1, "it has no modalities")
    try:
        names = check_names(given, len(given))
    except ValueError as error:
        _refuse(f"its modalities have no names ({error})")
    numbers = range(len(names))
    _require(len(widths) == len(names) and all(map(_is_size, widths)), "it has no columns")
    _require(type(hub) is int and hub in numbers, f"its hub is {hub!r}")
    weights = arrays.weights()
    architecture = _read_architecture(found["architecture"])
    layers, numbers_in_layers = _size_of(architecture, widths)
    _require(
        2 * layers <= len(weights)
        and numbers_in_layers <= sum(array.size for array in weights.values()),
        "its networks are larger than the file",
    )
    system = system_from_arrays(
        {"architecture": architecture, "n_features": widths, "hub": hub, "weights": weights}
    )
    clusters = _read_clusters(arrays, architecture["n_components"])
    k = len(clusters.means)
    spokes = [m for m in numbers if m != hub]
    aligned = found["confidence"]
    p_values = found["p_value"]
    for of_spokes in (aligned, p_values):
        complete = set(of_spokes) == ({str(m) for m in spokes} if aligned else set())
        _require(complete, "spokes are not aligned")
    temperatures = tuple(found["temperatures"])
    _require(
        len(temperatures) == len(names) and all(_is_number(t, 1.0) for t in temperatures),
        "its temperatures are no numbers of 1 or more",
    )
    return FittedModel(
        names,
        tuple(
            _read_door(arrays, m, names[m], widths[m], scaler)
            for m, scaler in zip(numbers, found["scalers"], strict=True)
        ),
        system,
        clusters,
        {
            m: _read_alignment(arrays, m, k, aligned[str(m)], p_values[str(m)])
            for m in spokes
            if aligned
        },
        tuple(
            _read_profile(arrays, m, k, profile)
            for m, profile in zip(numbers, found["profiles"], strict=True)
        ),
        temperatures,
    )


def _is_size(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_number(value: Any, least: float = -LARGEST_FOUND, most: float = LARGEST_FOUND) -> bool:
    return type(value) in (int, float) and least <= value <= most


def _read_architecture(found: dict[str, Any]) -> dict[str, Any]:
    sizes = ("autoencoder_hidden_sizes", "generator_hidden_sizes", "discriminator_hidden_sizes")
    fine = (
        set(found) == {*sizes, "n_components", "normalization", "spectral"}
        and _is_size(found["n_components"])
        and all(isinstance(found[name], list) and all(map(_is_size, found[name])) for name in sizes)
        and found["normalization"] in ("batch", "layer", "none")
        and isinstance(found["spectral"], bool)
    )
    _require(fine, "its networks cannot be built")
    return found | {name: tuple(found[name]) for name in sizes}


def _size_of(architecture: dict[str, Any], widths: list[int]) -> tuple[int, int]:
    # Linear layers, and weights and biases in them. So that a short file cannot ask for more
    # time and memory than one that holds its networks.
    c, m = architecture["n_components"], len(widths)
    there = [[d, *architecture["autoencoder_hidden_sizes"], c] for d in widths]
    there += [[c, *architecture["generator_hidden_sizes"]]] * (2 * m - 2)
    chains = there + [chain[::-1] for chain in there]
    chains += [[c, *architecture["discriminator_hidden_sizes"], 1]] * m
    return (
        sum(len(chain) - 1 for chain in chains),
        sum(a * b + b for chain in chains for a, b in pairwise(chain)),
    )


def _read_clusters(arrays: _Arrays, c: int) -> Clusters:
    means = arrays.take("clusters/means", np.float64, None, None)
    k, p = means.shape
    _require(k > 0, "it has no clusters")
    return Clusters(
        arrays.take("clusters/origin", np.float64, c),
        arrays.take("clusters/projection", np.float64, c, p),
        means,
        arrays.take("clusters/log_weights", np.float64, k),
    )


def _read_door(
    arrays: _Arrays, m: int, name: str, width: int, found: dict[str, Any]
) -> ModalityScaler:
    standardize, scaling, columns = (
        found[key] for key in ("standardize", "scaling", "feature_names")
    )
    _require(
        standardize == "auto" or isinstance(standardize, bool), f"{name!r}: cannot be standardised"
    )
    _require(scaling in ("columns", "block", "none"), f"{name!r}: its scale is unknown")
    scaler = ModalityScaler(name, standardize)
    scaler.mean_ = arrays.take(f"scaler/{m}/mean", np.float64, width)
    scaler.scale_ = arrays.take(f"scaler/{m}/scale", np.float64, width)
    _require(bool((scaler.scale_ > 0).all()), f"{name!r}: a scale is not above 0")
    scaler.scaling_, scaler.n_features_in_ = scaling, width
    if columns is not None:
        _require(
            isinstance(columns, list)
            and len(columns) == width
            and all(isinstance(column, str) for column in columns),
            f"{name!r}: its columns have no names",
        )
        scaler.feature_names_in_ = np.array(columns, dtype=object)
    return scaler


def _read_alignment(arrays: _Arrays, m: int, k: int, confidence: Any, p_value: Any) -> Alignment:
    partners = arrays.take(f"alignment/{m}/partners", np.int64, k)
    _require(sorted(partners.tolist()) == list(range(k)), "clusters are not matched one to one")
    _require(_is_number(confidence, 0.0, 1.0), "a confidence is not in [0, 1]")
    _require(_is_number(p_value, 0.0, 1.0), "a p-value is not in [0, 1]")
    return Alignment(
        partners.astype(np.intp),
        arrays.take(f"alignment/{m}/mass", np.float64, k, k),
        confidence,
        arrays.take(f"alignment/{m}/cluster_confidence", np.float64, k),
        p_value,
    )


def _read_profile(arrays: _Arrays, m: int, k: int, found: dict[str, Any]) -> ClusterProfile:
    fine = all(_is_number(found[name], -1.0, 1.0) for name in ("separation", "cohesion"))
    _require(fine, "a profile is no number in [-1, 1]")
    return ClusterProfile(
        found["separation"],
        found["cohesion"],
        arrays.take(f"profile/{m}/shares", np.float64, k),
        arrays.take(f"profile/{m}/distances", np.float64, k, k),
    )
