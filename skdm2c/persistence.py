"""A fitted model as one file that holds numbers and names, and nothing that could run.

The file is a safetensors file: arrays by name, and one JSON text in its metadata. `SCHEMA` says
which arrays there are, of which type, shape and range: files are written, read and checked by it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import permutations
from numbers import Integral, Real
from typing import Any, NamedTuple, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from ._version import __version__
from .alignment import Alignment
from .clustering.familiarity import Familiarity
from .clustering.mixture import Clusters
from .clustering.scoring import ClusterProfile
from .data.container import check_names
from .data.readers import Reading
from .data.scaling import ModalityScaler
from .estimator import MixedModalClustering, fitted_attributes
from .fitting import Fit
from .model import FittedModel
from .networks import Architecture
from .networks.system import system_from_arrays, system_to_arrays
from .runtime.device import device_at_hand, resolve_device
from .runtime.files import Arrays, printable, read_body, read_header, require, write_arrays
from .settings import OBJECTS
from .training.state import LARGEST, plain_record

FORMAT = 3  # grows when the file's layout changes
ABOVE_ZERO = float(np.nextafter(0, 1))
NOT_SAVED: dict[str, Any] = {"callbacks": [], "memory": None}  # values in a loaded model


class Field(NamedTuple):
    """Type, shape and range of an array; the shape () stands for a Python number.

    A shape holds names of sizes, such as "k" clusters. Integers stay below the size ``below``.
    """

    dtype: type[np.generic]
    shape: tuple[str, ...]
    low: float = -LARGEST
    high: float = LARGEST
    below: str = ""


# What the attributes of the parts of a model hold. "columns" are those of a modality, "latent" is
# the width of the latent spaces, "axes" that of the clusters' own space, "k" counts clusters.
SCHEMA: dict[str, dict[str, Field]] = {
    "scaler": {
        "mean_": Field(np.float64, ("columns",)),
        "scale_": Field(np.float64, ("columns",), ABOVE_ZERO),
    },
    "clusters": {
        "means": Field(np.float64, ("k", "axes")),
        "origin": Field(np.float64, ("latent",)),
        "projection": Field(np.float64, ("latent", "axes")),
        "log_weights": Field(np.float64, ("k",)),
    },
    "alignment": {
        "partners": Field(np.int64, ("k",), below="k"),
        "mass": Field(np.float64, ("k", "k"), 0),
        "confidence": Field(np.float64, (), 0, 1),
        "cluster_confidence": Field(np.float64, ("k",), 0, 1),
        "p_value": Field(np.float64, (), 0, 1),
    },
    "profile": {
        "separation": Field(np.float64, (), -1, 1),
        "cohesion": Field(np.float64, (), -1, 1),
        "shares": Field(np.float64, ("k",), 0, 1),
        "distances": Field(np.float64, ("k", "k"), 0),
    },
    "familiarity": {
        "center": Field(np.float64, ("two",)),
        "spread": Field(np.float64, ("two",), ABOVE_ZERO),
        "lowest": Field(np.float64, ("two",), high=-1),
    },
    "model": {"temperatures": Field(np.float64, ("modalities",), 1)},
    "rows": {
        "embedding_": Field(np.float32, ("n", "latent")),
        "labels_": Field(np.int64, ("n",), below="k"),
        "cluster_centers_": Field(np.float64, ("k", "latent")),
    },
    "codes": {"modality": Field(np.int64, ("n",), below="modalities")},
}
SCALARS = {name for fields in SCHEMA.values() for name, field in fields.items() if not field.shape}
KIND = "model that save_model wrote"
PHASES = ("pretraining", "alignment", "adversarial")
LOSSES = ("reconstruction", "neighbors", "transport", "cycle", "adversarial", "pairs")


def save_model(estimator: MixedModalClustering, path: str | os.PathLike[str]) -> None:
    """Write a fitted model into one file.

    The file holds the weights of the networks, the scales of the columns, the clusters and
    their matching, ``history_`` and the parameters, and the ``embedding_``, ``labels_`` and
    ``modality_`` of the rows in the fit, but not the rows themselves. An existing file is
    replaced in one step, so that an error leaves it unchanged; it keeps its mode, and
    symbolic links are followed.

    Parameters
    ----------
    estimator : MixedModalClustering
        Fitted estimator, on any device. Of a Pipeline, pass the last step and save the steps
        before it in another way. The parameters ``callbacks`` and ``memory`` are not saved.
    path : str or PathLike
        File to write, whose name usually ends with ".safetensors".

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If ``estimator`` is not a MixedModalClustering.
    ValueError
        If a parameter cannot be written, such as a custom aligner or a RandomState; if a
        parameter has become invalid since the fit; or if there are more column names than can
        be read again (16 MiB).
    OSError
        If the file cannot be written.
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
    """Read a model that :func:`save_model` wrote.

    Files from strangers are safe to read: they hold no code, and the names, types, shapes and
    ranges of everything in them are checked, as is a checksum. The checksum shows that a file is
    undamaged, not who wrote it: a stranger's model may give wrong results.

    Parameters
    ----------
    path : str or PathLike
        File to read.
    device : str, default=None
        Device of the networks. By default it is the device of the fit if this machine has it,
        and the CPU otherwise.

    Returns
    -------
    MixedModalClustering
        Fitted estimator.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file holds something else, is damaged, or has another format.
    ImportError
        If safetensors is not installed.

    Examples
    --------
    See :func:`save_model`.
    """
    header = read_header(path, KIND)
    try:
        _require_format(header.text)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)!r} cannot be read: {error}") from error
    try:
        content = json.loads(header.text, parse_constant=_refuse)
        description = _read_description(content)
        _take_parts(description, header.layout)  # before the arrays are read
        estimator = _read(content, description, read_body(path, KIND, header))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
        RecursionError,
        MemoryError,
    ) as error:
        raise ValueError(f"{os.fspath(path)!r} is damaged: {printable(error, 300)}") from error
    if device is None:
        place = device_at_hand(estimator.device)
    else:
        place = resolve_device(device)
        estimator.set_params(device=device)
    estimator._model = estimator._model.to(place)
    return estimator


