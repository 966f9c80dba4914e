"""The table of benchmarks/README.md, from the scripts' docstrings.

python tests/helpers/benchmark_table.py
"""

import ast
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def as_markdown() -> str:
    """A row a script: its path and the first line of its docstring."""
    rows = ["| script | what it prints |", "|---|---|"]
    for path in sorted(FOLDER.rglob("*.py")):
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "."
        first = doc.splitlines()[0].rstrip(".:")
        rows.append(f"| `{path.relative_to(FOLDER).as_posix()}` | {first} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(as_markdown())
