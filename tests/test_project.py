"""What the project says of itself: README, figures, docstrings, structure."""

import ast
import doctest
import inspect
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate

import skdm2c
import skdm2c.alignment
import skdm2c.datasets
import skdm2c.exceptions
import skdm2c.metrics
import skdm2c.plotting

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "skdm2c"
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def imports_of(path):
    """Modules of the package that a file imports, from the package's root."""
    here = path.relative_to(PACKAGE).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level]
            if node.module:
                yield (*base, *node.module.split("."))
            else:
                yield from ((*base, alias.name) for alias in node.names)


@pytest.mark.parametrize("depth", [1, None], ids=["rooms", "files"])
def test_imports_point_one_way(depth):
    files = {
        path.relative_to(PACKAGE).with_suffix("").parts: path for path in PACKAGE.rglob("*.py")
    }
    graph = {}
    for importer, path in files.items():
        for name in imports_of(path):
            imported = name if name in files else (*name, "__init__")
            if imported[:depth] != importer[:depth]:
                graph.setdefault(importer[:depth], set()).add(imported[:depth])
    assert len(graph) > 10
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError


def test_the_quickstart_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    scope = {}
    exec(code, scope)
    assert scope["model"].labels_.shape == (2000,)
    assert 0 <= scope["model"].alignment_confidence_ <= 1
    assert capsys.readouterr().out


def public_api():
    """Names that users import, and the methods of the classes among them."""
    modules = (skdm2c.alignment, skdm2c.datasets, skdm2c.metrics, skdm2c.plotting)
    for module in (skdm2c, *modules, skdm2c.exceptions):
        for name in getattr(module, "__all__", vars(module)):
            thing = getattr(module, name)
            if name.startswith("_") or not (inspect.isclass(thing) or inspect.isfunction(thing)):
                continue
            if not thing.__module__.startswith("skdm2c"):
                continue
            yield f"{module.__name__}.{name}"
            methods = vars(thing).items() if inspect.isclass(thing) else ()
            for method, function in methods:
                if not method.startswith("_") and inspect.isfunction(function):
                    yield f"{module.__name__}.{name}.{method}"


# What numpydoc may say without need: not every function has more to say than its summary,
# relatives, or a result that its name does not explain.
LEFT_OUT = {"ES01", "SA01", "EX01", "PR07", "RT03", "RT02", "RT04", "GL01"}


@pytest.mark.parametrize("name", sorted(set(public_api())))
def test_the_public_api_is_documented_as_numpydoc_wants_it(name):
    errors = [error for error in validate(name)["errors"] if error[0] not in LEFT_OUT]
    if name == "skdm2c.alignment.Aligner":  # a Protocol's constructor is nobody's business
        errors = [error for error in errors if error[0] != "PR01"]
    assert not errors


def test_every_default_of_the_estimator_is_the_one_documented():
    model = skdm2c.MixedModalClustering()
    said = {
        p.name: re.search(r"default=(.*)$", p.type)
        for p in ClassDoc(type(model), config={"show_class_members": False})["Parameters"]
    }
    for name, value in model.get_params().items():
        assert said.get(name), f"the default of {name} is not documented"
        assert ast.literal_eval(said[name].group(1)) == value, name


@pytest.mark.parametrize("name", skdm2c.__all__)
def test_what_users_import_has_an_example(name):
    thing = getattr(skdm2c, name)
    if inspect.isclass(thing):
        assert ">>>" in inspect.getdoc(thing)


def test_the_page_on_extending_runs(blobs):
    page = (ROOT / "docs" / "extending.md").read_text()
    scope = {}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(code, scope)
        if "BySize" in scope["model"].__repr__():
            scope["model"].set_params(pretrain_epochs=2, alignment_epochs=2).fit(blobs[0])
            assert 0 < scope["model"].alignment_confidence_ <= 1
    assert "GeometricAlignment(n_matches=12)" in page
    if hasattr(scope["model"], "set_callbacks"):
        few = {"pretrain_epochs": 5, "alignment_epochs": 1}
        model = scope["model"].set_params(alignment=scope["BySize"](), **few).fit(blobs[0])
        assert list(scope["clock"].seconds) == list(
            dict.fromkeys(r["phase"] for r in model.history_)
        )
        assert sum(r["phase"] == "pretraining" for r in model.history_) == 4  # two a modality