# --- Writing ------------------------------------------------------------------------------


def _written(estimator: MixedModalClustering, model: FittedModel) -> tuple[Arrays, str]:
    system = system_to_arrays(model.system)
    arrays: Arrays = {f"weights/{name}": w for name, w in system.pop("weights").items()}
    for m, scaler in enumerate(model.scalers):
        arrays |= _arrays_of(f"scaler/{m}", vars(scaler))
    for m, alignment in model.alignments.items():
        arrays |= _arrays_of(f"alignment/{m}", vars(alignment))
    for m, profile in enumerate(model.profiles):
        arrays |= _arrays_of(f"profile/{m}", vars(profile))
    for m, familiarity in enumerate(model.familiarities):
        arrays |= _arrays_of(f"familiarity/{m}", vars(familiarity))
    arrays |= _arrays_of("clusters", vars(model.clusters))
    arrays |= _arrays_of("model", vars(model))
    arrays |= _arrays_of("rows", vars(estimator))
    codes = [model.names.index(name) for name in estimator.modality_]
    arrays |= _arrays_of("codes", {"modality": codes})
    text = json.dumps(
        {
            "format": FORMAT,
            "version": __version__,
            "parameters": {
                name: NOT_SAVED[name] if name in NOT_SAVED else _plain(name, value)
                for name, value in estimator.get_params(deep=False).items()
            },
            "names": model.names,
            **system,
            "scalers": [_described(scaler) for scaler in model.scalers],
            "aligned": bool(model.alignments),
            "history": [plain_record(record) for record in estimator.history_],
            "reading": {
                "representation": dict(estimator._reading.representation),
                "pair_shared_names": estimator._reading.pair_shared_names,
            },
        },
        allow_nan=False,
        ensure_ascii=False,
    )
    return arrays, text


