"""Channels of a track, by the scene and by the header of its file.

Without a word of the scene the header decides, and without one of the header the usual. Where both
speak and disagree the scene is obeyed, and that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from auricle.dsp.loudspeakers.layouts import Layout

CONVENTIONS = {"fuma": "FuMa", "ambix": "AmbiX", "sn3d": "ACN and SN3D", "n3d": "ACN and N3D"}


@dataclass(frozen=True)
class Channels:
    """The meaning of a track's channels.

    Attributes:
        counts: how many it may have.
        layout: of a bed, in the order of the channels.
        order: of ambisonics.
        normalisation: of ambisonics.
        note: a sentence where header and scene disagree, else "".
    """

    counts: tuple[int, ...]
    layout: Layout | None = None
    order: int = 0
    normalisation: str = ""
    note: str = ""


def said(labels: Sequence[str]) -> str:
    """Labels of channels in a sentence."""
    return " ".join(label or "?" for label in labels)


def obeyed(note: str) -> str:
    """A sentence on what differs, with who wins; empty where nothing does."""
    return note and f"{note}; it plays as the scene says"
