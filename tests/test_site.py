"""The site: no public name, parameter, page or example is missing, and the guide's code runs."""

import ast
import doctest
import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import skdm2c
from skdm2c import MixedModalClustering
from skdm2c._version import DOCUMENTATION
from skdm2c.settings import OBJECTS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GUIDE = [*sorted((DOCS / "guide").rglob("*.md")), DOCS / "known_pairs.md"]
PUBLIC = ["alignment", "datasets", "exceptions", "metrics", "plotting", "presets"]


def listed():
    """Names in the reference, in full."""
    module, names = "", set()
    for line in (DOCS / "api.rst").read_text().splitlines():
        if found := re.match(r"\.\. currentmodule:: ([\w.]+)", line):
            module = found[1]
        elif found := re.match(r"   ([\w.]+)$", line):
            names.add(f"{module}.{found[1]}")
        elif found := re.match(r"\.\. autodata:: ([\w.]+)", line):
            names.add(found[1])
    return names


def public():
    """Names that users import."""
    for name in skdm2c.__all__:
        if not (name.startswith("_") or inspect.ismodule(getattr(skdm2c, name))):
            yield f"skdm2c.{name}"
    for name in PUBLIC:
        module = importlib.import_module(f"skdm2c.{name}")
        for thing in getattr(module, "__all__", None) or own_names(module):
            yield f"skdm2c.{name}.{thing}"


def own_names(module):
    written = ast.parse(Path(module.__file__).read_text()).body
    for node in written:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and not node.target.id.startswith("_"):
            yield node.target.id


def test_the_reference_has_every_public_name():
    names = set(public())
    assert len(names) > 30
    # The errors stand at the module they live in, though the package has them too.
    at_home = {f"skdm2c.{n}" for n in ("AlignmentWarning", "TrainingDivergedError")}
    assert names - at_home <= listed(), names - at_home - listed()


def test_the_reference_has_no_name_that_is_not_there():
    for name in listed():
        module, _, thing = name.rpartition(".")
        assert hasattr(importlib.import_module(module), thing), name


def test_every_modules_own_list_is_in_the_reference_or_said_to_be_inside():
    # A new public module must be decided upon, not forgotten.
    inside = {"clustering", "data", "networks", "runtime", "training"}
    packages = {path.parent.name for path in (ROOT / "skdm2c").glob("*/__init__.py")}
    assert packages - inside <= set(PUBLIC)


def test_the_links_of_scikit_learns_html_lead_to_pages_of_the_reference():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    address = pyproject["project"]["urls"]["Documentation"]
    for thing in (getattr(skdm2c, name) for name in skdm2c.__all__):
        if inspect.isclass(thing) and issubclass(thing, BaseEstimator):
            page = DOCUMENTATION.format(estimator_name=thing.__name__)
            name = page.removeprefix(f"{address}/generated/").removesuffix(".html")
            assert name in listed()


def test_the_guide_has_every_parameter_with_its_default():
    page = (DOCS / "guide" / "parameters.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \|", page, re.MULTILINE)
    said = {name: ast.literal_eval(default) for name, default in rows}
    assert len(said) == len(rows), "a parameter stands there twice"
    whole = MixedModalClustering(**{name: kind() for name, kind in OBJECTS.items()})
    nested = {name: value for name, value in whole.get_params().items() if "__" in name}
    nested = {name: value for name, value in nested.items() if not name.startswith("alignment")}
    assert said == nested | MixedModalClustering().get_params(deep=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.stem)
def test_the_guides_code_does_what_it_says(page):
    pytest.importorskip("mudata")
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    for block in blocks:
        assert block.startswith(">>> "), f"no test runs this block:\n{block}"
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=flags)
    assert not failed
    assert bool(tried) == bool(blocks)
