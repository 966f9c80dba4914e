"""Print what OSC loses at 20,000 messages a second, and what hostile datagrams cost.

    python benchmarks/live/osc.py [--seconds 10] [--datagrams 200000]

Times of handling are processor time of the handling thread (thread_time), so that other programs
on a busy machine do not count. What the imports left is frozen for the garbage collector, as a
server should do it: with Numba and SciPy loaded a full collection takes 50 ms.

Takes 1 min.
"""

import argparse
import gc
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "helpers"))

import foreign_clients as foreign  # noqa: E402

from auricle.osc.network.server import OscServer  # noqa: E402
from auricle.osc.protocol import messages as wire  # noqa: E402
from auricle.osc.scene.target import MemoryTarget  # noqa: E402
from auricle.osc.session.session import Session  # noqa: E402
from auricle.osc.trackers.reader import preset  # noqa: E402
from auricle.plugin_core.offline import render  # noqa: E402

N_SOURCES = 256
LIMIT_SECONDS = 0.001
# Positions of 256 sources in turn, a millisecond's share at a time; the last message is told apart.
_SENDER = """
import socket, struct, sys, time
port, rate, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
def packed(text): return text + bytes(4 - len(text) % 4)
heads = [packed(b"/adm/obj/%d/aed" % (i + 1)) + packed(b",fff") for i in range(256)]
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
begin, sent, total = time.monotonic(), 0, int(rate * seconds)
while sent < total:
    due = min(int((time.monotonic() - begin) * rate), total)
    while sent < due:
        out.sendto(heads[sent % 256] + struct.pack(">fff", sent % 360 - 180, 0, 1),
                   ("127.0.0.1", port))
        sent += 1
    time.sleep(0.0005)
print(sent, time.monotonic() - begin)
"""


def throughput(rate: int, seconds: float) -> None:
    """Messages of another process through the server as it is shipped."""
    with OscServer(MemoryTarget(N_SOURCES), port=0, reply_port=0) as server:
        busy = time.process_time()
        out = subprocess.run(
            [sys.executable, "-c", _SENDER, str(server.port), str(rate), str(seconds)],
            check=True, capture_output=True, text=True,
        ).stdout.split()  # fmt: skip
        time.sleep(0.5)
        busy = time.process_time() - busy
        counted = server.statistics()["osc"]
    sent, took = int(out[0]), float(out[1])
    print(
        f"sent {sent} in {took:.2f} s ({sent / took:.0f}/s): received {counted['datagrams']}, "
        f"good {counted['good']}, dropped {counted['dropped']}, lost by the system "
        f"{counted['lost_by_system']}, errors {counted['errors']}; "
        f"{1e6 * busy / max(counted['datagrams'], 1):.1f} us of processor time a message"
    )


def good_datagrams() -> list[bytes]:
    """Honest traffic, which is mutated and cut."""
    aed = [wire.encode(f"/adm/obj/{i}/aed", [10.0 * i, 5.0, 0.5]) for i in range(1, 9)]
    return [
        *aed,
        wire.encode("/adm/obj/{1,2,[3-5]}/gain", [0.5]),
        wire.encode("/adm/obj/*/mute", [0]),
        wire.encode("/adm/lis/ypr", [10.0, 20.0, 30.0]),
        wire.encode("/ypr", [10.0, 20.0, 30.0]),
        wire.encode("/auricle/listener/quat", [1.0, 0.1, 0.1, 0.1]),
        wire.encode("/adm/obj/1/name", ["a name"]),
        wire.encode_bundle(aed),
        wire.encode_bundle([wire.encode_bundle(aed[:2])], wire.time_tag_of(1000.2)),
        wire.encode("/auricle/stats"),
    ]


