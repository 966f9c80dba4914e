"""What stands outside the package: registered by a program, or brought by an installed package."""

import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from listener_groups import some_listeners
from project import ROOT

import auricle
from auricle.dsp.errors import AuricleError
from auricle.dsp.registry import Registry
from auricle.osc.trackers.presets import PRESETS
from auricle.osc.trackers.reader import PoseReader
from auricle.personalization.datasets.registry import DATASETS
from auricle.personalization.endtoend.systems.registry import SYSTEMS
from auricle.personalization.sparse.registry import METHODS, method
from auricle.plugin_core.scene.format.track_types import TRACK_TYPES
from auricle.plugin_core.tables.registries import as_markdown

TABLES: dict[str, Registry] = {
    "loudest": METHODS, "my-tracker": PRESETS, "MINE": DATASETS, "mid": TRACK_TYPES,
    "my-system": SYSTEMS,
}  # fmt: skip
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture(scope="module", autouse=True)
def page() -> Iterator[None]:
    """All the page's Python, run as a module, and taken back afterwards."""
    module = types.ModuleType("extending_page")
    sys.modules["extending_page"] = module
    for block in BLOCKS:
        exec(compile(block, "docs/extending.md", "exec"), module.__dict__)
    yield
    for name, table in TABLES.items():
        table.unregister(name)
    del sys.modules["extending_page"]


def test_the_page_says_where_each_table_is() -> None:
    for table in TABLES.values():
        assert f"`{table.group}`" in PAGE
    assert len(BLOCKS) == len(TABLES)


def test_a_method_predicts() -> None:
    made = method("loudest")()
    listeners = some_listeners(3)
    measured = listeners.take([0]).listener(0)
    found = made.predict(measured, measured.positions[:2])
    assert found.magnitude_db.shape == (2, *measured.magnitude_db.shape[1:])


def test_a_preset_turns_the_head() -> None:
    pose = PoseReader(PRESETS.find("my-tracker")).pose("/mine/head", [90.0, 0.0, 0.0])
    np.testing.assert_allclose(pose, np.array([1.0, 0.0, 0.0, -1.0]) / np.sqrt(2.0), atol=1e-6)


def test_a_track_type_plays(tmp_path: Path) -> None:
    voice = np.sin(np.arange(4800) * 0.05).astype(np.float32) * 0.3
    soundfile.write(tmp_path / "voice.wav", voice, 48000, subtype="FLOAT")
    (tmp_path / "s.json").write_text(
        '{"auricle_scene": 1, "tracks": [{"file": "voice.wav", "type": "mid"}]}'
    )
    auricle.Scene.load(tmp_path / "s.json").render(tmp_path / "out.wav")
    out, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    np.testing.assert_allclose(out[:4800, 0], voice, atol=1e-6)
    np.testing.assert_array_equal(out[:, 0], out[:, 1])


def test_keys_that_a_type_has_not_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(
        '{"auricle_scene": 1, "tracks": [{"file": "v.wav", "type": "mid", "source_width_deg": 9}]}'
    )
    with pytest.raises(AuricleError, match="width_deg: a track of type mid is in the middle"):
        auricle.Scene.load(tmp_path / "s.json")


@pytest.mark.parametrize(("name", "table"), TABLES.items())
def test_a_name_is_given_once(name: str, table: Registry) -> None:
    with pytest.raises(AuricleError, match="already; take another name"):
        table.register(table.find(name))
    with pytest.raises(AuricleError, match=f"no program has registered a {table.what}"):
        table.unregister(table.own[0])
    with pytest.raises(AuricleError, match=f"a {table.what} is a "):
        table.register("nothing")


PYPROJECT = """
[project]
name = "toy-things"
version = "1.0"

[project.entry-points."auricle.sparse_methods"]
toy = "toy_things:METHOD"
broken = "toy_things:GONE"

[project.entry-points."auricle.tracker_presets"]
toy-tracker = "toy_things:PRESET"

[project.entry-points."auricle.track_types"]
toy-type = "toy_things:TYPE"
"""
CODE = """
from auricle.osc.trackers.presets import Angles, Preset
from auricle.personalization.sparse.registry import MethodInfo
from auricle.plugin_core.scene.format.track_types import TrackType

METHOD = MethodInfo("toy", "auricle.personalization.sparse.methods.neighbours:Nearest", "a toy")
PRESET = Preset("toy-tracker", None, {"/toy": Angles((0, 1.0), (1, 1.0), (2, 1.0), 3)}, "a toy")
TYPE = TrackType("toy-type", "auricle.plugin_core.scene.playback.track_types.bed:PLAYER")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds a package with entry points, as ``pip install --target`` leaves it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "toy_things.py").write_text(CODE)
    facts = folder / "toy_things-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-things\nVersion: 1.0\n")
    points = re.sub(r'\[project\.entry-points\."(.*?)"\]', r"[\1]", PYPROJECT.split("\n\n", 1)[1])
    (facts / "entry_points.txt").write_text(points.replace('"', ""))
    return folder


def run(installed: Path, code: str) -> str:
    before = f"import sys; sys.path.insert(0, {str(installed)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", before + code], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).strip()


def test_an_installed_package_is_there_without_a_call(installed: Path) -> None:
    code = (
        "from auricle.personalization.sparse.registry import METHODS, method, names\n"
        "from auricle.osc.trackers.presets import preset\n"
        "from auricle.osc.trackers.identification import PresetMatcher\n"
        "from auricle.plugin_core.scene.format.model import Track\n"
        "assert not any(name.startswith('toy') for name in sys.modules)\n"
        "PresetMatcher()\n"
        "print(method('toy')().name, preset('toy-tracker').note)\n"
        "print(Track('a', type='toy-type').type)\n"
        "print('toy' in METHODS, list(METHODS)[-2:])\n"
    )
    assert run(installed, code) == "nearest a toy\ntoy-type\nTrue ['toy', 'broken']"


def test_no_command_loads_a_package_before_its_name_is_asked_for(installed: Path) -> None:
    code = (
        "import auricle.plugin_core.cli\n"
        "print(*(name for name in sys.modules if name.startswith('toy')))\n"
    )
    assert run(installed, code) == ""


def test_one_that_cannot_be_loaded_is_one_line(installed: Path) -> None:
    code = (
        "import auricle.plugin_core.cli as cli\n"
        "sys.exit(cli.main(['compare', '--data', '.', '--method', 'broken']))\n"
    )
    said = run(installed, code)
    assert said.startswith("auricle: error: the method 'broken' of another package cannot be load")
    assert "\n" not in said


def test_help_and_docs_name_what_the_tables_hold() -> None:
    from auricle.plugin_core.commands.train import train

    assert train.__doc__ is not None
    words = set(re.findall(r"[\w-]+", train.__doc__))
    assert set(SYSTEMS.own) <= words
    assert {name for name in METHODS.own if METHODS[name].learned} <= words
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "write it anew: python -m auricle.plugin_core.tables.registries"
