"""What stands outside the package: registered by a program, or brought by an installed package."""

import dataclasses
import json
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from listener_groups import some_listeners
from project import ROOT

import auricle
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.registry import Registry
from auricle.osc.protocol import messages
from auricle.osc.scene.target import MemoryTarget
from auricle.osc.session.session import Session
from auricle.osc.trackers.presets import PRESETS
from auricle.osc.trackers.reader import PoseReader
from auricle.personalization.datasets.registry import DATASETS
from auricle.personalization.endtoend.physics.poses import Poses
from auricle.personalization.endtoend.systems.registry import SYSTEMS, SystemInfo, system
from auricle.personalization.listeners.features import SAMPLE_RATE, to_responses
from auricle.personalization.sparse.registry import METHODS, MethodInfo, method
from auricle.plugin_core.cli import main
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.format.schema import key, to_json
from auricle.plugin_core.scene.format.track_types import TRACK_TYPES, TrackType

TABLES: dict[str, Registry] = {
    "loudest": METHODS, "my-tracker": PRESETS, "MINE": DATASETS, "mid": TRACK_TYPES,
    "ear-gains": SYSTEMS,
}  # fmt: skip
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
HAS_TORCH = find_spec("torch") is not None
if not HAS_TORCH:
    BLOCKS = [block for block in BLOCKS if "import torch" not in block]
    del TABLES["ear-gains"]


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
    for table in (METHODS, SYSTEMS, PRESETS, DATASETS, TRACK_TYPES):
        assert f"`{table.group}`" in PAGE
    assert len(BLOCKS) == len(TABLES)


def test_a_method_predicts() -> None:
    made = method("loudest")()
    listeners = some_listeners(3)
    measured = listeners.take([0]).listener(0)
    found = made.predict(measured, measured.positions[:2])
    assert found.magnitude_db.shape == (2, *measured.magnitude_db.shape[1:])


def told(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    """What the command line says of a command that ends well."""
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in args])
    printed = capsys.readouterr()
    assert ended.value.code in (0, None), printed.err
    return printed.out


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data sets with the page's, four listeners in SOFA files."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "mine").mkdir()
    people = some_listeners(4)
    for row in range(4):
        ir = to_responses(*people.listener(row).features)
        hrtf = HrtfSet(ir, people.positions, 1.2, SAMPLE_RATE)
        hrtf.save(folder / "mine" / f"subject_{row}.sofa")
    return folder


