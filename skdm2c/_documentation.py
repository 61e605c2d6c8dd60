"""Where the project's documentation lies: for the links and tooltips of scikit-learn's HTML."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

# Of an estimator in the site's reference, which lists it where users import it from.
PAGE = "generated/skdm2c.{estimator_name}.html"


@cache
def documentation_template() -> str:
    """Template of an estimator's page, as ``_doc_link_template`` wants it.

    Returns
    -------
    str
        Below the address that the package's metadata give as "Documentation"; empty where
        they give none, so that nothing is linked.
    """
    try:
        urls = metadata("skdm2c").get_all("Project-URL") or []
    except PackageNotFoundError:  # run from a folder that is not installed
        return ""
    for entry in urls:
        label, _, address = entry.partition(", ")
        if label.lower() == "documentation":
            return f"{address.rstrip('/')}/{PAGE}"
    return ""
