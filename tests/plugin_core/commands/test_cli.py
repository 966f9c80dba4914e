"""The command line as a whole: the order of its help, and commands that lack their command."""

import re

import pytest
from typer.testing import CliRunner

from auricle.plugin_core import cli


def test_the_help_lists_what_most_need_first() -> None:
    printed = CliRunner().invoke(cli.app, ["--help"]).output
    found = re.findall(r"^\W+([a-z]+)  +[A-Z]", printed.split("Commands")[1], flags=re.MULTILINE)
    assert found == [*cli.ORDER, "bench"]


@pytest.mark.parametrize("group", ["osc", "personalize"])
def test_a_group_alone_shows_its_commands_and_one_line(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([group])
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert "Commands" in printed.out
    assert printed.err == "auricle: error: name a command of those above\n"


def test_bench_refuses_a_time_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["bench", "--seconds", "0"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "auricle: error: --seconds is a time above 0, got 0\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--folds", "1"], "at least 2, got 1"), (["-o", "none/x.md"], "there is no folder none")],
)
def test_compare_refuses_before_the_work(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["compare", "--data", "none", *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