def brought_in(statement):
    """The top-level modules that are there after a statement in a fresh interpreter."""
    code = (
        f"{statement}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


COMPUTE = {"numpy", "scipy", "sklearn", "joblib", "threadpoolctl", "torch"}
# Not pandas and rich, which scikit-learn itself imports where they are.
EXTRAS = {"matplotlib", "polars", "anndata", "mudata", "jinja2", "safetensors"}


def test_import_of_the_package_brings_in_nothing_that_computes():
    there = brought_in("import skdm2c, skdm2c.exceptions; dir(skdm2c)")
    assert "skdm2c" in there
    assert there & (COMPUTE | EXTRAS) == set()


def test_what_needs_no_networks_does_not_bring_in_torch():
    there = brought_in(
        "from skdm2c import MixedModalData, ModalityKFold, PerModality, select_n_clusters\n"
        "from skdm2c import alignment, datasets, metrics, write_results\n"
        "alignment.GeometricAlignment, datasets.make_mixed_modal_blobs, metrics.evaluate"
    )
    assert "sklearn" in there
    assert there & ({"torch"} | EXTRAS) == set()


def test_the_estimator_does_not_bring_in_what_extras_need():
    there = brought_in("from skdm2c import *")
    assert there >= COMPUTE
    assert there & EXTRAS == set()


def test_checkers_and_ides_are_told_the_names_that_are_there():
    for_checkers = {}
    for node in ast.walk(ast.parse((PACKAGE / "__init__.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            for_checkers |= {alias.name: node.module for alias in node.names}
    at_once = {"__version__", "AlignmentWarning", "TrainingDivergedError"}
    modules = {name for name, home in for_checkers.items() if home is None} - at_once
    assert modules == skdm2c._MODULES
    later = {name: for_checkers[name] for name in for_checkers.keys() - at_once - modules}
    assert later == skdm2c._HOMES
    assert {*later, *at_once} == set(skdm2c.__all__)
    assert {*modules, *skdm2c.__all__} <= set(dir(skdm2c))
    for name in (*modules, *skdm2c.__all__):
        assert getattr(skdm2c, name) is not None
    with pytest.raises(AttributeError, match="module 'skdm2c' has no attribute 'KMeans'"):
        skdm2c.KMeans  # noqa: B018


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_the_first_hour_goes_as_written():
    pytest.importorskip("mudata")
    page = ROOT / "docs" / "first_hour.md"
    failed, tried = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert not failed
    assert tried > 30


def test_actions_are_pinned_and_the_release_takes_nothing_from_a_cache():
    workflows = {path.name: path.read_text() for path in (ROOT / ".github/workflows").iterdir()}
    for name, text in workflows.items():
        uses = re.findall(r"uses: (\S+)", text)
        assert uses
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in uses), name
        assert text.count("actions/checkout@") == text.count("persist-credentials: false"), name
    assert "cache" not in workflows["wheel.yml"]
    assert "INDEX" not in workflows["wheel.yml"]
    constraints = (ROOT / "constraints.txt").read_text()
    assert all(f"\n{tool}==" in constraints for tool in ("build", "setuptools", "twine"))


def typed_in(readme):
    """The quickstart of README, and the code of each row of the table after it."""
    quickstart = re.search(r"## Quickstart.*?```python\n(.*?)```", readme, re.DOTALL)[1]
    table = re.search(r"\| you want \|.*?\n\n", readme, re.DOTALL)[0].strip()
    rows = {}
    for line in table.splitlines()[2:]:
        wish, code = (cell.strip() for cell in line.strip("|").split(" | ", 1))
        spans = [span for span in re.findall(r"`([^`]+)`", code) if re.search(r"[(;]", span)]
        rows[wish] = spans
    return quickstart, rows


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_quickstart_and_the_table_of_readme_run_as_they_stand(tmp_path, monkeypatch):
    pytest.importorskip("mudata")
    monkeypatch.chdir(tmp_path)
    load = skdm2c.datasets.load_handwritten

    def fewer(names):
        views, y = load(names)
        return {name: view[::8] for name, view in views.items()}, y[::8]

    monkeypatch.setattr(skdm2c.datasets, "load_handwritten", fewer)
    quickstart, rows = typed_in((ROOT / "README.md").read_text())
    namespace = {}
    exec(quickstart, namespace)
    assert len(rows) > 20
    n_typed = 0
    for wish, spans in rows.items():
        for span in spans:
            try:
                exec(span, namespace)
            except Exception as error:
                raise AssertionError(f"{wish}: {span}") from error
            n_typed += 1
    assert n_typed > 25
    assert {path.name for path in tmp_path.iterdir()} >= {"report.html", "model.safetensors"}
