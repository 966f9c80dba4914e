"""Options that several commands share: tracks, their places, the head's motion, the rank."""

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[
    Path, typer.Option("--output", "-o", help="The file to write: OUT.wav or OUT.flac.")
]
Tracks = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[TRACK...]", help="Tracks to render: WAV, FLAC or OGG."),
]
Azimuth = Annotated[
    list[float] | None,
    typer.Option(help="Azimuth in degrees, + left; one for all, or one for each track."),
]
Elevation = Annotated[
    list[float] | None,
    typer.Option(help="Elevation in degrees, + up; one for all, or one for each track."),
]
Distance = Annotated[
    list[float] | None,
    typer.Option(help="Distance in metres, with the 1/r law; one for all, or one for each track."),
]
Orbit = Annotated[
    float | None,
    typer.Option(help="Seconds that a turn around the head takes; negative: clockwise."),
]
HeadTrack = Annotated[Path | None, typer.Option(help="POSES.csv of the head.")]
Gain = Annotated[float, typer.Option(help="Gain of the output in dB.")]
Rank = Annotated[str, typer.Option(help="Filters an ear: auto, full or a number.")]
BlockSize = Annotated[int, typer.Option(help="Samples rendered at a time.")]
Loudness = Annotated[
    float | None, typer.Option(help="Loudness of the output in LUFS; takes a second pass.")
]
Limit = Annotated[
    float | None, typer.Option(help="Highest true peak in dB of full scale, kept by a limiter.")
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Samples as float32 or pcm24; else float32 in WAV, pcm24 in FLAC."),
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