def _arrays_of(place: str, values: Mapping[str, Any]) -> Arrays:
    fields = SCHEMA[place.partition("/")[0]]
    return {
        f"{place}/{name}": np.ascontiguousarray(values[name], dtype=field.dtype)
        for name, field in fields.items()
    }


def _described(scaler: ModalityScaler) -> dict[str, Any]:
    names = getattr(scaler, "feature_names_in_", None)
    return {
        "standardize": _plain("standardize", scaler.standardize),
        "scaling": scaler.scaling_,
        "counts": scaler.is_counts_,
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
        f"{name} is {type(value).__name__}, which is not serializable. The fitted model does not "
        f"need it: call set_params({name}=...) with a plain value first, or save the model with "
        "joblib."
    )


# --- Reading ------------------------------------------------------------------------------


class _Description(NamedTuple):
    """What the text of a file says of its model."""

    names: tuple[str, ...]
    widths: list[int]
    hub: int
    architecture: dict[str, Any]
    aligned: bool

    @property
    def places(self) -> dict[str, dict[str, int]]:
        """Sizes that are known, by the place in the schema of each array to be read."""
        modalities = range(len(self.names))
        spokes = [m for m in modalities if self.aligned and m != self.hub]
        return {
            "clusters": {"latent": self.architecture["n_components"]},
            **{f"scaler/{m}": {"columns": self.widths[m]} for m in modalities},
            **{f"alignment/{m}": {} for m in spokes},
            **{f"profile/{m}": {} for m in modalities},
            **{f"familiarity/{m}": {} for m in modalities},
            **{place: {"modalities": len(self.names)} for place in ("model", "rows", "codes")},
        }


Parts = dict[str, dict[str, Any]]  # arrays, or their layouts, by place and name


def _take_parts(description: _Description, arrays: Mapping[str, Any]) -> tuple[Parts, Any]:
    """Take arrays, or layouts of arrays, and check that their types and shapes fit together.

    Return what the schema has, and the weights of the networks. A size is bound by the first
    array that has it, and all later arrays must agree.
    """
    remaining = dict(arrays)
    weights = {
        name.removeprefix("weights/"): remaining.pop(name)
        for name in arrays
        if name.startswith("weights/")
    }
    for name, array in weights.items():
        counter = array.dtype == np.int64 and array.size == 1
        require(array.dtype == np.float32 or counter, f"weights {name} are of {array.dtype}")
    # A short file must not ask for more time and memory than one that holds its networks.
    architecture, widths = Architecture(**description.architecture), description.widths
    require(
        2 * architecture.n_layers(len(widths)) <= len(weights)
        and architecture.n_weights(widths) <= sum(array.size for array in weights.values()),
        "its networks are larger than the file",
    )
    sizes = {"one": 1, "two": 2}
    parts: Parts = {}
    for place, known in description.places.items():
        sizes |= known
        parts[place] = {}
        for name, field in SCHEMA[place.partition("/")[0]].items():
            array = remaining.pop(f"{place}/{name}")
            axes = field.shape or ("one",)
            fits = array.dtype == field.dtype and len(array.shape) == len(axes)
            fits = fits and all(
                sizes.setdefault(axis, length) == length
                for axis, length in zip(axes, array.shape, strict=True)
            )
            require(fits and array.size, f"{place}/{name} is {array.dtype} of shape {array.shape}")
            parts[place][name] = array
    if remaining:
        _refuse(f"nothing is known of {sorted(remaining)[0]!r}")
    return parts, weights


def _require_ranges(parts: Parts, weights: Arrays, n_modalities: int) -> None:
    counts = {"k": len(parts["clusters"]["means"]), "modalities": n_modalities}
    for place, values in parts.items():
        for name, field in SCHEMA[place.partition("/")[0]].items():
            array, low, high = values[name], field.low, field.high
            if array.dtype.kind == "f":
                largest = float(np.finfo(array.dtype).max)
                low, high = max(low, -largest), min(high, largest)
            if field.below:
                low, high = 0, counts[field.below] - 1
            inside = ((array >= low) & (array <= high)).all()
            require(inside, f"{place}/{name} is out of range")
    for name, array in weights.items():
        require(np.isfinite(array).all(), f"weights {name} hold NaN or infinity")


