"""The version of the package; all else that quotes it is tested against this."""

__version__ = "0.1.0"
