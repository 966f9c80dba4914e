"""``auricle osc``: what arrives, sending, recording sessions and playing them again."""

import json
from pathlib import Path
from typing import Annotated

import typer

HOST = "127.0.0.1"
PORT = 4001
MONITOR_EXAMPLE = "Example: auricle osc monitor --port 9000 --learn"
SEND_EXAMPLE = "Example: auricle osc send /adm/obj/1/aed 30 0 1; auricle osc send /x i:1 d:0.5 s:2"
RECORD_EXAMPLE = "Example: auricle osc record session.osc --seconds 60"
REPLAY_EXAMPLE = "Example: auricle osc replay session.osc --speed 2"

app = typer.Typer(
    help="Open Sound Control: monitor, send, record, replay.", no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0: all of this machine's.")]
Port = Annotated[int, typer.Option(help="UDP port to listen on.")]
Tcp = Annotated[int | None, typer.Option(help="TCP port to listen on as well.")]
Allow = Annotated[list[str] | None, typer.Option(help="Only senders at this address; repeatable.")]
Seconds = Annotated[
    float | None, typer.Option(help="Stop after that many seconds; else with Ctrl-C.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")]
ToHost = Annotated[str, typer.Option(help="Host to send to.")]
ToPort = Annotated[int, typer.Option(help="UDP or TCP port to send to.")]


@app.command("monitor", epilog=MONITOR_EXAMPLE)
def monitor(
    host: Host = HOST, port: Port = PORT, tcp_port: Tcp = None, allow: Allow = None,
    seconds: Seconds = None,
    learn: Annotated[
        bool, typer.Option("--learn", help="Say which head-tracker preset fits.")
    ] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show what arrives: a table on a terminal, a line a message in a pipe."""
    from auricle.plugin_core.commands.osc_monitor import listen

    seen = listen(
        host=host, port=port, tcp_port=tcp_port, allow=allow or [], seconds=_time(seconds),
        learn=learn, silent=as_json,
    )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(seen.as_dict(), indent=2))
        return
    for line in seen.lines():
        typer.echo(line, err=not learn)


@app.command(
    "send", epilog=SEND_EXAMPLE,
    context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]},
)  # fmt: skip
def send(
    address: Annotated[
        str, typer.Argument(help="Address of the message; begins with a slash, may hold wildcards.")
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            help="Values: 1 is int32, 0.5 float32; T F N, text; or i:1 h:1 f:1 d:1 s:1 b:00ff."
        ),
    ] = None,
    host: ToHost = HOST,
    port: ToPort = PORT,
    transport: Annotated[
        str, typer.Option(help="udp, slip (TCP, OSC 1.1) or length (TCP, OSC 1.0).")
    ] = "udp",
    count: Annotated[
        int | None,
        typer.Option(help="How often it is sent; else once, or with --rate until Ctrl-C."),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Messages per second.")] = None,
) -> None:
    """Send a message, once or again and again."""
    from auricle.dsp.errors import AuricleError
    from auricle.osc.network.client import OscClient, message, parse_argument, repeat

    if count is not None and count < 1:
        raise AuricleError(f"--count: at least 1, got {count}")
    if rate is not None and not 0.0 < rate <= 1e6:
        raise AuricleError(f"--rate: above 0 and at most 1e6 per second, got {rate:g}")
    datagram = message(address, [parse_argument(value) for value in values or []])
    if count is None and rate is None:
        count = 1
    with OscClient(host, port, transport) as client:
        sent = repeat(lambda: client.send_datagram(datagram), count, rate)
    if sent > 1:
        typer.echo(f"sent {sent} messages to {host} port {port}", err=True)


@app.command("record", epilog=RECORD_EXAMPLE)
def record(
    file: Annotated[Path, typer.Argument(help="The recording; replaced if it is there.")],
    host: Host = HOST, port: Port = PORT, tcp_port: Tcp = None, allow: Allow = None,
    tracker: Annotated[
        str | None, typer.Option(help="Head tracker whose own port is heard as well.")
    ] = None,
    tracker_port: Annotated[
        int | None, typer.Option(help="UDP port of the tracker, if it is not the preset's.")
    ] = None,
    seconds: Seconds = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write down all that arrives, with its times."""
    from auricle.osc.session.recording import SessionRecording
    from auricle.plugin_core.commands.osc_monitor import record as record_session

    statistics = record_session(
        file, host=host, port=port, tcp_port=tcp_port, allow=allow or [], tracker=tracker,
        tracker_port=tracker_port, seconds=_time(seconds),
    )  # fmt: skip
    recording = SessionRecording.load(file)
    facts = {
        "file": str(file), "datagrams": len(recording.records),
        "seconds": round(recording.seconds, 3), "osc": statistics,
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        typer.echo(f"{file}: {len(recording.records)} datagrams in {recording.seconds:.1f} s")


@app.command("replay", epilog=REPLAY_EXAMPLE)
def replay(
    file: Annotated[Path, typer.Argument(help="The recording, a file of auricle osc record.")],
    host: ToHost = HOST,
    port: ToPort = PORT,
    tracker_port: Annotated[
        int, typer.Option(help="Port for what is not OSC: opentrack's datagrams.")
    ] = 4242,
    speed: Annotated[
        float, typer.Option(help="Pace, as a multiple of the recorded one; 0: as fast as it goes.")
    ] = 1.0,
) -> None:
    """Send a recorded session again. For an offline render: auricle render --osc-recording."""
    from auricle.dsp.errors import AuricleError
    from auricle.osc.network.client import OscClient
    from auricle.osc.session.recording import RecordedDatagram, SessionRecording
    from auricle.osc.session.recording import replay as replay_session

    if not 0.0 <= speed <= 1e6:
        raise AuricleError(f"--speed: 0 to 1e6 times the recorded pace, got {speed:g}")
    recording = SessionRecording.load(file)
    with OscClient(host, port) as client, OscClient(host, tracker_port) as other:

        def send_again(record: RecordedDatagram) -> None:
            (other if record.is_raw else client).send_datagram(record.datagram)

        sent = replay_session(recording, send_again, speed or None)
    typer.echo(f"{file}: {sent} datagrams to {host} port {port}")


def _time(seconds: float | None) -> float | None:
    from auricle.dsp.errors import AuricleError

    if seconds is not None and not 0.0 < seconds < 1e9:
        raise AuricleError(f"--seconds: above 0, got {seconds:g}")
    return seconds
