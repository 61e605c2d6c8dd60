"""Trained networks as plain numbers, so that any serialiser can keep them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from ._isolation import isolated
from .networks import Architecture, CrossModalSystem


def system_to_arrays(system: CrossModalSystem) -> dict[str, Any]:
    """Describe a system in plain values and numpy arrays.

    Parameters
    ----------
    system : CrossModalSystem
        On any device.

    Returns
    -------
    dict
        With keys "architecture", "n_features", "hub" and "weights" (arrays by name).
    """
    weights = {name: tensor.cpu().numpy() for name, tensor in system.state_dict().items()}
    return {
        "architecture": asdict(system.architecture),
        "n_features": system.n_features,
        "hub": system.hub,
        "weights": weights,
    }


@isolated
def system_from_arrays(state: dict[str, Any]) -> CrossModalSystem:
    """Build the system that :func:`system_to_arrays` described, on the CPU, ready to use.

    Parameters
    ----------
    state : dict

    Returns
    -------
    CrossModalSystem

    Raises
    ------
    ValueError
        If something is missing, or the weights do not fit the architecture.

    Examples
    --------
    >>> arch = Architecture(2, (8,), (8, 4), (8,), "layer", False)
    >>> system = CrossModalSystem(arch, (3, 5), 0, torch.Generator().manual_seed(0)).eval()
    >>> copy = system_from_arrays(system_to_arrays(system))
    >>> x = torch.ones(2, 5)
    >>> bool((copy.unify(x, 1) == system.unify(x, 1)).all())
    True
    """
    try:
        arch = Architecture(**state["architecture"])
        system = CrossModalSystem(arch, state["n_features"], state["hub"], torch.Generator())
        weights = {k: torch.from_numpy(v.copy()) for k, v in state["weights"].items()}
        for name, tensor in system.state_dict().items():  # loading would convert them
            if name in weights and weights[name].dtype != tensor.dtype:
                raise TypeError(f"{name} is of {weights[name].dtype}")
        system.load_state_dict(weights)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ValueError(f"The networks of this saved model are damaged: {error}") from error
    return system.eval()
