"""README.md, the checks in .ci/run and the requirements say the same."""

import ast
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest

from auricle.plugin_core.demo.folder import write_demo
from auricle.plugin_core.demo.scene import parts

ROOT = Path(__file__).resolve().parents[1]
HELPERS = ROOT / "tests" / "helpers"
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHECKS = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
SET_UPS = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]


def test_the_checks_run_both_commands_of_the_readme_as_they_stand() -> None:
    demo, tests = SET_UPS
    assert demo.endswith("auricle demo -o demo")
    assert tests.endswith('python -m pytest -n auto --dist loadfile -m "not slow"')
    assert CHECKS.count("-m slow") == 1
    assert all("constraints.txt" in line and ".venv" in line for line in SET_UPS)
    pattern = re.search(r"commands < <\(grep '(.*)' README\.md\)", CHECKS)
    assert pattern is not None
    assert [line for line in README.splitlines() if re.match(pattern[1], line)] == SET_UPS
    assert re.findall(r'^as_written (\w+) "\$\{commands\[(\d)\]\}"$', CHECKS, re.M) == [
        ("demo", "0"),
        ("tests", "1"),
    ]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_checks_are_a_script_that_bash_reads() -> None:
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)


def test_only_the_last_set_of_tests_has_torch() -> None:
    assert not any("personalization" in line for line in SET_UPS)
    skipping = [
        path.name
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if re.search(r'(importorskip|find_spec)\("torch"\)', path.read_text(encoding="utf-8"))
    ]
    assert "test_linn.py" in skipping
    assert (
        r"""grep -rlE --include='test_*.py' '(importorskip|find_spec)\("torch"\)' tests""" in CHECKS
    )


def test_the_tests_need_only_what_the_command_of_the_readme_installs() -> None:
    extras = re.search(r"'\.\[([\w,]+)\]'", SET_UPS[1])
    assert extras is not None
    installed = with_what_they_bring(requirements(*extras[1].split(",")))
    homes = {**packages_distributions(), "pedalboard_native": ["pedalboard"]}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for name in sorted(imported(ast.parse(text))):
            own = name == "auricle" or (HELPERS / f"{name}.py").exists()
            if own or name in sys.stdlib_module_names or f'importorskip("{name}")' in text:
                continue
            known = {canonical(each) for each in homes.get(name, [])}
            assert known & installed, f"{path.name} imports {name}, which README does not install"


def test_the_constraints_pin_whatever_can_be_required() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonical(line.split("==")[0]) for line in lines if "==" in line}
    extras = ("pedalboard", "personalization", "live", "plots", "speech", "test")
    assert requirements(*extras) <= pinned


def test_the_commands_find_what_the_demo_and_those_before_them_leave(tmp_path: Path) -> None:
    there = {f"demo/{path.name}" for path in written(tmp_path)} | {"demo/demo.wav", "demo/demo.png"}
    for line in readme_commands():
        words = line.split()
        made = [words[i + 1] for i, word in enumerate(words) if word in ("-o", "--plot")]
        read = {w for w in words if re.search(r"\.(flac|wav|sofa|csv|json)$", w)} - set(made)
        assert read <= there, line
        there |= set(made)


def test_commands_that_are_not_run_say_what_they_need() -> None:
    assert "grep '^auricle ' README.md | grep -v '# needs '" in CHECKS
    every = [line for line in README.splitlines() if line.startswith("auricle ")]
    assert len(readme_commands()) >= 9
    for line in every:
        if "# needs " not in line:
            continue
        assert any(word in line for word in ("JACK", "sound card", "sender", "that rec", "minute"))


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pedalboard")
    written(tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "README.md", "exec"), names)
    assert (tmp_path / "out.wav").is_file()
    assert names["out"].shape == (2, 128)  # type: ignore[attr-defined]


def test_remedies_work_from_a_clone_too() -> None:
    """Auricle's extras can be named so only where it was installed by its name."""
    folders = ("dsp", "osc", "personalization", "plugin_core", "docs", "examples")
    files = [ROOT / "README.md"]
    for folder in folders:
        files += [p for p in (ROOT / folder).rglob("*") if p.suffix in (".py", ".md")]
    named = re.compile(r"auricle\[\w+\]")
    assert not [path for path in files if named.search(path.read_text(encoding="utf-8"))]


def written(folder: Path) -> list[Path]:
    """What the demo leaves for the next commands, made in the folder ``demo``."""
    (folder / "demo").mkdir()
    write_demo(folder / "demo", parts())
    return list((folder / "demo").iterdir())


def readme_commands() -> list[str]:
    """Those that run without anything but the demo."""
    lines = [line for line in README.splitlines() if line.startswith("auricle ")]
    return [line.split("  #")[0] for line in lines if "# needs " not in line]


def requirements(*extras: str, package: str = "auricle") -> set[str]:
    """What a package requires by itself and by some extras."""
    names = set()
    for line in requires(package) or []:
        extra = re.search(r"extra == ['\"](\w+)['\"]", line)
        if extra is None or extra[1] in extras:
            names.add(canonical(re.split(r"[^\w.-]", line)[0]))
    return names


def with_what_they_bring(packages: set[str]) -> set[str]:
    """The packages and all that they require in turn."""
    found: set[str] = set()
    left = set(packages)
    while left:
        package = left.pop()
        found.add(package)
        with suppress(PackageNotFoundError):  # of another platform
            left |= requirements(package=package) - found
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
