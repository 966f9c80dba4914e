"""The picture of the demo: where the sounds go, seen from above, and what each ear gets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from auricle.dsp.storage.part_files import whole_file
from auricle.plugin_core.demo.scene import Part


def save_demo_picture(parts: Sequence[Part], audio: Path, picture: Path) -> None:
    """Write the picture (PNG) of a rendered file and the paths of its sounds.

    Args:
        parts: the sounds of the demo.
        audio: the rendered file.
        picture: the file to write.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.6), layout="constrained")
    above, level = figure.subplots(1, 2, width_ratios=[1.0, 1.5])
    seconds = np.linspace(0.0, 6.0, 200)
    for part in parts:
        xyz = part.path.positions_m(seconds)
        # Seen from above with the front up: left is minus y of the picture's right.
        (line,) = above.plot(-xyz[:, 1], xyz[:, 0], lw=2)
        above.plot(-xyz[-1, 1], xyz[-1, 0], "o", color=line.get_color(), label=part.name)
    above.plot(0.0, 0.0, "^", ms=14, color="black", label="listener")
    above.set(aspect="equal", xlabel="right (m)", ylabel="front (m)", title="6 s, from above")
    above.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2))
    figure.legend(
        *above.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=5,
        markerscale=0.7,
    )  # fmt: skip
    samples, rate = soundfile.read(audio, always_2d=True)
    frame = rate // 20
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame, 2)
    rms_db = 10.0 * np.log10(np.mean(frames**2, axis=1) + 1e-9)
    time = (np.arange(len(rms_db)) + 0.5) * frame / rate
    level.plot(time, rms_db[:, 0], label="left ear", color="tab:blue")
    level.plot(time, rms_db[:, 1], label="right ear", color="tab:red")
    level.set(xlabel="time (s)", ylabel="level (dB)", title="What each ear gets", ylim=(-60.0, 0.0))
    level.grid(alpha=0.3)
    level.legend()
    with whole_file(picture) as unfinished:
        figure.savefig(unfinished, dpi=110)
