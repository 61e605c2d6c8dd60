"""Data to try things on: real handwriting, made blobs, and the dropping of pairs."""

from .blobs import make_mixed_modal_blobs
from .handwritten import load_handwritten
from .pairing import drop_pairing

__all__ = ["drop_pairing", "load_handwritten", "make_mixed_modal_blobs"]