def hostile_datagrams() -> dict[str, bytes]:
    """Legal and illegal datagrams that were made to cost."""
    nan, inf = float("nan"), float("inf")
    small = wire.encode("/adm/obj/1/azim", [1.0])
    deep = small
    while len(deep) < 40_000:
        deep = wire.encode_bundle([deep])
    star = wire.encode("/adm/obj/*/gain", [0.5])
    stars = "/adm/obj/1/" + "*a" * 60 + "b"
    braces = "/adm/obj/{" + ",".join(str(i) for i in range(60)) + "}/gain"
    return {
        "58 kB bundle of legal messages": wire.encode_bundle([small] * 2030),
        "bundle of the most messages that are taken": wire.encode_bundle([small] * 256),
        "58 kB bundle of patterns": wire.encode_bundle([star] * 2030),
        "bundle of patterns": wire.encode_bundle([star] * 256),
        "bundle of different patterns": wire.encode_bundle(
            [wire.encode(f"/adm/obj/*{i}*/gain", [0.5]) for i in range(256)]
        ),
        "bundle of questions": wire.encode_bundle([wire.encode("/adm/obj/*/gain")] * 256),
        "bundle of dmax": wire.encode_bundle([wire.encode("/adm/obj/*/dmax", [2.0])] * 256),
        "bundles in bundles, 40 kB": deep,
        "bundles in bundles, 8 deep": wire.encode_bundle([wire.encode_bundle([small] * 31)] * 8),
        "stars": wire.encode(stars, [1.0]),
        "twelve stars": wire.encode("/adm/obj/1/************b", [1.0]),
        "stars everywhere": wire.encode("/*/*/*/*", [1.0]),
        "braces": wire.encode(braces, [0.5]),
        "brackets": wire.encode("/adm/obj/[0-9][0-9]?/gain", [0.5]),
        "question marks": wire.encode("/adm/obj/???/????", [0.5]),
        "bracket that does not close": wire.encode("/adm/obj/[1-/gain", [0.5]),
        "NaN": wire.encode("/adm/obj/1/xyz", [nan, 0.0, 0.0]),
        "infinity": wire.encode("/adm/obj/1/gain", [inf]),
        "pose of NaN": wire.encode("/ypr", [nan, inf, 0.0]),
        "out of range": wire.encode("/adm/obj/1/azim", [1e38]),
        "text for a number": wire.encode("/adm/obj/1/azim", ["left"]),
        "too many arguments": wire.encode("/adm/obj/1/xyz", [0.0] * 60),
        "500 arguments": wire.encode("/adm/obj/1/xyz", [0.0] * 500),
        "arrays in arrays": b"/a\0\0," + b"[" * 60 + b"]" * 60 + b"\0\0\0",
        "60 kB of text": wire.encode("/adm/obj/1/name", ["x" * 60_000]),
        "60 kB blob": wire.encode("/adm/obj/1/name", [bytes(60_000)]),
        "blob that claims more": b"/a\0\0,b\0\0\x7f\xff\xff\xf0",
        "long address": b"/" + b"a" * 60_000 + b"\0" * 3 + b",\0\0\0",
        "no such source": wire.encode("/adm/obj/99999999999/gain", [0.5]),
        "file": wire.encode("/auricle/hrtf", ["../" * 300 + "etc/passwd"]),
        "far future": wire.encode_bundle([small] * 256, 2**64 - 1),
        "soon": wire.encode_bundle([small] * 256, wire.time_tag_of(1000.9)),
        "far past": wire.encode_bundle([small] * 256, 2),
        "reset": wire.encode_bundle([wire.encode("/auricle/reset")] * 256),
    }


def datagrams(count: int) -> Iterator[tuple[str, bytes]]:
    """Random, cut, mutated, hostile ones and new patterns in turn."""
    rng = random.Random(1)
    good, hostile = good_datagrams(), list(hostile_datagrams().items())
    for i in range(count):
        kind = i % 5
        if kind == 0:
            yield "random", rng.randbytes(4 * rng.randrange(0, 64))
        elif kind == 1:
            data = rng.choice(good)
            yield "cut", data[: rng.randrange(len(data))]
        elif kind == 2:
            mutated = bytearray(rng.choice(good))
            for _ in range(rng.randrange(1, 6)):
                mutated[rng.randrange(len(mutated))] = rng.randrange(256)
            yield "mutated", bytes(mutated)
        elif kind == 3:
            yield rng.choice(hostile)
        else:
            yield "new patterns", _new_patterns(rng)


def _new_patterns(rng: random.Random) -> bytes:
    """Patterns that no cache can know."""
    choices = ",".join(str(rng.randrange(300)) for _ in range(rng.randrange(30)))
    number = rng.choice(
        [f"*{rng.randrange(100)}*", f"{{{choices}}}", f"[{rng.randrange(5)}-9]?*", "*?" * 12 + "1"]
    )
    messages = [
        wire.encode(f"/adm/obj/{number}/{rng.choice(['gain', 'a*', '*', '?'])}", [rng.random()])
        for _ in range(rng.choice([1, 8, 200]))
    ]
    return wire.encode_bundle(messages)


def _handle(session: Session, datagram: bytes, now: float) -> float:
    begin = time.thread_time()
    session.receive(datagram, now, 1000.0 + now)
    return time.thread_time() - begin


