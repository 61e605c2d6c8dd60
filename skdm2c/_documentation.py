"""Where the project's documentation lies: for the links and tooltips of scikit-learn's HTML."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata


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
            page = "generated/{estimator_module}.{estimator_name}.html"
            return f"{address.rstrip('/')}/{page}"
    return ""
