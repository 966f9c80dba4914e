"""What the channels of a track are, by the scene and by the header of its file.

Without a word of the scene the header decides, and without one of the header the usual. Where both
speak and disagree the scene is obeyed, and that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from auricle.dsp.ambisonics import fuma
from auricle.dsp.errors import AuricleError
from auricle.dsp.loudspeakers.channel_roles import in_order_of, layout_of_header
from auricle.dsp.loudspeakers.layouts import (
    LAYOUTS,
    Layout,
    layout,
    layout_for_channels,
    layout_of_labels,
)
from auricle.plugin_core.audio.headers import Header
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.format.schema import KeyProblem


@dataclass(frozen=True)
class Channels:
    """What a track's channels are.

    Attributes:
        counts: how many it may have.
        layout: of a bed, in the order of the channels.
        order, normalisation: of ambisonics.
        note: a sentence where header and scene disagree, else "".
    """

    counts: tuple[int, ...]
    layout: Layout | None = None
    order: int = 0
    normalisation: str = ""
    note: str = ""


def channels_of(track: Track, header: Header, n_channels: int) -> Channels:
    """What a track's channels are.

    Args:
        track: as the scene has it; header: of its file, of the channels that it takes.
        n_channels: that it takes.

    Raises:
        KeyProblem: a layout or an order that does not exist, or that nobody names.
    """
    if track.type == "ambisonic":
        return _ambisonics(track, header, n_channels)
    if track.type == "bed":
        return _bed(track, header, n_channels)
    return Channels((1, 2))


def _ambisonics(track: Track, header: Header, n_channels: int) -> Channels:
    normalisation = track.normalisation or ("fuma" if header.ambisonics == "fuma" else "sn3d")
    is_fuma = normalisation == "fuma"
    note = ""
    if header.ambisonics and is_fuma != (header.ambisonics == "fuma"):
        note = f"{header.by} says {_NAMES[header.ambisonics]}, the scene {_NAMES[normalisation]}"
    elif header.labels and not header.by_format and track.channels == "all":
        note = f"{header.by} says {_said(header.labels)}, the scene ambisonics"
    if track.order is None:
        try:
            order = fuma.order_of_fuma(n_channels) if is_fuma else _order(n_channels)
        except AuricleError as error:
            raise KeyProblem("channels", str(error)) from None
    else:
        order = track.order
    if is_fuma and order > fuma.MAX_ORDER:
        raise KeyProblem("order", f"FuMa ends at order {fuma.MAX_ORDER}, got {order}")
    counts = [n for n in fuma.SETS if fuma.order_of_fuma(n) == order] if is_fuma else []
    return Channels(tuple(counts) or ((order + 1) ** 2,), None, order, normalisation, _obeyed(note))


_NAMES = {"fuma": "FuMa", "ambix": "AmbiX", "sn3d": "ACN and SN3D", "n3d": "ACN and N3D"}


def _order(n_channels: int) -> int:
    order = isqrt(n_channels) - 1
    if (order + 1) ** 2 != n_channels or not 1 <= order <= 7:
        raise AuricleError(
            f"{n_channels} channels are no full set of ambisonics; those have 4, 9, 16, 25, 36, 49 "
            "or 64"
        )
    return order


def _bed(track: Track, header: Header, n_channels: int) -> Channels:
    found = _named(track, header, n_channels)
    fit = in_order_of(found, header.labels) if len(header.labels) == found.n_channels else None
    note = ""
    if header.ambisonics:
        note = f"{header.by} says {_NAMES[header.ambisonics]}, the scene a bed"
    elif track.channel_order is None and isinstance(track.layout, str | None):
        if fit is not None:
            found = fit
        elif header.labels and not header.by_format:
            note = f"{header.by} says {_said(header.labels)}, the scene {found.name}"
    elif header.labels and track.channels == "all":
        differs = not header.by_format if fit is None else fit.labels != found.labels
        if differs:
            note = f"{header.by} says {_said(header.labels)}, the scene {_said(found.labels)}"
    return Channels((found.n_channels,), found, note=_obeyed(note))


def _named(track: Track, header: Header, n_channels: int) -> Layout:
    """The layout that the scene names, else the header, else the number of channels."""
    try:
        if isinstance(track.layout, tuple):
            return layout_of_labels(track.layout)
        if track.layout is not None:
            found = layout(track.layout)
        else:
            known = layout_of_header(header.labels)
            known = known and LAYOUTS.get(known.name, known)
            found = known or layout_for_channels(n_channels)
    except AuricleError as error:
        raise KeyProblem("layout", str(error)) from None
    try:
        return found.ordered(track.channel_order or "smpte")
    except AuricleError as error:
        raise KeyProblem("channel_order", str(error)) from None


def _said(labels: Sequence[str]) -> str:
    return " ".join(label or "?" for label in labels)


def _obeyed(note: str) -> str:
    return note and f"{note}; it plays as the scene says"


def whole_file(name: str, header: Header, n_channels: int) -> tuple[Track, Channels, str]:
    """A file of more than two channels as a track of its own, and a sentence on what it is.

    Raises:
        AuricleError: neither its header nor the number of its channels says what they are.
    """
    if header.ambisonics:
        track = Track(name, type="ambisonic")
        found = channels_of(track, header, n_channels)
        kind = f"{_NAMES[found.normalisation]} ambisonics of order {found.order}"
        return track, found, f"plays as {kind}, as {header.by} says"
    square = isqrt(n_channels) ** 2 == n_channels
    if square and (not header.labels or header.by_format):
        raise AuricleError(
            f"has {n_channels} channels, which may be loudspeakers or ambisonics; say which in a "
            'scene, by "type": "bed" or "type": "ambisonic"'
        )
    track = Track(name, type="bed")
    try:
        found = channels_of(track, header, n_channels)
    except KeyProblem:
        raise AuricleError(
            f"has {n_channels} channels, of which no layout is usual; name it in a scene, by "
            '"type": "bed" and "layout", or split the file into mono or stereo tracks'
        ) from None
    assert found.layout is not None
    why = f"as {header.by} says" if header.labels else "as is usual; a scene can say otherwise"
    name = found.layout.name if found.layout.name in LAYOUTS else "bed"
    return track, found, f"plays as {name} ({_said(found.layout.labels)}), {why}"
