"""Version of the package; tests check that other files agree with it."""

__version__ = "0.1.0"
# Reference page of an estimator, to which scikit-learn's HTML representation links.
DOCUMENTATION = "https://skdm2c.readthedocs.io/en/stable/generated/skdm2c.{estimator_name}.html"