def _values(part: dict[str, Any]) -> dict[str, Any]:
    # Arrays of the shape () stand for Python numbers; safetensors has them with one axis.
    return {name: array.item() if name in SCALARS else array for name, array in part.items()}


def _refuse(what: str) -> NoReturn:
    raise ValueError(f"{what}.")


def _require_format(text: str) -> None:
    try:
        content = json.loads(text)
        number, version = content["format"], content["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"it is damaged, its description cannot be read ({printable(error, 80)})."
        ) from error
    if type(number) is not int or number != FORMAT:
        raise ValueError(
            f"it was saved by skdm2c {printable(version, 20)}, in the format "
            f"{printable(repr(number), 20)}; skdm2c "
            f"{__version__} reads the format {FORMAT}. Load it with the version that saved it, or "
            "fit anew."
        )


def _read(
    content: dict[str, Any], description: _Description, arrays: Arrays
) -> MixedModalClustering:
    names = description.names
    parts, weights = _take_parts(description, arrays)
    _require_ranges(parts, weights, len(names))
    history = content["history"]
    require(
        isinstance(history, list) and all(_is_record(record, names) for record in history),
        "its history has no records",
    )
    rows = parts["rows"]
    attributes = fitted_attributes(
        Fit(
            _read_model(content, description, parts, weights),
            rows["embedding_"],
            rows["labels_"].astype(np.int32),
            history,
        ),
        np.array(names, dtype=str)[parts["codes"]["modality"]],
        _read_reading(content["reading"], names),
    )
    # As they were where the model was fitted: another machine may round differently.
    attributes["cluster_centers_"] = rows["cluster_centers_"]
    estimator = MixedModalClustering(**dict(_read_parameters(content["parameters"])))
    try:
        _require_parameters(estimator, names)
    except ValueError as error:
        _refuse(f"its parameters are invalid ({error})")
    estimator.__dict__.update(attributes)
    return estimator


def _read_description(content: dict[str, Any]) -> _Description:
    names = _read_names(content["names"])
    widths, hub, aligned = content["n_features"], content["hub"], content["aligned"]
    require(len(widths) == len(names) and all(map(_is_size, widths)), "it has no columns")
    require(type(hub) is int and hub in range(len(names)), f"its hub is {hub!r}")
    require(isinstance(aligned, bool), "spokes are neither aligned nor not")
    return _Description(names, widths, hub, _read_architecture(content["architecture"]), aligned)


def _read_names(names: Any) -> tuple[str, ...]:
    require(isinstance(names, list) and len(names) > 1, "it has no modalities")
    try:
        return check_names(names, len(names))
    except ValueError as error:
        _refuse(f"its modalities have no names ({error})")


def _read_reading(content: dict[str, Any], names: tuple[str, ...]) -> Reading:
    representation = content["representation"]
    require(
        set(content) == set(Reading._fields)
        and isinstance(content["pair_shared_names"], bool)
        and isinstance(representation, dict)
        and all(name in names and isinstance(key, str) for name, key in representation.items()),
        "it does not say how its data were read",
    )
    return Reading(**content)


def _is_record(record: Any, names: tuple[str, ...]) -> bool:
    if not isinstance(record, dict):
        return False
    edges = permutations(names, 2)
    return (
        record.get("phase") in PHASES
        and record.get("modality", names[0]) in (*names, *(f"{s} to {t}" for s, t in edges))
        and {"phase", "epoch", "n_epochs", "seconds"} < set(record) - {"modality"}
        and all(type(record.get(loss, 0.0)) in (int, float) for loss in LOSSES)
        and plain_record(record) == record
        and type(record["epoch"]) is type(record["n_epochs"]) is int
        and type(record["seconds"]) in (int, float)
    )


