"""docs/methods.md: the tables of methods, systems and track types, from their registries.

Written by ``python -m auricle.plugin_core.tables.pages``.
"""

from collections.abc import Iterator

from auricle.personalization.endtoend.systems.registry import SYSTEMS
from auricle.personalization.sparse.registry import METHODS
from auricle.plugin_core.scene.format.track_types import TRACK_TYPES


def as_markdown() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Methods, systems and track types by name"
    yield ""
    yield "Written from the tables themselves (`python -m auricle.plugin_core.tables.pages`);"
    yield "your own: [extending.md](extending.md)."
    yield ""
    yield "## Methods of spatial upsampling"
    yield ""
    yield "For `auricle compare --method` and `auricle personalize sparse --method`; how they fare:"
    yield "[personalization.md](personalization.md), [models.md](models.md)."
    yield ""
    yield "| method | what it predicts by | trained by `auricle train` | compared by default |"
    yield "|---|---|---|---|"
    for name in METHODS.own:
        method = METHODS[name]
        trained = "yes, with torch" if method.learned else ""
        yield f"| `{name}` | {method.summary} | {trained} | {', '.join(method.compared)} |"
    yield ""
    yield "## End-to-end systems"
    yield ""
    yield "For `auricle train`, `auricle compare --family endtoend` and `auricle neural render"
    yield "--model`: [endtoend.md](endtoend.md)."
    yield ""
    yield "| system | what it is | renders |"
    yield "|---|---|---|"
    for name in SYSTEMS.own:
        system = SYSTEMS[name]
        how = "in blocks, without torch" if system.in_blocks else "in pieces, with torch"
        yield f"| `{name}` | {system.summary} | {how} |"
    yield ""
    yield "## Track types of scenes"
    yield ""
    yield "The key `type` of a track: [scene.md](scene.md)."
    yield ""
    yield "| type | where it is | keys of its own |"
    yield "|---|---|---|"
    for name in TRACK_TYPES.own:
        track = TRACK_TYPES[name]
        keys = ", ".join(f"`{key}`" for key in track.key_names)
        yield f"| `{name}` | {track.where} | {keys} |"
