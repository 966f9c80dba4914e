"""What commands say before they work, where Numba keeps its code and where it cannot."""

import re
import subprocess
import sys

import pytest

from auricle.dsp.render.spatialize import spatialize
from auricle.plugin_core.commands import console
from auricle.plugin_core.commands.placement import number_or_name

# As in a container whose folders cannot be written, not even by its administrator.
WITHOUT_A_FOLDER = """
import sys
from numba.core.caching import CacheImpl
CacheImpl._locator_classes = []
from auricle.plugin_core.cli import main
sys.argv = ["auricle", *sys.argv[1:]]
sys.exit(main())
"""


def test_render_says_that_it_compiles_each_time_where_nothing_can_be_kept(tmp_path) -> None:
    words = ["render", str(tmp_path / "absent.wav"), "-o", str(tmp_path / "mix.wav")]
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_FOLDER, *words], capture_output=True, text=True
    )
    said = run.stderr.splitlines()
    assert said[0].startswith("auricle: compiling, up to half a minute, at each run"), run.stderr
    assert "absent.wav" in said[1]
    assert (run.returncode, len(said)) == (2, 2)


@pytest.mark.parametrize("kept", [False, True])
def test_the_first_run_is_announced_once(kept, monkeypatch, capsys, tmp_path) -> None:
    if kept:
        (tmp_path / "spatialize.spatialize-1.py312.nbi").touch()
    monkeypatch.setattr(spatialize.stats.__class__, "cache_path", str(tmp_path))
    console.say_first_run()
    said = capsys.readouterr().err
    assert re.fullmatch("" if kept else r"auricle: first run: compiling, once; .*\n", said)


@pytest.mark.parametrize(
    ("text", "value"),
    [("16", 16), ("full", "full"), ("-3", "-3"), (None, None), ("²", "²"), ("9" * 5000,) * 2],
)
def test_only_numbers_become_numbers(text, value) -> None:
    assert number_or_name(text) == value
