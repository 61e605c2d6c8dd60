"""Choice of the PyTorch device; no other file of the package names one."""

from __future__ import annotations

from contextlib import ExitStack

import torch


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Turn the ``device`` parameter into a device that this machine has.

    ``"auto"`` takes cuda, mps or cpu, whichever is available first. Raise ValueError if PyTorch
    does not know the device or cannot use it here.
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
            raise RuntimeError("tensors on it hold no data")
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError, TypeError, ImportError) as error:
        raise ValueError(
            f"device={device!r} cannot be used on this machine ({error}). "
            "Use device='auto' for the best one available, or 'cpu'."
        ) from error
    return resolved


def has_fused_adam(device: torch.device) -> bool | None:
    """Return True if Adam can update all parameters in one pass on this device.

    Otherwise return None, which leaves the choice of the implementation to PyTorch.
    """
    return True if device.type in {"cpu", "cuda"} else None


def enter_usual_defaults(stack: ExitStack) -> None:
    """Restore PyTorch's initial settings in this thread until ``stack`` is closed.

    Inference mode, autocast and a default device other than the CPU are switched off.
    """
    # Each only if it is on, as a device context slows down every later call.
    if torch.is_inference_mode_enabled():
        stack.enter_context(torch.inference_mode(False))
    if torch.empty(0).device.type != "cpu":
        stack.enter_context(torch.device("cpu"))
    for kind in ("cpu", "cuda", "mps"):
        if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
            stack.enter_context(torch.autocast(kind, enabled=False))


def device_at_hand(device: str | torch.device) -> torch.device:
    """Return the given device, or the one of ``"auto"`` if this machine lacks it.

    So a model that was fitted on CUDA can be loaded on a CPU.
    """
    try:
        return resolve_device(device)
    except ValueError:
        return resolve_device("auto")
