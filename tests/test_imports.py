"""Who may import whom, what `import auricle` may load, and one home for every compiled kernel."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import auricle

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("dsp", "osc", "personalization", "plugin_core")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

# Never, not even inside a function.
FORBIDDEN = {
    "dsp": {
        *("auricle.osc", "auricle.personalization", "auricle.plugin_core"),
        *("torch", "pedalboard", "typer", "rich", "matplotlib", "sounddevice", "jack"),
        *("threading", "_thread", "concurrent", "multiprocessing", "asyncio"),
        *("time", "datetime", "logging"),
    },
    "osc": {"auricle.personalization", "auricle.plugin_core", "torch", "pedalboard"},
    "personalization": {"auricle.osc", "auricle.plugin_core", "pedalboard"},
    "plugin_core": set(),
}
# Only inside a function: slow to import, or there only with an extra.
LAZY = {
    "dsp": {"sofar", "scipy.signal"},
    "osc": {"scipy.signal"},
    "personalization": set(),
    "plugin_core": {"torch", "auricle.personalization", "matplotlib", "sofar", "scipy.signal"},
}
# Tables of names and places, which import neither NumPy nor torch.
TABLES = {
    "auricle.personalization.sparse.registry",
    "auricle.personalization.endtoend.systems.registry",
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("auricle", *parts)).removesuffix(".__init__")


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: import absolutely, from auricle.…"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_on_loading(tree: ast.Module) -> Iterator[str]:
    """What the import of the module itself imports: not in functions, not for type checkers."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield from imported(node)


def within(name: str, banned: set[str]) -> bool:
    return any(name == each or name.startswith(each + ".") for each in banned)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_one_way(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    everything = set(imported(tree))
    assert not {name for name in everything if within(name, FORBIDDEN[folder])}
    assert not {
        name
        for name in imported_on_loading(tree)
        if within(name, LAZY[folder]) and not within(name, TABLES)
    }
    assert not {name for name in everything if name.split(".")[0] in FOLDERS}, "say auricle.…"
    if folder != "plugin_core":
        assert not {
            name
            for name in everything
            if name.count(".") < 2
            and within(name, {"auricle"})
            and name.split(".")[-1] not in FOLDERS
        }, "import from the module that owns it"
    if module_name(path) not in ("auricle.dsp.sofa.file", "auricle.dsp.sofa.conventions"):
        assert not within("sofar", {name.split(".")[0] for name in everything})


def test_import_auricle_loads_nothing_heavy() -> None:
    code = "import sys, auricle; print(*(m for m in sys.argv[1:] if m in sys.modules))"
    heavy = ["numpy", "numba", "scipy", "sofar", "torch", "matplotlib", "typer"]
    run = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, ""), run.stderr


def test_the_command_line_starts_without_numpy() -> None:
    code = (
        "import sys, auricle.plugin_core.cli;print(*(m for m in sys.argv[1:] if m in sys.modules))"
    )
    heavy = ["numpy", "numba", "scipy", "sofar", "torch", "matplotlib", "pedalboard"]
    run = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, ""), run.stderr


def test_tables_load_nothing_heavy() -> None:
    code = f"import sys, {', '.join(TABLES)}; print(*(m for m in sys.argv[1:] if m in sys.modules))"
    heavy = ["numpy", "numba", "scipy", "torch"]
    run = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, ""), run.stderr


def test_no_module_is_imported_under_two_names() -> None:
    """Two names for one file are two copies of its classes: `isinstance` would fail at random."""
    code = (
        "import sys, importlib, os, collections\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "homes = collections.defaultdict(set)\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if getattr(module, '__file__', None):\n"
        "        homes[os.path.realpath(module.__file__)].add(name)\n"
        "print([names for names in homes.values() if len(names) > 1\n"
        "       and any(name.split('.')[0] == 'auricle' for name in names)])"
    )
    names = [module_name(path) for path in FILES if importable(path)]
    run = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, "[]"), run.stderr


def importable(path: Path) -> bool:
    """Whether the optional packages that the module imports on loading are installed."""
    for name in imported_on_loading(ast.parse(path.read_text(encoding="utf-8"))):
        root = name.split(".")[0]
        if root in {"torch", "pedalboard", "sounddevice", "jack", "matplotlib"}:
            try:
                importlib.import_module(root)
            except (ImportError, OSError):
                return False
    return folder_of(path) != "personalization" or has_torch()


def folder_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


@pytest.mark.parametrize(
    "path", [p for p in FILES if folder_of(p) in {"dsp", "osc"}], ids=module_name
)
def test_compiled_kernels_live_in_one_file(path: Path) -> None:
    """Numba's cache does not see a change of a helper, or of its options, in another file."""
    name = module_name(path)
    module = importlib.import_module(name)
    foreign = [
        key
        for key, value in vars(module).items()
        if hasattr(value, "py_func") and value.py_func.__module__ != name
    ]
    # A file without kernels of its own calls those of others from Python alone.
    assert not foreign or not re.search(r"^@\w*kernel$", path.read_text("utf-8"), re.M)


def test_public_names_are_lazy_and_unknown_ones_say_so() -> None:
    assert auricle.AuricleError.__mro__[1] is ValueError
    assert "HrtfSet" in dir(auricle)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        auricle.nothing  # noqa: B018
