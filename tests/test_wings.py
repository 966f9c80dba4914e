"""The plan of the house: rooms in order, no circles, and a map at the door of each folder."""

import ast
import re

import pytest
from structure import FOLDERS, ROOT, file_circles, imports, plan

MODULES = imports()
# From the ground up: a room imports only what stands to its left.
ORDER = {
    "dsp": (
        "errors registry arrays geometry compiled streaming storage filters sphere convolution "
        "acoustics responses netcdf metrics sofa hrtf evaluation interpolation distance "
        "preparation render iir ambisonics loudspeakers neural"
    ),
    "osc": "errors quaternion statistics protocol scene addresses trackers session network",
    "personalization": "model_files datasets learning listeners metrics sparse endtoend",
    "personalization/sparse": (
        "method registry trained listener_gp methods models completion evaluation"
    ),
    "personalization/endtoend": ("physics listeners systems scenes training models evaluation"),
    "plugin_core": (
        "errors listener audio motion plugins mixing mastering pictures adm scene offline neural "
        "live bench tables demo commands cli"
    ),
}
# Files of one kind, which a table names: the map has a line only for what is of another kind.
OF_ONE_KIND = {
    "personalization/sparse/methods",
    "personalization/sparse/models",
    "personalization/endtoend/models",
    "plugin_core/scene/playback/track_types",
}
PLACES = sorted(path.parent for folder in FOLDERS for path in (ROOT / folder).rglob("__init__.py"))


@pytest.mark.parametrize("folder", ORDER)
def test_rooms_import_only_what_stands_before_them(folder: str) -> None:
    order = ORDER[folder].split()
    drawn = plan(folder, MODULES)
    assert set(drawn.rooms) == set(order), "give a new room its place in the order"
    back = {
        f"{room} -> {other}"
        for room, to in drawn.arrows.items()
        for other in to
        if order.index(other) > order.index(room)
    }
    assert not back


def test_no_files_import_each_other_in_a_circle() -> None:
    assert not file_circles(MODULES)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place.relative_to(ROOT)))
def test_the_door_of_each_folder_says_what_is_in_it(place) -> None:
    """A line that begins with the name, for each file and folder that no table names."""
    text = ast.get_docstring(ast.parse((place / "__init__.py").read_text(encoding="utf-8"))) or ""
    named = set(re.findall(r"^(\w+)  +\S", text, flags=re.MULTILINE))
    rooms = {path.stem for path in place.glob("*.py")} - {"__init__"}
    rooms |= {path.parent.name for path in place.glob("*/__init__.py")}
    if place.relative_to(ROOT).as_posix() in OF_ONE_KIND:
        assert "their table: ``" in text
        assert named <= rooms
    else:
        assert named == rooms
