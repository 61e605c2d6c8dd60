"""Datasets to try the package on: real digits, synthetic blobs, and paired data made unpaired."""

from .blobs import make_mixed_modal_blobs
from .handwritten import load_handwritten
from .pairing import drop_pairing

__all__ = ["drop_pairing", "load_handwritten", "make_mixed_modal_blobs"]
