"""Options that say which tracks are rendered, where they are and how the head moves."""

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[Path, typer.Option("--output", "-o", help="OUT.wav or OUT.flac.")]
Tracks = Annotated[
    list[Path] | None, typer.Argument(metavar="[TRACK...]", help="WAV, FLAC or OGG.")
]
Azimuth = Annotated[list[float] | None, typer.Option(help="Degrees, + left; once a track.")]
Elevation = Annotated[list[float] | None, typer.Option(help="Degrees, + up; once a track.")]
Distance = Annotated[
    list[float] | None, typer.Option(help="Metres; the level falls as 1/r; once a track.")
]
Orbit = Annotated[
    float | None, typer.Option(help="Seconds of a turn around the head; negative: clockwise.")
]
HeadTrack = Annotated[Path | None, typer.Option(help="POSES.csv of the head.")]
Gain = Annotated[float, typer.Option(help="dB on the output.")]
BlockSize = Annotated[int, typer.Option(help="Samples rendered at a time.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result for programs.")]
