"""Options that several commands share: tracks, their places, the head's motion, the rank."""

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[Path, typer.Option("--output", "-o", help="OUT.wav or OUT.flac.")]
Tracks = Annotated[
    list[Path] | None, typer.Argument(metavar="[TRACK...]", help="WAV, FLAC or OGG.")
]
Azimuth = Annotated[
    list[float] | None, typer.Option(help="Degrees, + left; one for all, or once a track.")
]
Elevation = Annotated[
    list[float] | None, typer.Option(help="Degrees, + up; one for all, or once a track.")
]
Distance = Annotated[
    list[float] | None,
    typer.Option(help="Metres; the level falls as 1/r; one for all, or once a track."),
]
Orbit = Annotated[
    float | None, typer.Option(help="Seconds of a turn around the head; negative: clockwise.")
]
HeadTrack = Annotated[Path | None, typer.Option(help="POSES.csv of the head.")]
Gain = Annotated[float, typer.Option(help="dB on the output.")]
Rank = Annotated[str, typer.Option(help="auto, full or a number of buses an ear.")]
BlockSize = Annotated[int, typer.Option(help="Samples rendered at a time.")]
Loudness = Annotated[
    float | None, typer.Option(help="LUFS that the output is brought to; takes a second pass.")
]
Limit = Annotated[
    float | None, typer.Option(help="dB of full scale that a limiter keeps the true peak to.")
]
Encoding = Annotated[
    str | None, typer.Option(help="float32 or pcm24; else float32 in WAV, pcm24 in FLAC.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say how exactly, and how fast, it was rendered.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result for programs.")]

_MOST_DIGITS = 9  # more is no number of anything here


def number_or_name(text: str | None) -> int | str | None:
    """The whole number that digits name; any other text, or None, as it is."""
    if text is not None and text.isdecimal() and len(text) <= _MOST_DIGITS:
        return int(text)
    return text


def rank_of(text: str) -> int | str:
    """``--rank`` as ``prepare`` takes it, which refuses what is no rank."""
    found = number_or_name(text)
    assert found is not None
    return found
