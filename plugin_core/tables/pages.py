"""Pages of docs/ that are written from tables and dataclasses, all by one command.

python -m auricle.plugin_core.tables.pages            writes those that are not up to date
python -m auricle.plugin_core.tables.pages --check    names them, with exit status 1
"""

import sys
from collections.abc import Callable
from pathlib import Path

from auricle.plugin_core.scene import docs_page
from auricle.plugin_core.tables import registries

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "methods.md": registries.as_markdown,
    "scene.md": docs_page.text,
}
COMMAND = "python -m auricle.plugin_core.tables.pages"


def stale(folder: Path = DOCS) -> list[str]:
    """Names of pages in a folder that are not what would be written."""
    found = []
    for name, text in PAGES.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text():
            found.append(name)
    return found


def write(folder: Path = DOCS) -> list[str]:
    """Write those pages anew, and say which."""
    names = stale(folder)
    for name in names:
        (folder / name).write_text(PAGES[name](), encoding="utf-8")
    return names


def main(arguments: list[str]) -> int:
    """The command; the exit status is 1 where a check found stale pages."""
    check = arguments == ["--check"]
    names = stale() if check else write()
    for name in names:
        print(f"docs/{name} is stale: {COMMAND}" if check else f"docs/{name} written")
    return int(check and bool(names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
