"""What files outside the package say of it and of each other; run by continuous integration."""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import skdm2c
from benchmarks import promises

PACKAGE = ROOT / "skdm2c"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_committed_run_says_how_it_was_made():
    for path in (ROOT / "benchmarks" / "results").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            run = json.loads(line)
            assert {"seed", "threads", "versions", "seconds", "date"} <= set(run)


def test_only_one_file_names_a_device():
    for path in PACKAGE.rglob("*.py"):
        if path.name != "device.py":
            code = re.sub(r'""".*?"""|#.*', "", path.read_text(), flags=re.DOTALL)
            assert not re.search(r"""\.cuda\(|["'](cuda|mps|cpu)["':]""", code), path


def test_the_lowest_versions_tested_are_those_promised():
    lowest = (ROOT / "constraints-lowest.txt").read_text()
    pins = dict(re.findall(r"^([\w-]+)==([\d.]+)$", lowest, re.MULTILINE))
    promised = dict(re.findall(r'"([\w-]+)>=([\d.]+)[",]', (ROOT / "pyproject.toml").read_text()))
    del pins["torch"]  # the file says why
    for package, version in pins.items():
        low = promised[package].split(".")
        assert version.split(".")[: len(low)] == low, package
        assert set(version.split(".")[len(low) :]) <= {"0"}, package


def test_the_page_of_promises_has_all_kinds_of_cases():
    lines = (ROOT / "docs" / "promises.md").read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    assert [row[0] for row in rows[2:]] == [kind.title for kind in promises.KINDS]
    assert all(tried == passed != "0" for _, tried, passed in rows[2:])


def test_the_version_stands_in_one_place_and_is_quoted_rightly():
    assert PROJECT["dynamic"] == ["version"]
    quotes = {
        "CITATION.cff": r"^version: (\S+)$",
        "conda/meta.yaml": r'set version = "(\S+)"',
    }
    for name, pattern in quotes.items():
        found = re.findall(pattern, (ROOT / name).read_text(), re.MULTILINE)
        assert found == [skdm2c.__version__], name


def test_the_conda_recipe_wants_what_the_package_wants():
    recipe = (ROOT / "conda" / "meta.yaml").read_text()
    run = recipe.partition("  run:\n")[2].partition("\n\n")[0]
    wanted = {line.strip(" -").replace(" ", "") for line in run.splitlines()}
    ours = {need.replace("torch>", "pytorch>") for need in PROJECT["dependencies"]}
    assert wanted == ours | {"python>={{python_min}}"}
    (lowest,) = re.findall(r'set python_min = "(\S+)"', recipe)
    assert f">={lowest}" == PROJECT["requires-python"]


def test_the_workflows_try_every_python_that_is_promised():
    promised = {
        line.rpartition(" ")[2]
        for line in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", line)
    }
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text()
    (matrix,) = re.findall(r"python: \[(.*)\]", workflow)
    assert set(re.findall(r"3\.\d+", matrix)) == promised
    assert {"ubuntu", "macos", "windows"} <= set(re.findall(r"(\w+)-latest", workflow))


def test_what_workflows_make_can_be_made():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        asked = set(re.findall(r"run: make ([a-z-]+)", path.read_text()))
        assert asked <= targets, path.name


def test_hooks_run_the_versions_that_check_runs():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    pins = (ROOT / "constraints.txt").read_text()
    for tool, repository in {"ruff": "ruff-pre-commit", "codespell": "codespell"}.items():
        (ours,) = re.findall(rf"^{tool}==(\S+)$", pins, re.MULTILINE)
        assert re.findall(rf"/{repository}\n    rev: v(\S+)", hooks) == [ours]


def test_addresses_are_those_of_pyproject():
    urls = PROJECT["urls"]
    quotes = {
        "CITATION.cff": {"repository-code": "Source", "url": "Documentation"},
        "conda/meta.yaml": {"  home": "Source", "  doc_url": "Documentation"},
    }
    for name, keys in quotes.items():
        text = (ROOT / name).read_text()
        for key, label in keys.items():
            assert re.findall(rf"^{key}: (\S+)$", text, re.MULTILINE) == [urls[label]], name
    assert all(urls[label].startswith(urls["Source"]) for label in ("Issues", "Changelog"))
