"""Pages name what there is: the API's names, benchmarks, files."""

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


def test_the_reference_has_every_public_name() -> None:
    for name in auricle.__all__:
        assert f"::: {auricle._HOMES[name]}.{name}\n" in API, name


def test_the_table_of_benchmarks_is_that_of_the_scripts() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert benchmark_table.as_markdown() in page, "python tests/helpers/benchmark_table.py"


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
