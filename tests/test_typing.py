"""What a type checker sees of ``import auricle``: every public name, with its signature."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import auricle

ROOT = Path(__file__).resolve().parents[1]

RIGHT = """
import numpy as np
import auricle
from auricle import Air, AmbisonicRenderer, Input, Noise, OscClient, Tone, Track

result: auricle.RenderResult = auricle.render("a.wav", "b.wav", azimuth_deg=30)
hrtf: auricle.HrtfSet = auricle.HrtfSet.load("listener.sofa")
row: int = hrtf.nearest(30.0)
first = hrtf.itd()[row] + hrtf.ir[row, 0, 0]
renderer = auricle.BinauralRenderer(hrtf, sample_rate=48000, n_sources=2, air=Air())
out: np.ndarray = renderer.process(np.zeros((2, 64), dtype=np.float32))
scene = AmbisonicRenderer(hrtf, order=3)
chain = auricle.Chain([auricle.BinauralPlugin(hrtf, azimuth_deg=30)])
live = auricle.Live(None, [Input(), Track("a.wav", loop=True), Noise(), Tone(440.0)])
auricle.Scene.load("scene.json").render("out.wav")
with OscClient(port=4001) as client:
    client.send("/adm/obj/1/gain", 0.5)
"""

WRONG = """
import auricle

auricle.render("a", "b", azimut=3)  # wrong
auricle.HrtfSet.lode("a.sofa")  # wrong
auricle.HrtfSett  # wrong
auricle.default_hrtf("fast")  # wrong
auricle.Live(sources="a.wav", backnd="jack")  # wrong
auricle.default_hrtf().nearest("left")  # wrong
number: int = auricle.default_hrtf().radius_m  # wrong
auricle.OscClient(prot=4001)  # wrong
auricle.Track(7)  # wrong
"""


@pytest.mark.slow
def test_mistakes_are_found_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(RIGHT, encoding="utf-8")
    wrong.write_text(WRONG, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", right, wrong],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {
        (Path(name).name, int(line))
        for name, line in re.findall(r"^(.*):(\d+): error:", run.stdout, re.MULTILINE)
    }
    lines = enumerate(WRONG.splitlines(), 1)
    assert found == {("wrong.py", n) for n, line in lines if line.endswith("# wrong")}, run.stdout


def test_the_public_names_are_listed_alike_three_times() -> None:
    tree = ast.parse((ROOT / "auricle" / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == auricle._HOMES
    assert auricle.__all__ == sorted(auricle._HOMES)


def test_every_public_name_is_there() -> None:
    for name in auricle.__all__:
        value = getattr(auricle, name)
        assert value.__module__ == auricle._HOMES[name]
        assert value.__doc__


def test_the_readme_uses_public_names() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL):
        for name in re.findall(r"\bauricle\.([A-Za-z_]\w*)", block):
            assert name in auricle.__all__, f"auricle.{name}"
