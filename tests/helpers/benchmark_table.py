"""The table of benchmarks/README.md, from the scripts' docstrings.

    python tests/helpers/benchmark_table.py

A script's docstring begins with a sentence on what the script prints. Behind it stands, indented,
how the script is called; the last line may be "Takes 2 min.".
"""

import ast
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def as_markdown() -> str:
    """A row a script: how it is called, what it prints, and how long that takes."""
    rows = ["| `python benchmarks/...` | what the script does | time |", "|---|---|---|"]
    for path in sorted(FOLDER.rglob("*.py")):
        name = path.relative_to(FOLDER).as_posix()
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        call = re.search(rf"^    python benchmarks/({re.escape(name)}\b.*)$", doc, re.M)
        assert call, f"{name}: its docstring says in an indented line how it is called"
        takes = re.search(r"^Takes (.*)\.$", doc, re.M)
        first = doc.splitlines()[0].rstrip(".")
        rows.append(f"| `{call[1]}` | {first} | {takes[1] if takes else ''} |".replace("  |", " |"))
    return "\n".join(rows)


if __name__ == "__main__":
    print(as_markdown())
