"""The version of the package; all else that quotes it is tested against this."""

__version__ = "0.1.0"
# Page of an estimator in the reference, for the links and tooltips of scikit-learn's HTML.
DOCUMENTATION = "https://skdm2c.readthedocs.io/en/stable/generated/skdm2c.{estimator_name}.html"
