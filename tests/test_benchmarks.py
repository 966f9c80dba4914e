"""Each benchmark can still be started, and those with a quick form run through it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from thin_data import thinned

FOLDER = Path(__file__).parents[1] / "benchmarks"
ALL = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py"))
# What others need; DATA stands for the measured data, thinned.
QUICK = {
    "live/osc.py": ("--seconds", "1", "--datagrams", "2000"),
    "live/prediction.py": ("DATA",),
    "personalization/expected_layouts.py": ("DATA", "--quick"),
    "personalization/itd_estimators.py": ("DATA",),
    "personalization/laboratories.py": ("DATA", "2"),
    "personalization/repeatability.py": ("DATA",),
    "scenes/adm_load.py": ("5", "1"),
}
_STARTED = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='started')"


def run(*args: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, check=False, env=os.environ
    )
    lacking = "ModuleNotFoundError: No module named '"
    if lacking in done.stderr:
        name = done.stderr.rsplit(lacking, 1)[1].split("'")[0]
        if name.split(".")[0] in ("torch", "spatialaudiometrics", "ear", "cyal", "sonore"):
            pytest.skip(f"needs {name}")
    return done


@pytest.mark.slow
@pytest.mark.parametrize("script", ALL)
def test_all_that_a_benchmark_imports_is_there(script: str) -> None:
    path = FOLDER / script
    code = f"import sys; sys.path.insert(0, {str(path.parent)!r}); {_STARTED}"
    done = run("-c", code, str(path))
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def thin(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return thinned(data_dir, tmp_path_factory.mktemp("thin"))


@pytest.mark.slow
@pytest.mark.parametrize("script", QUICK)
def test_quick_forms_run_through(script: str, request: pytest.FixtureRequest) -> None:
    args = QUICK[script]
    if "DATA" in args:
        folder = str(request.getfixturevalue("thin"))
        args = tuple(folder if each == "DATA" else each for each in args)
    done = run(str(FOLDER / script), *args)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
