"""OSC clients that are not ours, and a render of what they sent."""

import contextlib
import shutil
import subprocess
import sys
import time

import numpy as np
import soundfile

from auricle.osc.network.server import OscServer
from auricle.osc.scene.target import MemoryTarget
from auricle.osc.session.recording import SessionRecording

RATE = 48000
PAUSE_SECONDS = 0.25
N_SOURCES = 8

# Left for a while, then right; then the rest of what the clients can do. The package's server is
# a thread that never ends, hence the hard exit.
_ADM_OSC = """
import os, sys, time
from adm_osc import OscClientServer, StressClient, TestClient
from adm_osc.protocol import ValueType
port, what = int(sys.argv[1]), sys.argv[2]
if what == "directions":
    client = OscClientServer("127.0.0.1", port, 0)
    for azimuth in (90.0, -90.0):
        client.send_object_polar_position(1, [azimuth, 0.0, 1.0])
        time.sleep({pause})
elif what == "test":
    client = TestClient("127.0.0.1", port, 0)
    for kind in ValueType:
        client.set_objects_stable_parameters_predefined_value(range({n}), kind)
        client.set_all_objects_stable_parameters_predefined_value(kind)
else:
    client = StressClient("127.0.0.1", port, 0)
    client.stress_all({n}, 0.4, 5.0)
os._exit(0)
"""


def has_adm_osc():
    """Whether the package adm-osc is there."""
    import importlib.util

    return importlib.util.find_spec("adm_osc") is not None


def has_oscsend():
    """Whether liblo's program is there."""
    return shutil.which("oscsend") is not None


def adm_osc(port, what):
    """Run adm-osc in a process of its own: "directions", "test" or "stress"."""
    code = _ADM_OSC.format(pause=PAUSE_SECONDS, n=N_SOURCES)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(port), what],
        check=True, timeout=60, capture_output=True,
    )  # fmt: skip


def oscsend(port, transport="udp"):
    """Left for a while, then right, by liblo."""
    url = f"osc.{transport}://127.0.0.1:{port}/"
    for azimuth in ("90", "-90"):
        subprocess.run(["oscsend", url, "/adm/obj/1/azim", "f", azimuth], check=True, timeout=60)
        time.sleep(PAUSE_SECONDS)


@contextlib.contextmanager
def recorded(path, **options):
    """A server that writes down what comes."""
    with OscServer(MemoryTarget(N_SOURCES), port=0, reply_port=0, record=path, **options) as server:
        yield server
        time.sleep(0.2)


def left_and_right_db(recording, rendered):
    """Level difference of the ears, left minus right, while the source is left, and while right."""
    times = [each.seconds for each in SessionRecording.load(recording).records]
    audio, rate = soundfile.read(rendered)
    found = []
    for begin in (times[0], times[-1]):
        first = int((begin + 0.05) * rate)
        part = audio[first : first + int(0.15 * rate)]
        left, right = np.sqrt(np.mean(part**2, axis=0))
        found.append(20.0 * np.log10(left / right))
    return found


def noise(path, seconds=3.0):
    """A track."""
    audio = 0.1 * np.random.default_rng(0).standard_normal(int(seconds * RATE))
    soundfile.write(path, audio, RATE)
    return path
