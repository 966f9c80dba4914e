"""Pages name what there is: the API's names, benchmarks, files."""

import ast
import importlib
import inspect
import re
import subprocess
from pathlib import Path

import benchmark_table
import pytest
from project import ROOT

import auricle

API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
TRACKED = [
    Path(name)
    for name in subprocess.run(
        ["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=False
    ).stdout.split()
]
SUFFIXES = {".py", ".md", ".sh", ".toml", ".yml"}
# Names of files in examples, which no user has yet.
INVENTED = re.compile(r"^(OUT|table|none/x|toy_things|right|wrong|try|README)\.(md|py)$")


def test_the_checks_count_every_warning_of_the_pages() -> None:
    """MkDocs counts what it logs, so a quiet build is never strict."""
    checks = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    builds = [line for line in checks.splitlines() if re.search(r"mkdocs\" build", line)]
    assert len(builds) == 1
    assert "--strict" in builds[0]
    assert not re.search(r"--quiet| -q\b", builds[0])


def test_the_reference_has_every_public_name() -> None:
    for name in auricle.__all__:
        assert f"::: {auricle._HOMES[name]}.{name}\n" in API, name


@pytest.mark.parametrize("folder", ["dsp", "osc", "personalization", "plugin_core"])
def test_the_architecture_names_every_wing_in_its_order(folder: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split(f"\n`{folder}/`", 1)[1].split("|---|---|\n", 1)[1].split("\n\n", 1)[0]
    named = [
        name
        for row in table.splitlines()
        for name in re.findall(r"`(\w+)`", row[: row.find("|", 1)])
    ]
    door = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8")))
    assert door
    assert named == re.findall(r"^(\w+)  +\S", door, re.M)


def test_the_table_of_benchmarks_is_that_of_the_scripts() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert benchmark_table.as_markdown() in page, "python tests/helpers/benchmark_table.py"


@pytest.mark.skipif(not TRACKED, reason="needs a checkout with git")
def test_modules_that_are_named_are_there() -> None:
    """And the names within them, by their words."""
    folders = {"dsp", "osc", "personalization", "plugin_core"}
    missing = []
    for path in TRACKED:
        if path.suffix not in SUFFIXES or path.name == "CHANGELOG.md":
            continue
        for found in re.findall(r"\bauricle(?:\.\w+)+", (ROOT / path).read_text(encoding="utf-8")):
            home, names = ROOT / "auricle", found.split(".")[1:]
            if names[0] not in folders:
                continue
            while names and (home / names[0]).is_dir():
                home = home / names.pop(0)
            text = ""
            if names and (home / f"{names[0]}.py").is_file():
                text = (home / f"{names.pop(0)}.py").read_text(encoding="utf-8")
            if not all(re.search(rf"\b{name}\b", text) for name in names):
                missing.append(f"{path}: {found}")
    assert not missing


@pytest.mark.skipif(not TRACKED, reason="needs a checkout with git")
def test_files_that_are_named_are_there() -> None:
    paths = [path.as_posix() for path in TRACKED]
    missing = []
    for path in TRACKED:
        if path.suffix not in SUFFIXES or path.name == "CHANGELOG.md":
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            for found in re.findall(r"(?<![\w/.-])((?:[\w-]+/)*[\w-]+\.(?:py|md))\b", line):
                there = found in paths or any(other.endswith("/" + found) for other in paths)
                if not there and not INVENTED.match(found):
                    missing.append(f"{path}:{number}: {found}")
    assert not missing


def callables(value: object) -> list[tuple[str, object]]:
    """The functions of a name in the reference, and a class itself for its constructor."""
    if not inspect.isclass(value):
        return [(value.__name__, value)]
    members = [
        (f"{value.__name__}.{name}", each)
        for name, each in inspect.getmembers(value, inspect.isfunction)
        if name[0] != "_" and each.__module__.startswith("auricle.")
    ]
    return [(value.__name__, value), *members]


@pytest.mark.parametrize("reference", re.findall(r"^::: (auricle\.[\w.]+)$", API, re.M))
def test_the_reference_says_what_each_argument_is(reference: str) -> None:
    """Where there are three or more; arrays by shape and unit, which no test can see."""
    home, _, name = reference.rpartition(".")
    module = importlib.import_module(home)
    value = getattr(module, name)
    values = [value]
    if inspect.ismodule(value):
        own = [each for each in vars(value).values() if inspect.isfunction(each)]
        values = [each for each in own if each.__module__ == reference and each.__name__[0] != "_"]
        assert values
    for name, function in [each for value in values for each in callables(value)]:
        if inspect.isclass(function) and issubclass(function, Exception):
            continue
        parameters = [each for each in inspect.signature(function).parameters if each != "self"]
        said = inspect.getdoc(function) or ""
        assert said, name
        is_scene = hasattr(function, "TITLE")  # whose fields are in docs/scene.md
        if len(parameters) >= 3 and not is_scene:
            missing = [each for each in parameters if not re.search(rf"^ +\*?{each}: ", said, re.M)]
            assert not missing, f"{name}: {missing}"
