"""Print how the live engine holds up under load: deadlines, delays, memory.

    python benchmarks/live/live.py WHAT [--seconds S]

WHAT is one of

    jack     256 moving sources through a JACK server, OSC at 1,000 messages a second, three Python
             threads spinning: callbacks, deadlines; then the same by a client whose callback is
             Python
    soak     64 sources through a JACK server for 10 minutes, OSC at 200 messages a second, the
             listener exchanged every 2 s; what comes out is looked at for NaN and silence
    motion   from a pose packet to the first changed output sample, 1,000 packets
    hour     an hour of audio without pace: memory and drift
    foreign  another program feeds a source and records the ears

Needs jackd (the dummy driver) but for `motion --backend null` and `hour`; foreign also
jack_capture, jack-play (jack-tools) and sox. A server of its own is started and stopped.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

import auricle
from auricle.dsp.preparation.cache import prepared_set
from auricle.osc.network.client import message, plain
from auricle.plugin_core.live.audio_thread.meters import TAP_READ, TAP_WRITTEN
from auricle.plugin_core.live.audio_thread.shared_memory import LOGGED_BLOCKS, Flag, Status
from auricle.plugin_core.live.live import Live
from auricle.plugin_core.live.sources import Input, Noise, Tone, Track

RATE, BLOCK = 48000, 128


@contextmanager
def jack_server(real_time):
    """A dummy server of this machine's own name; yields whether it runs in real time."""
    name = f"auricle-{os.getpid()}"
    os.environ["JACK_DEFAULT_SERVER"] = name
    os.environ["JACK_NO_AUDIO_RESERVATION"] = "1"
    flag = "-R" if real_time else "-r"
    command = ["jackd", "-n", name, flag, "-d", "dummy", "-r", str(RATE), "-p", str(BLOCK)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            time.sleep(2.0)
            if server.poll() is not None:
                if real_time:
                    print("the server refuses to run in real time; without -R:")
                    with jack_server(False) as again:
                        yield again
                    return
                sys.exit("jackd does not start")
            yield real_time
        finally:
            server.terminate()
            server.wait()


@contextmanager
def spinning(count):
    """Python threads that hold the interpreter as much as they can."""
    stop = []

    def spin():
        while not stop:
            pass

    threads = [threading.Thread(target=spin, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield
    stop.append(True)
    for thread in threads:
        thread.join()


SENDER = """
import socket, sys, time
port, per_second, n_sources = (int(x) for x in sys.argv[1:])
from math import cos, sin
from auricle.osc.network.client import message, plain
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
start, i = time.monotonic(), 0
while True:
    t = time.monotonic() - start
    while i < per_second * t:
        a = 0.002 * i
        if i % 10 == 0:
            address, values = "/auricle/listener/quat", (cos(a / 2), 0.0, 0.0, sin(a / 2))
        else:
            address = f"/auricle/source/{i % n_sources + 1}/xyz"
            values = (cos(a + i), sin(a + i), 0.3 * sin(a))
        s.sendto(message(address, [plain(v) for v in values]), ("127.0.0.1", port))
        i += 1
    time.sleep(0.0005)
"""


@contextmanager
def osc_sender(port, per_second, n_sources):
    """Another process that moves sources and head."""
    arguments = [str(port), str(per_second), str(n_sources)]
    sender = subprocess.Popen([sys.executable, "-c", SENDER, *arguments])
    try:
        yield
    finally:
        sender.kill()
        sender.wait()


def stolen_seconds():
    """What the hypervisor has taken from this machine since it started, all processors together."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(words[8]) / os.sysconf("SC_CLK_TCK")


def jack(seconds, n_sources, spinners, real_time):
    with jack_server(real_time) as is_real_time:
        print(f"jackd {'-R' if is_real_time else '-r'} -d dummy -r {RATE} -p {BLOCK}, "
              f"{n_sources} sources, OSC 1,000 messages/s, {spinners} Python threads spinning, "
              f"{seconds:g} s")  # fmt: skip
        player = Live(sources=[Noise(0.01)] * n_sources, osc_port=0)
        with player, osc_sender(player.osc.port, 1000, n_sources), spinning(spinners):
            time.sleep(1.0)
            first, stolen, began = player._shared.status(), stolen_seconds(), time.monotonic()
            time.sleep(seconds)
            last, took = player._shared.status(), time.monotonic() - began
            stolen = stolen_seconds() - stolen
            figures = player.statistics()
        figures.pop("meters")
        passed = last - first
        clock = 1e-9 * (last[Status.LAST_NS] - first[Status.LAST_NS])
        say_callbacks("cfunc", passed[Status.CALLBACKS], clock)
        print(f"  deadline misses {passed[Status.MISSES]:.0f}, of them in our own running time "
              f"{passed[Status.OWN_MISSES]:.0f}; worst block {figures['worst_block_ms']} ms "
              f"({figures['worst_own_ms']} own), mean {figures['mean_block_ms']} ms, "
              f"load {figures['load']}")  # fmt: skip
        print(
            f"  xruns of the server {figures['xruns']}; stolen by the hypervisor {stolen:.2f} s "
            f"of {took:.1f}; load average {os.getloadavg()[0]:.1f}"
        )
        print("  " + json.dumps({k: figures["osc"][k] for k in (
            "datagrams", "good", "bad", "late", "dropped", "lost_by_system", "good_per_second"
        )} | {"scenes": figures["scenes"]}))  # fmt: skip
        python_callback(seconds, spinners)


def soak(seconds, n_sources, real_time):
    mean = auricle.default_hrtf()
    listeners = [prepared_set(each, RATE) for each in (mean, mean.mirrored())]
    with tempfile.TemporaryDirectory() as folder, jack_server(real_time) as is_real_time:
        record = Path(folder) / "soak.wav"
        player = Live(sources=[Noise(0.01)] * n_sources, osc_port=0, record=record)
        with player, osc_sender(player.osc.port, 200, n_sources):
            first, began, count = player._shared.status(), time.monotonic(), 0
            while time.monotonic() - began < seconds:
                player.set_hrtf(listeners[(count + 1) % 2])
                count += 1
                time.sleep(2.0)
            last = player._shared.status()
            figures = player.statistics()
        passed = last - first
        print(f"soak, jackd {'-R' if is_real_time else '-r'}, {n_sources} sources, "
              f"{time.monotonic() - began:.0f} s, {count} exchanges")  # fmt: skip
        say_callbacks("cfunc", passed[Status.CALLBACKS],
                      1e-9 * (last[Status.LAST_NS] - first[Status.LAST_NS]))  # fmt: skip
        print(f"  deadline misses {passed[Status.MISSES]:.0f}, own "
              f"{passed[Status.OWN_MISSES]:.0f}; worst block "
              f"{figures['worst_block_ms']} ms, xruns {figures['xruns']}, "
              f"OSC bad {figures['osc']['bad']}, late {figures['osc']['late']}")  # fmt: skip
        levels = [
            20.0 * np.log10(np.sqrt(np.mean(block**2)) + 1e-12)
            for block in soundfile.blocks(record, RATE, dtype="float64")
        ][2:-2]
        print(f"  each second between {min(levels):.1f} and {max(levels):.1f} dB, "
              f"{sum(not np.isfinite(level) for level in levels)} not finite")  # fmt: skip


def say_callbacks(name, count, clock):
    expected = clock * RATE / BLOCK
    print(f"  {name}: {count:.0f} callbacks, {expected:.0f} expected by the clock "
          f"({100 * (count / expected - 1):+.3f} %)")  # fmt: skip


def python_callback(seconds, spinners):
    """The least that a Python callback can do: two ports of silence."""
    import jack as jack_client

    client = jack_client.Client("python", no_start_server=True)
    outputs = [client.outports.register(name) for name in ("left", "right")]
    begun, late, xruns = [], [], []

    @client.set_process_callback
    def process(n_frames):
        if not begun:
            begun.append(time.monotonic())
        for port in outputs:
            port.get_array()[:] = 0.0
        late.append(client.frames_since_cycle_start)

    @client.set_xrun_callback
    def xrun(delay):
        xruns.append(delay)

    with client, spinning(spinners):
        time.sleep(seconds)
        clock = time.monotonic() - begun[0]
        count, frames = len(late), np.array(late)
    say_callbacks("Python callback of two silent ports", count, clock)
    print(f"  past the deadline {np.count_nonzero(frames > BLOCK)}, worst "
          f"{1e3 * frames.max() / RATE:.2f} ms after its cycle began; xruns {len(xruns)}"
    )  # fmt: skip


def motion(packets, backend, real_time):
    """A periodic source makes a periodic output; the first sample that breaks the period is it."""
    if backend == "jack":
        with jack_server(real_time) as is_real_time:
            print(f"jackd {'-R' if is_real_time else '-r'}, block {BLOCK}")
            _motion(packets, backend)
    else:
        print(f"null, block {BLOCK}")
        _motion(packets, backend)


def _motion(packets, backend):
    rng = np.random.default_rng(0)
    # 375 Hz: its period is one block.
    player = Live(sources=[Tone(RATE / BLOCK, 0.5)], backend=backend, osc_port=0)
    waits = []
    with player, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        shared = player._shared
        shared.set_flag(Flag.RECORDING, 1)
        tap, cells, block_log, now = (
            getattr(shared.arrays, name) for name in ("tap", "tap_cells", "block_log", "now")
        )
        time.sleep(1.0)
        angle, missed = 0.0, 0
        for _ in range(packets):
            time.sleep(0.02 + 0.01 * rng.random())
            angle += rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 0.8)
            values = (np.cos(angle / 2), 0.0, 0.0, np.sin(angle / 2))
            datagram = message("/auricle/listener/quat", [plain(float(v)) for v in values])
            sent_frames = int(cells[TAP_WRITTEN])
            cells[TAP_READ] = sent_frames - BLOCK  # what lies before may be written over
            sent = time.monotonic_ns()
            out.sendto(datagram, ("127.0.0.1", player.osc.port))
            time.sleep(0.02)
            heard = first_change(tap, sent_frames, int(cells[TAP_WRITTEN]))
            if heard is None:
                missed += 1
                continue
            status = shared.status()
            heard += int(status[Status.FRAMES] - status[Status.TAP_FRAMES])  # before the recording
            block = heard // BLOCK
            count = int(now[Status.CALLBACKS])
            row = next(m for m in (block_log[(count - 1 - i) % LOGGED_BLOCKS] for i in range(60))
                       if m[0] == block * BLOCK)  # fmt: skip
            # When the driver was handed the block, and its place within the block.
            waits.append((1e-9 * (row[1] - sent), (heard - block * BLOCK) / RATE))
    waits = 1e3 * np.array(waits)
    for name, values in (
        ("to the begin of the block that holds the first changed sample", waits[:, 0]),
        ("to that sample, counted on within its block", waits.sum(axis=1)),
    ):
        print(f"  pose packet {name}: median {np.median(values):.3f} ms, 99th percentile "
              f"{np.percentile(values, 99):.3f} ms, {len(values)} packets")  # fmt: skip
    print(
        f"  a block is {1e3 * BLOCK / RATE:.3f} ms; {missed} packets whose change was not seen in "
        "20 ms"
    )


def first_change(tap, begin, end):
    """First frame from ``begin`` on that is not what it was a block before; None: all are."""
    frames = np.arange(begin, end)
    change = np.abs(tap[frames % len(tap)] - tap[(frames - BLOCK) % len(tap)]).max(axis=1)
    found = np.flatnonzero(change > 1e-5)
    return int(frames[found[0]]) if len(found) else None


def hour(seconds, n_sources):
    """Memory after the first minute and at the end, and what comes out at both."""
    import resource

    page = resource.getpagesize()

    def resident():
        return page * int(Path("/proc/self/statm").read_text().split()[1]) / 1e6

    with tempfile.TemporaryDirectory() as folder:
        track = Path(folder) / "track.wav"
        noise = 0.1 * np.random.default_rng(0).standard_normal((RATE, 2))
        soundfile.write(track, noise, RATE, subtype="FLOAT")
        sources = [Track(track, loop=True), *[Noise(0.01)] * (n_sources - 2)]
        player = Live(sources=sources, backend="null", unpaced=True, seconds=seconds, osc_port=0)
        rows, began = [], time.monotonic()
        with player:
            i = 0
            while not player.ended:
                angle = 0.01 * i
                player.set_listener((np.cos(angle), 0.0, 0.0, np.sin(angle)))
                i += 1
                figures = player.statistics()
                rows.append((figures["seconds"], resident(), figures["ears"][0]["rms_db"]))
                time.sleep(0.05)
        took = time.monotonic() - began
    rows = np.array(rows)
    early = rows[rows[:, 0] > 60.0] if seconds > 120 else rows[len(rows) // 10 :]
    frames = player.statistics()["seconds"] * RATE
    print(f"{seconds:g} s of {n_sources} sources in {took:.1f} s")
    print(
        f"  RSS {early[0, 1]:.2f} MB at {early[0, 0]:.0f} s, {early[-1, 1]:.2f} MB at the end "
        f"({100 * (early[-1, 1] / early[0, 1] - 1):+.2f} %), most {early[:, 1].max():.2f}"
    )
    half = len(early) // 2
    print(
        f"  level, first and second half: {early[:half, 2].mean():.2f}, "
        f"{early[half:, 2].mean():.2f} dB; frames {frames:.0f}, asked {seconds * RATE:.0f}"
    )


def foreign(seconds, real_time):
    """jack-play (jack-tools) plays a file of sox into a source, jack_capture records the ears."""
    for program in ("jack_capture", "sox", "jack-play", "jack_connect", "jack_lsp"):
        if shutil.which(program) is None:
            sys.exit(f"needs {program}")
    quiet = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
    with jack_server(real_time), tempfile.TemporaryDirectory() as folder:
        recorded, noise = Path(folder) / "ears.wav", Path(folder) / "noise.wav"
        subprocess.run(
            ["sox", "-n", "-r", str(RATE), "-c", "1", noise, "synth", str(seconds + 4),
             "whitenoise", "vol", "0.1"], check=True,
        )  # fmt: skip
        with Live(sources=[Input("voice"), Noise(0.0)], azimuth_deg=[90.0, 0.0]) as player:
            play = subprocess.Popen(["jack-play", noise], **quiet)
            time.sleep(1.0)
            ports = subprocess.run(["jack_lsp"], capture_output=True, text=True).stdout.split()
            sources = [each for each in ports if each.startswith("jack-play")]
            for port in sources:
                subprocess.run(["jack_connect", port, "auricle:voice"], check=True, **quiet)
            capture = subprocess.Popen(
                ["jack_capture", "-ns", "-dc", "-c", "2", "-d", str(seconds), "-p", "auricle:left",
                 "-p", "auricle:right", recorded], **quiet,
            )  # fmt: skip
            capture.wait(seconds + 20)
            figures = player.statistics()
            play.kill()
            play.wait()
        ears, rate = soundfile.read(recorded)
    left, right = 20 * np.log10(np.sqrt(np.mean(ears**2, axis=0)) + 1e-12)
    print(f"ports of the foreign player: {', '.join(sources) or 'none'}")
    print(f"  jack_capture wrote {len(ears) / rate:.2f} s at {rate} Hz; left {left:.1f} dB, right "
          f"{right:.1f} dB (the source is on the left)")  # fmt: skip
    print(f"  the source arrived with {figures['meters']['sources'][0]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["jack", "soak", "motion", "hour", "foreign"])
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--sources", type=int)
    parser.add_argument("--spinners", type=int, default=3)
    parser.add_argument("--packets", type=int, default=1000)
    parser.add_argument("--backend", default="jack", choices=["jack", "null"])
    parser.add_argument("--not-real-time", action="store_true", help="jackd -r")
    given = parser.parse_args()
    auricle.default_hrtf()
    if given.what == "jack":
        jack(given.seconds or 60.0, given.sources or 256, given.spinners, not given.not_real_time)
    elif given.what == "soak":
        soak(given.seconds or 600.0, given.sources or 64, not given.not_real_time)
    elif given.what == "motion":
        motion(given.packets, given.backend, not given.not_real_time)
    elif given.what == "hour":
        hour(given.seconds or 3600.0, given.sources or 8)
    else:
        foreign(given.seconds or 5.0, not given.not_real_time)


if __name__ == "__main__":
    main()