def test_a_method_completes_a_set_by_the_command(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = HrtfSet.load(data / "mine" / "subject_0.sofa")
    few = HrtfSet(whole.ir[::40], whole.positions[::40], whole.radius_m, whole.sample_rate)
    few.save(tmp_path / "few.sofa")
    said = told(
        capsys, "personalize", "sparse", tmp_path / "few.sofa", "-o", tmp_path / "all.sofa",
        "--method", "loudest",
    )  # fmt: skip
    assert "predicted by loudest" in said
    assert HrtfSet.load(tmp_path / "all.sofa").n_directions > 400


@pytest.mark.parametrize("more", [("--folds", 2), ("--densify",)])
def test_a_method_is_compared_on_a_data_set(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple
) -> None:
    said = told(
        capsys, "compare", "--data", data, "--set", "mine", "--method", "loudest", "--method",
        "nearest", "--cache", tmp_path, "--json", *more,
    )  # fmt: skip
    results = json.loads(said)
    assert {each["method"] for each in results} == {"loudest", "nearest"}
    assert {each["dataset"] for each in results} == {"MINE"}
    if more == ("--folds", 2):
        assert {each["n_measured"] for each in results} == set(DATASETS["MINE"].compared_counts)
    lsd_db = {each["method"]: np.mean(each["listeners"]["lsd_db"]) for each in results}
    assert lsd_db["loudest"] > lsd_db["nearest"] > 0.0


def test_a_method_that_is_none_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for name, place, why in (
        ("shapeless", "builtins:int", "'shapeless': builtins:int has no fit()"),
        ("constant", "math:pi", "'constant': math:pi makes no method, it is 3.14"),
        ("nowhere", "no_such_module:Method", "nowhere: no_such_module:Method cannot be imported"),
    ):
        METHODS.register(MethodInfo(name, place, "none"))
        try:
            with pytest.raises(SystemExit) as ended:
                main(["compare", "--data", ".", "--method", name])
        finally:
            METHODS.unregister(name)
        said = capsys.readouterr().err
        assert ended.value.code == 2
        assert why in said
        assert said.count("\n") == 1


@pytest.mark.skipif(not HAS_TORCH, reason="needs torch")
def test_a_system_is_a_neural_renderer() -> None:
    made = system("ear-gains")(code_size=3)
    made.net = made.build()
    sound = np.ones(1280, dtype=np.float32)
    poses = Poses(np.tile([2.0, 0.0, 0.0], (11, 1)))
    assert made.render(sound, poses, np.zeros(3, dtype=np.float32)).shape == (2, 1280)
    SYSTEMS.register(SystemInfo("no-renderer", "builtins:dict", "none"))
    try:
        with pytest.raises(AuricleError, match="builtins:dict is no NeuralRenderer"):
            system("no-renderer")
    finally:
        SYSTEMS.unregister("no-renderer")


def test_a_preset_reads_a_datagram() -> None:
    target = MemoryTarget(1)
    session = Session(target, tracker=PRESETS.find("my-tracker"))
    session.receive(messages.encode("/mine/head", [90.0, 0.0, 0.0]), 0.0, 0.0)
    session.advance(0.0)
    np.testing.assert_allclose(np.abs(target.orientation), np.sqrt([0.5, 0.0, 0.0, 0.5]), atol=1e-6)


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


def scene_with(folder: Path, track: str) -> Path:
    path = folder / "s.json"
    path.write_text('{"auricle_scene": 1, "tracks": [\n{"file": "voice.wav", ' + track + "}]}")
    return path


def test_keys_of_a_type_are_heard_and_written(tmp_path: Path) -> None:
    voice = np.sin(np.arange(4800) * 0.05).astype(np.float32) * 0.3
    soundfile.write(tmp_path / "voice.wav", voice, 48000, subtype="FLOAT")
    scene = auricle.Scene.load(scene_with(tmp_path, '"type": "mid", "balance": 0.75'))
    scene.render(tmp_path / "out.wav")
    out, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    np.testing.assert_allclose(out[:4800], voice[:, None] * [1.0, 0.25], atol=1e-6)
    assert to_json(scene.tracks[0])["balance"] == 0.75
    assert Track("voice.wav", type="mid").own.balance == 0.0
    with pytest.raises(AuricleError, match="is not of a track of type bed"):
        Track("voice.wav", type="bed", own=scene.tracks[0].own)


@pytest.mark.parametrize(
    ("track", "why"),
    [
        ('"type": "mid", "balance": 2', "balance: must be from -1 to 1, got 2"),
        ('"type": "mid", "balance": "left"', "balance: must be a number, not 'left'"),
        ('"type": "mid", "balanse": 1', 'balanse: unknown key; did you mean "balance"?'),
        ('"type": "binaural", "balance": 1', "balance: unknown key; "),
        ('"type": "mid", "own": 1', "own: unknown key"),
    ],
)
def test_keys_of_a_type_are_checked_by_line_and_key(tmp_path: Path, track: str, why: str) -> None:
    path = scene_with(tmp_path, track)
    with pytest.raises(AuricleError) as refused:
        auricle.Scene.load(path)
    said = str(refused.value)
    assert "s.json: line 2: tracks[0]." + why in said
    assert "\n" not in said


def test_keys_that_every_track_has_are_no_type_s_own(tmp_path: Path) -> None:
    @dataclasses.dataclass(frozen=True)
    class Keys:
        file: str = key("a", "taken")

    TRACK_TYPES.register(TrackType("greedy", "builtins:int", keys=Keys))
    try:
        with pytest.raises(AuricleError, match=r"tracks\[0\]\.type: greedy has the key file"):
            auricle.Scene.load(scene_with(tmp_path, '"type": "greedy"'))
    finally:
        TRACK_TYPES.unregister("greedy")
    with pytest.raises(AuricleError, match="the keys of the track type 'x' are a dataclass, got 3"):
        TrackType("x", "builtins:int", keys=3)  # type: ignore[arg-type]


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
other-name = "toy_things:METHOD"
number = "toy_things:NUMBER"
unlicensed = "toy_things:UNLICENSED"

[project.entry-points."auricle.datasets"]
broken-set = "toy_things:GONE"

[project.entry-points."auricle.tracker_presets"]
toy-tracker = "toy_things:PRESET"

[project.entry-points."auricle.track_types"]
toy-type = "toy_things:TYPE"
"""
CODE = """
from auricle.osc.trackers.presets import Angles, Preset
from auricle.personalization.sparse.registry import MethodInfo
from auricle.plugin_core.scene.format.track_types import TrackType

NUMBER = 3
UNLICENSED = MethodInfo("unlicensed", "toy_unlicensed:Method", "fails when it is imported")
METHOD = MethodInfo("toy", "auricle.personalization.sparse.methods.neighbours:Nearest", "a toy")
PRESET = Preset("toy-tracker", None, {"/toy": Angles((0, 1.0), (1, 1.0), (2, 1.0), 3)}, "a toy")
TYPE = TrackType("toy-type", "auricle.plugin_core.scene.playback.track_types.bed:PLAYER")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds a package with entry points, as ``pip install --target`` leaves it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "toy_things.py").write_text(CODE)
    (folder / "toy_unlicensed").with_suffix(".py").write_text("raise RuntimeError('no licence')")
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
        "print('toy' in METHODS, list(METHODS)[-5:-3])\n"
    )
    assert run(installed, code) == "nearest a toy\ntoy-type\nTrue ['toy', 'broken']"


