"""``auricle live``: sources played binaurally now, steered over OSC and by a head tracker."""

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auricle.plugin_core.commands.console import say, say_first_run
from auricle.plugin_core.commands.placement import Rank, number_or_name, rank_of
from auricle.plugin_core.commands.reading import read_set, reads_a_set
from auricle.plugin_core.commands.stopping import until_told
from auricle.plugin_core.listener.set_options import SetOptions

if TYPE_CHECKING:
    from auricle.plugin_core.live.live import Live

EXAMPLE = (
    "Example: auricle live drums.wav --backend null --unpaced --record out.wav; "
    "auricle live --sources 8 --tracker supperware"
)
REFRESH_SECONDS = 0.2
BROKEN_RECORDING = 2


@reads_a_set
def live(
    tracks: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[TRACK...]", help="Tracks to play: WAV, FLAC or OGG."),
    ] = None,
    backend: Annotated[str, typer.Option(help="jack, portaudio or null (no device).")] = "jack",
    sources: Annotated[
        int, typer.Option(help="Inputs of the driver, besides the tracks; 1 without tracks.")
    ] = 0,
    signal: Annotated[
        str | None, typer.Option(help="noise or tone in place of the inputs, to try things out.")
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Tracks begin again at their end.")] = False,
    azimuth: Annotated[
        list[float] | None,
        typer.Option(help="Degrees, + left; one for all, or once a track or input."),
    ] = None,
    track_type: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            help="object, bed or ambisonic; one for all tracks, or once a track; else by "
            "the file's header and number of channels.",
        ),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="Loudspeakers of beds, as in 7.1.4; else by the header.")
    ] = None,
    hrtf: Annotated[Path | None, typer.Option(help="SOFA file of the listener.")] = None,
    rank: Rank = "auto",
    level: Annotated[str, typer.Option(help="Level of the set: matched or measured.")] = "matched",
    distance_gain: Annotated[
        bool, typer.Option("--distance-gain", help="The level falls as 1/r from 1 m.")
    ] = False,
    propagation: Annotated[
        float, typer.Option(help="Sound takes its time up to that many metres (Doppler); 0: none.")
    ] = 0.0,
    osc_port: Annotated[int, typer.Option(help="UDP port of OSC.")] = 4001,
    osc_host: Annotated[
        str, typer.Option(help="Address to listen on; else only this machine may send.")
    ] = "127.0.0.1",
    osc_tcp_port: Annotated[
        int | None, typer.Option(help="TCP port of OSC; else UDP alone.")
    ] = None,
    osc_allow: Annotated[
        list[str] | None, typer.Option(help="Only these addresses may send; repeatable.")
    ] = None,
    osc_folder: Annotated[
        list[Path] | None, typer.Option(help="Folder whose sets OSC may ask for; repeatable.")
    ] = None,
    ignore_time_tags: Annotated[
        bool, typer.Option("--ignore-time-tags", help="Bundles take effect when they arrive.")
    ] = False,
    no_osc: Annotated[bool, typer.Option("--no-osc", help="Do not listen for OSC.")] = False,
    tracker: Annotated[str | None, typer.Option(help="Preset of the head tracker.")] = None,
    tracker_port: Annotated[
        int | None, typer.Option(help="UDP port of the tracker; else the preset's.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="File for what the ears hear: OUT.wav or OUT.flac.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after that many seconds.")] = None,
    unpaced: Annotated[
        bool, typer.Option("--unpaced", help="With --backend null: run as fast as it can.")
    ] = False,
    sample_rate: Annotated[
        int | None,
        typer.Option(help="Sample rate in Hz; JACK has its own; else the device's, or 48000."),
    ] = None,
    block_size: Annotated[int, typer.Option(help="Frames in a block; JACK has its own.")] = 128,
    device: Annotated[str | None, typer.Option(help="Sound card, by name or number.")] = None,
    client_name: Annotated[str, typer.Option(help="Name among JACK's clients.")] = "auricle",
    no_connect: Annotated[
        bool, typer.Option("--no-connect", help="Leave JACK's outputs unconnected.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the statistics at the end.")
    ] = False,
    *,
    reading: SetOptions,
) -> None:
    """Play tracks and inputs binaurally now; OSC and a head tracker steer them."""
    from auricle.dsp.errors import AuricleError
    from auricle.plugin_core.live.live import Live
    from auricle.plugin_core.live.sources import Track, channels, of_role

    paths = tracks or []
    kinds = _types(track_type or [], len(paths))
    playing: list[Any] = [
        Track(path, loop, kind, layout if kind in (None, "bed") else None)
        for path, kind in zip(paths, kinds, strict=True)
    ]
    count = sources if sources or playing else 1
    playing += _inputs(count, signal)
    options = {
        "host": osc_host, "tcp_port": osc_tcp_port, "allow": osc_allow or (),
        "folders": [str(folder) for folder in osc_folder or []], "tracker_port": tracker_port,
        "obey_time_tags": not ignore_time_tags,
    }  # fmt: skip
    counts = [len(of_role(channels([each]), "source")) for each in playing]
    player = Live(
        read_set(hrtf, reading, say), playing,
        backend=backend, sample_rate=sample_rate, block_size=block_size,
        azimuth_deg=_azimuths(azimuth or [], counts),
        rank=rank_of(rank), level=level, distance_gain=distance_gain,
        propagation_m=propagation, unpaced=unpaced, seconds=seconds, record=record,
        osc_port=None if no_osc else osc_port,
        tracker=tracker, osc=options, device=number_or_name(device), client_name=client_name,
        connect=not no_connect, say=say,
    )  # fmt: skip
    say_first_run()
    status = 0
    try:
        # To be told to end is to end in order: a recording is kept.
        with player, until_told():
            gc.collect()
            gc.freeze()  # what is loaded stays; to walk through it again would hold OSC up
            say(_ready(player))
            _watch(player)
    except AuricleError as error:
        if str(error) not in player.troubles:
            raise
        status = BROKEN_RECORDING  # which was said when it happened
    figures = player.statistics()
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    elif sys.stdout.isatty():
        typer.echo(_last_line(figures))
    if status:
        raise typer.Exit(status)


def _ready(player: "Live") -> str:
    """The line that scripts wait for."""
    figures = player.statistics()
    count = figures["n_sources"]
    osc = "" if player.osc is None else f" on port {player.osc.port}"
    if player.osc is not None and player.osc.tcp_port is not None:
        osc += f" (TCP {player.osc.tcp_port})"
    return (
        f"ready{osc}: {count} source{'s' if count > 1 else ''}, {figures['backend']} at "
        f"{figures['sample_rate']} Hz in blocks of {figures['block_size']}"
    )


def _inputs(count: int, signal: str | None) -> list[Any]:
    from auricle.dsp.errors import AuricleError
    from auricle.plugin_core.live.sources import Input, Noise, Tone

    if count < 0:
        raise AuricleError(f"--sources is a number from 0 on, got {count}")
    if signal is None:
        return [Input()] * count
    if signal == "noise":
        return [Noise(0.2 / count**0.5)] * count
    if signal == "tone":
        return [Tone(220.0 * 2.0 ** (i / 12.0), 0.3 / count**0.5) for i in range(count)]
    raise AuricleError(f"--signal is noise or tone, not {signal!r}")


def _types(given: list[str], count: int) -> list[str | None]:
    """One a track."""
    from auricle.dsp.errors import AuricleError

    if len(given) not in (0, 1, count):
        raise AuricleError(
            f"{len(given)} values of --type for {count} tracks; give one for each, or one for all"
        )
    if len(given) == count:
        return list(given)
    return [given[0] if given else None] * count


def _azimuths(given: list[float], counts: list[int]) -> list[float]:
    """One a source, where one was given a track or input."""
    from auricle.dsp.errors import AuricleError

    if len(given) not in (0, 1, len(counts)):
        raise AuricleError(
            f"{len(given)} values of --azimuth for {len(counts)} tracks and inputs; give one for "
            "each, or one for all"
        )
    if len(given) == 1 and len(counts) > 1:
        say(f"azimuth {given[0]:g} is that of all {len(counts)} tracks and inputs")
    each = given if len(given) == len(counts) else (given or [0.0]) * len(counts)
    return [value for value, count in zip(each, counts, strict=True) for _ in range(count)]


def _watch(player: "Live") -> None:
    """Wait for the end; on a terminal, show how it goes."""
    if not sys.stderr.isatty():
        player.wait()
        return
    from rich.console import Console
    from rich.live import Live as Display

    with Display(console=Console(stderr=True), transient=True, refresh_per_second=5) as display:
        while not player.wait(REFRESH_SECONDS):
            display.update(_table(player.statistics()))


def _table(figures: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(title=f"auricle live: {figures['backend']}", show_header=False)
    for name, text in _rows(figures):
        table.add_row(name, text)
    return table


def _rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    left, right = figures["ears"]
    scenes = figures["scenes"]
    rows = [
        ("time", f"{figures['seconds']:.1f} s at {figures['sample_rate']} Hz, blocks of "
                 f"{figures['block_size']}, {figures['n_sources']} sources"),
        ("load", f"{100 * figures['load']:.1f} %, worst block {figures['worst_block_ms']:.2f} ms"),
        ("missed", f"{figures['deadline_misses']} deadlines ({figures['own_misses']} by us), "
                   f"{figures['xruns']} xruns, {figures['underrun_frames']} frames of files"),
        ("ears", f"{left['peak_db']:.1f} and {right['peak_db']:.1f} dB"),
        ("scenes", f"{scenes['taken']} taken, {scenes['replaced']} replaced by newer ones, "
                   f"{scenes['late']} late"),
        ("latency", f"{figures['latency_ms']:.1f} ms"),
        ("listener", figures["hrtf"]),
    ]  # fmt: skip
    if "osc" in figures:
        osc = figures["osc"]
        rows.append(
            (
                "osc",
                f"{osc['good_per_second']:.0f} messages/s, {osc['good']} good, "
                f"{osc['bad']} bad, {osc['late']} late, {osc['dropped']} dropped",
            )
        )
        tracker = figures["tracker"]
        if tracker is not None:
            age = tracker["age_seconds"]
            told = (
                "no pose yet"
                if age is None
                else f"{osc['poses_per_second']:.0f} poses/s, "
                f"the last {1e3 * age:.0f} ms ago{', lost' if tracker['stale'] else ''}"
            )
            rows.append((tracker["preset"], told))
    if figures["recorded_frames"]:
        rows.append(
            (
                "recording",
                f"{figures['recorded_frames'] / figures['sample_rate']:.1f} s, "
                f"{figures['unrecorded_frames']} frames lost",
            )
        )
    return rows


def _last_line(figures: dict[str, Any]) -> str:
    return (
        f"{figures['seconds']:.1f} s, load {100 * figures['load']:.1f} %, "
        f"{figures['deadline_misses']} deadlines missed, {figures['xruns']} xruns"
    )