def _require_parameters(estimator: MixedModalClustering, names: tuple[str, ...]) -> None:
    # All that a fit checks of them.
    estimator._validate_params()
    estimator._plan(names)


def _read_parameters(parameters: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    known = MixedModalClustering._get_param_names()
    for name, value in parameters.items():
        require(name in known, f"there is no parameter {name!r}")
        yield name, value if name == "n_clusters" else _parameter(value)


def _parameter(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_parameter(item) for item in value)
    if isinstance(value, dict):
        ((kind, settings),) = value.items()
        kinds = {made.__name__: made for made in OBJECTS.values()}
        require(kind in kinds, f"no parameter is a {kind!r}")
        return kinds[kind](**{name: _parameter(v) for name, v in settings.items()})
    return value


def _read_model(
    content: dict[str, Any], description: _Description, parts: Parts, weights: Arrays
) -> FittedModel:
    names, numbers = description.names, range(len(description.names))
    system = system_from_arrays(
        {
            "architecture": description.architecture,
            "n_features": description.widths,
            "hub": description.hub,
            "weights": weights,
        }
    )
    return FittedModel(
        names,
        tuple(
            _read_scaler(parts[f"scaler/{m}"], names[m], scaler)
            for m, scaler in zip(numbers, content["scalers"], strict=True)
        ),
        system,
        Clusters(**parts["clusters"]),
        {
            m: _read_alignment(_values(parts[f"alignment/{m}"]))
            for m in numbers
            if f"alignment/{m}" in parts
        },
        tuple(_read_profile(_values(parts[f"profile/{m}"])) for m in numbers),
        tuple(parts["model"]["temperatures"].tolist()),
        tuple(Familiarity(**_values(parts[f"familiarity/{m}"])) for m in numbers),
    )


def _is_size(value: Any) -> bool:
    return type(value) is int and value > 0


def _read_architecture(content: dict[str, Any]) -> dict[str, Any]:
    sizes = ("autoencoder_hidden_sizes", "generator_hidden_sizes", "discriminator_hidden_sizes")
    valid = (
        set(content) == {*sizes, "n_components", "normalization", "spectral"}
        and _is_size(content["n_components"])
        and all(
            isinstance(content[name], list) and all(map(_is_size, content[name])) for name in sizes
        )
        and content["normalization"] in ("batch", "layer", "none")
        and isinstance(content["spectral"], bool)
    )
    require(valid, "its networks cannot be built")
    return content | {name: tuple(content[name]) for name in sizes}


def _read_scaler(
    arrays: dict[str, NDArray[np.float64]], name: str, content: dict[str, Any]
) -> ModalityScaler:
    standardize, scaling, counts, columns = (
        content[key] for key in ("standardize", "scaling", "counts", "feature_names")
    )
    require(
        standardize == "auto" or isinstance(standardize, bool), f"{name!r}: cannot be standardised"
    )
    require(scaling in ("columns", "block", "none"), f"{name!r}: its scaling is unknown")
    scaler = ModalityScaler(name, standardize)
    require(isinstance(counts, bool), f"{name!r}: is neither counts nor not")
    scaler.scaling_, scaler.is_counts_ = scaling, counts
    scaler.n_features_in_ = len(arrays["mean_"])
    scaler.__dict__.update(arrays)
    if columns is not None:
        require(
            isinstance(columns, list)
            and len(columns) == scaler.n_features_in_
            and all(isinstance(column, str) for column in columns),
            f"{name!r}: its columns have no names",
        )
        scaler.feature_names_in_ = np.array(columns, dtype=object)
    return scaler


def _read_profile(values: dict[str, Any]) -> ClusterProfile:
    require(np.isclose(values["shares"].sum(), 1), "shares of clusters do not sum to one")
    return ClusterProfile(**values)


def _read_alignment(values: dict[str, Any]) -> Alignment:
    partners = values["partners"]
    require(len(np.unique(partners)) == len(partners), "clusters are not matched one to one")
    return Alignment(**values | {"partners": partners.astype(np.intp)})
