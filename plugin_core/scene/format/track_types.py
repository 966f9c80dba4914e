"""The table of a scene's track types: which keys each has, and what plays it.

A type is added by its file in ``playback/track_types`` and an entry here, or from outside
(``TRACK_TYPES.register``, or an entry point of the group ``auricle.track_types``;
docs/extending.md).
"""

from dataclasses import dataclass, fields, is_dataclass

from auricle.dsp.errors import AuricleError
from auricle.dsp.registry import Registry

_HERE = "auricle.plugin_core.scene.playback.track_types"


@dataclass(frozen=True)
class TrackType:
    """A type of track.

    Attributes:
        name: the value of the key ``type``.
        player: "module:attribute" of a ``TypePlayer`` (playback/track_types), imported when a
            scene has such a track.
        where: in messages, where it is: "is all around".
        own_keys: keys of ``Track`` that no other type has.
        keys: a frozen dataclass of further keys, its fields made with ``format.schema.key``;
            a track holds one as ``Track.own``.
        is_placed: whether it has a place, a distance, a directivity and a width.
        also: of the keys of placed tracks those that it has nevertheless.
        hears_listener: whether the listener's set is needed to play it.
    """

    name: str
    player: str
    where: str = "is all around"
    own_keys: tuple[str, ...] = ()
    keys: type | None = None
    is_placed: bool = False
    also: tuple[str, ...] = ()
    hears_listener: bool = True

    @property
    def key_names(self) -> tuple[str, ...]:
        """All keys that are its own."""
        more = fields(self.keys) if self.keys is not None else ()
        return (*self.own_keys, *(each.name for each in more))

    def __post_init__(self) -> None:
        if self.keys is not None and not (isinstance(self.keys, type) and is_dataclass(self.keys)):
            raise AuricleError(
                f"the keys of the track type {self.name!r} are a dataclass, got {self.keys!r}"
            )


TRACK_TYPES = Registry(
    "track type", "auricle.track_types", TrackType,
    [
        TrackType("object", f"{_HERE}.placed_object:PLAYER", "is at a place", is_placed=True),
        TrackType("binaural", f"{_HERE}.binaural:PLAYER", "is at the ears", hears_listener=False),
        TrackType("bed", f"{_HERE}.bed:PLAYER", own_keys=("layout", "channel_order")),
        TrackType("ambisonic", f"{_HERE}.ambisonic:PLAYER", own_keys=("order", "normalisation"),
                  also=("head_locked",)),
    ],
)  # fmt: skip
PLACED_KEYS = ("position", "head_locked", "distance", "directivity", "source_width_deg")