def hostility(count: int) -> None:
    """The processor time of each datagram, and the scene afterwards."""
    target = MemoryTarget(N_SOURCES)
    session = Session(target, tracker=preset("sparta"))
    worst: dict[str, tuple[float, bytes]] = {}
    over, slow, times, publishing = 0, 0, [], 0.0
    for i, (kind, datagram) in enumerate(datagrams(count)):
        now = 1e-4 * i
        took = _handle(session, datagram, now)
        times.append(took)
        if took > LIMIT_SECONDS:
            over += 1
            slow += min(_handle(session, datagram, now) for _ in range(3)) > LIMIT_SECONDS
        if took > worst.get(kind, (0.0, b""))[0]:
            worst[kind] = (took, datagram)
        if i % 16 == 15:
            begin = time.thread_time()
            session.advance(now)
            publishing = max(publishing, time.thread_time() - begin)
    counted = session.statistics.as_dict()
    us = 1e6 * np.array(times)
    print(
        f"{count} datagrams: no exception; handling median {np.median(us):.1f} us, 99.9 % "
        f"{np.percentile(us, 99.9):.0f} us, longest {us.max():.0f} us, {over} above 1 ms, "
        f"{slow} of them again when repeated; "
        f"publishing at most {1e6 * publishing:.0f} us"
    )
    print(
        "counted: " + ", ".join(f"{n} {k}" for k, n in counted.items() if n and k[-7:] != "_second")
    )
    print("\n| the slowest kinds | longest us | again, best of 5, us |\n|---|---|---|")
    for kind, (took, datagram) in sorted(worst.items(), key=lambda item: -item[1][0])[:8]:
        again = min(_handle(session, datagram, 1e-4 * count) for _ in range(5))
        print(f"| {kind} | {1e6 * took:.0f} | {1e6 * again:.0f} |")
    print(f"\nscene afterwards: {_check_scene(session, target)}")


def _check_scene(session: Session, target: MemoryTarget) -> str:
    """Whether honest messages still do what they say, and nothing is NaN."""
    now = 1e6
    while session.next_due() is not None:
        session.advance(now)
    finite = np.all(np.isfinite(target.positions_m)) and np.all(np.isfinite(target.gains))
    messages = [
        wire.encode("/auricle/reset"),
        wire.encode("/adm/obj/7/aed", [90.0, 0.0, 1.0]),
        wire.encode("/adm/obj/7/gain", [0.25]),
        wire.encode("/ypr", [0.0, 0.0, 0.0]),
    ]
    for message in messages:
        session.receive(message, now, 1000.0)
    session.advance(now)
    right = (
        np.allclose(target.positions_m[6], [0.0, 1.0, 0.0], atol=1e-6)
        and target.gains[6] == 0.25
        and np.allclose(np.delete(target.positions_m, 6, axis=0), [1.0, 0.0, 0.0])
        and np.allclose(target.orientation, [1.0, 0.0, 0.0, 0.0])
    )
    return "correct" if finite and right and session.statistics.errors == 0 else "WRONG"


def others() -> None:
    """Foreign clients move a source to the left and to the right of a render."""
    print("\n| client | left, then right: left ear minus right, dB |\n|---|---|")
    clients: list[tuple[str, bool, Callable[[OscServer], None]]] = [
        ("adm-osc (PyPI)", foreign.has_adm_osc(), lambda s: foreign.adm_osc(s.port, "directions")),
        ("oscsend (liblo-tools), UDP", foreign.has_oscsend(), lambda s: foreign.oscsend(s.port)),
        ("oscsend (liblo-tools), TCP", foreign.has_oscsend(),
         lambda s: foreign.oscsend(s.tcp_port or 0, "tcp")),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        track = foreign.noise(Path(folder) / "noise.wav")
        for name, is_there, send in clients:
            if not is_there:
                print(f"| {name} | not installed |")
                continue
            session, out = Path(folder) / "session.osc", Path(folder) / "out.wav"
            with foreign.recorded(session, tcp_port=0) as server:
                send(server)
            render(track, out, osc_recording=session)
            left, right = foreign.left_and_right_db(session, out)
            print(f"| {name} | {left:+.1f}, {right:+.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--datagrams", type=int, default=200_000)
    options = parser.parse_args()
    gc.collect()
    gc.freeze()
    throughput(20_000, options.seconds)
    hostility(options.datagrams)
    others()


if __name__ == "__main__":
    main()
