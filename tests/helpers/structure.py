"""The plan of the house: rooms, floors, arrows and circles of each folder, from its imports.

    python tests/helpers/structure.py [FOLDER]

A room is a file or folder that stands in a folder; an arrow is one room that imports another one,
however often, also within functions; floors are the rooms of the longest way along arrows; a circle
is a set of rooms that import each other around. Imports for type checkers alone do not count.
FOLDER is that of another checkout; without it, this one.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("dsp", "osc", "personalization", "plugin_core")

Arrows = dict[str, set[str]]


@dataclass(frozen=True)
class Plan:
    """One folder by itself.

    rooms: names, sorted; arrows: from each room to those that it imports; loose: rooms that are
    files; circles: rooms of each circle.
    """

    folder: str
    rooms: list[str]
    loose: int
    arrows: Arrows
    circles: list[list[str]]

    @property
    def n_arrows(self) -> int:
        """Arrows from any room to another one."""
        return sum(len(to) for to in self.arrows.values())

    @property
    def floors(self) -> int:
        """Rooms on the longest way along arrows; a circle is one of them."""
        home = {room: "+".join(circle) for circle in self.circles for room in circle}
        merged: Arrows = {}
        for room, to in self.arrows.items():
            here = home.get(room, room)
            merged.setdefault(here, set()).update(home.get(each, each) for each in to)
        for here, to in merged.items():
            to.discard(here)
        height: dict[str, int] = {}

        def climb(room: str) -> int:
            if room not in height:
                height[room] = 1 + max((climb(each) for each in merged[room]), default=0)
            return height[room]

        return max((climb(room) for room in merged), default=0)


def module_of(path: Path, root: Path = ROOT) -> str:
    """``dsp/sphere/mesh.py`` is ``dsp.sphere.mesh``; a folder's own file is the folder."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def files_of(root: Path = ROOT) -> list[Path]:
    """Every Python file of the four folders."""
    return sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))


def imports(root: Path = ROOT) -> Arrows:
    """Of each module, the modules of the four folders that it imports."""
    paths = {module_of(path, root): path for path in files_of(root)}
    found: Arrows = {}
    for name, path in paths.items():
        to = {_longest(each, paths) for each in _imported(path)}
        found[name] = {each for each in to if each and each != name}
    return found


def _longest(name: str, known: dict[str, Path]) -> str:
    """The module that an imported name is, or stands in."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def _imported(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("auricle.") for name in names if name.startswith("auricle."))


def plan(folder: str, modules: Arrows) -> Plan:
    """Of a folder like ``dsp`` or ``dsp/sphere``."""
    prefix = folder.replace("/", ".") + "."
    arrows: Arrows = {}
    folders: set[str] = set()
    for name, to in modules.items():
        if not name.startswith(prefix):
            continue
        room, _, rest = name.removeprefix(prefix).partition(".")
        folders |= {room} if rest else set()
        into = {
            each.removeprefix(prefix).partition(".")[0] for each in to if each.startswith(prefix)
        }
        arrows.setdefault(room, set()).update(into - {room})
    rooms = sorted(arrows)
    return Plan(folder, rooms, len(set(rooms) - folders), arrows, _circles(arrows))


def file_circles(modules: Arrows) -> list[list[str]]:
    """Circles of files, anywhere."""
    return _circles(modules)


def _circles(arrows: Arrows) -> list[list[str]]:
    reach = {room: _reached(room, arrows) for room in arrows}
    circles = {
        tuple(sorted({room} | {each for each in reach[room] if room in reach[each]}))
        for room in arrows
        if room in reach[room]
    }
    return sorted(list(circle) for circle in circles)


def _reached(room: str, arrows: Arrows) -> set[str]:
    found: set[str] = set()
    waiting = [room]
    while waiting:
        for each in arrows.get(waiting.pop(), ()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


def rows(root: Path = ROOT) -> Iterator[str]:
    """The table, a line a folder."""
    modules = imports(root)
    wings = sorted({name.rpartition(".")[0].replace(".", "/") for name in modules} - {""})
    heads = f"{'files':>5} {'rooms':>5} {'loose':>5} {'floors':>6} {'arrows':>6}"
    yield f"{'folder':44} {heads} circles"
    for folder in wings:
        one = plan(folder, modules)
        inside = folder.replace("/", ".") + "."
        n_files = sum(name.startswith(inside) for name in modules)
        circles = "; ".join(" + ".join(circle) for circle in one.circles) or "none"
        yield (
            f"{folder:44} {n_files:5} {len(one.rooms):5} {one.loose:5} {one.floors:6} "
            f"{one.n_arrows:6} {circles}"
        )
    yield f"circles of files: {'; '.join(' + '.join(c) for c in file_circles(modules)) or 'none'}"


def main() -> None:
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    print(*rows(root), sep="\n")


if __name__ == "__main__":
    main()
