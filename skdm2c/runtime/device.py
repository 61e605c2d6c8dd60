"""Where tensors live: the one file of the package that names a device."""

from __future__ import annotations

from contextlib import ExitStack

import torch


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Turn the ``device`` parameter into a device of this machine.

    Parameters
    ----------
    device : str or torch.device, default="auto"
        ``"auto"`` takes cuda, then mps, then cpu, whichever is there first.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If the device is not one PyTorch knows, or this machine lacks it.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        return torch.device(
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    try:
        resolved = torch.device(device)
        if resolved.type == "meta":
            raise RuntimeError("it holds no numbers")
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError, TypeError, ImportError) as error:
        raise ValueError(
            f"device={device!r} cannot be used on this machine ({error}). "
            "Use device='auto' to take the best one there is, or 'cpu'."
        ) from error
    return resolved


def has_fused_adam(device: torch.device) -> bool | None:
    """Whether Adam can update all parameters in one pass on this device.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    True or None
        None leaves the choice to PyTorch.

    Examples
    --------
    >>> has_fused_adam(torch.device("cpu"))
    True
    """
    return True if device.type in {"cpu", "cuda"} else None


def enter_usual_defaults(stack: ExitStack) -> None:
    """Switch off what a caller may have set for PyTorch in this thread, until the stack ends.

    That is inference mode, autocast, and a default device that is not the CPU; each only where
    it is on, as a default device slows all that follows.

    Parameters
    ----------
    stack : ExitStack

    Examples
    --------
    >>> with torch.inference_mode(), ExitStack() as stack:
    ...     enter_usual_defaults(stack)
    ...     torch.is_inference_mode_enabled()
    False
    """
    if torch.is_inference_mode_enabled():
        stack.enter_context(torch.inference_mode(False))
    if torch.empty(0).device.type != "cpu":
        stack.enter_context(torch.device("cpu"))
    for kind in ("cpu", "cuda", "mps"):
        if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
            stack.enter_context(torch.autocast(kind, enabled=False))


def device_at_hand(device: str | torch.device) -> torch.device:
    """Where to put what was fitted elsewhere: a model of CUDA's loads on a CPU.

    Parameters
    ----------
    device : str or torch.device
        What the estimator says.

    Returns
    -------
    torch.device
        That, or where this machine lacks it what "auto" gives.

    Examples
    --------
    >>> device_at_hand("cuda:99").type in ("cuda", "mps", "cpu")
    True
    """
    try:
        return resolve_device(device)
    except ValueError:
        return resolve_device("auto")