def test_no_command_loads_a_package_before_its_name_is_asked_for(installed: Path) -> None:
    code = (
        "import auricle.plugin_core.cli\n"
        "print(*(name for name in sys.modules if name.startswith('toy')))\n"
    )
    assert run(installed, code) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", "the method 'broken' of another package (toy_things:GONE) cannot be loaded: At"),
        ("other-name", "(toy_things:METHOD) calls itself 'toy'; give both the same name"),
        ("number", "(toy_things:NUMBER) is no MethodInfo, got 3"),
        ("unlicensed", "unlicensed: toy_unlicensed:Method cannot be imported: RuntimeError: no li"),
    ],
)
def test_one_that_cannot_be_loaded_is_one_line(installed: Path, name: str, why: str) -> None:
    code = (
        "import auricle.plugin_core.cli as cli\n"
        f"sys.exit(cli.main(['compare', '--data', '.', '--method', {name!r}]))\n"
    )
    said = run(installed, code)
    assert said.startswith("auricle: error: ")
    assert why in said
    assert "\n" not in said


def test_the_rest_goes_on_working_and_what_is_left_out_is_said_once(installed: Path) -> None:
    code = (
        "from auricle.personalization.datasets.registry import find\n"
        "from auricle.personalization.sparse.registry import METHODS\n"
        "print(find('hutubs').name, find('cipic').name, METHODS.usable()[-2].name)\n"
        "METHODS.usable()\n"
    )
    printed, *warned = run(installed, code).splitlines()
    assert printed == "HUTUBS CIPIC toy"
    assert len(warned) == 4
    for line, name in zip(warned, ("broken-set", "broken", "other-name", "number"), strict=True):
        assert f"PackageWarning: the {'data set' if 'set' in name else 'method'} '{name}'" in line
        assert line.endswith("; it is left out")


def test_pages_name_all_models_and_no_others() -> None:
    models = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    first = models.split("| name | mechanism | file |", 1)[1].split("\n\n", 1)[0]
    named = re.findall(r"^\| `([\w-]+)` \|", first, re.M)
    assert sorted(named) == sorted(name for name in METHODS.own if METHODS[name].learned)
    methods = (ROOT / "docs" / "personalization.md").read_text(encoding="utf-8")
    assert set(re.findall(r"--method ([a-z-]+)", methods + models)) <= set(METHODS.own)
    systems = (ROOT / "docs" / "endtoend.md").read_text(encoding="utf-8")
    assert set(re.findall(r"auricle train ([a-z-]+)", systems)) == set(SYSTEMS.own)


def test_help_and_docs_name_what_the_tables_hold() -> None:
    from auricle.plugin_core.commands.train import train

    assert train.__doc__ is not None
    words = set(re.findall(r"[\w-]+", train.__doc__))
    assert set(SYSTEMS.own) <= words
    assert {name for name in METHODS.own if METHODS[name].learned} <= words
