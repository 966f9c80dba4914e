"""OpenAL Soft's own tool that turns measured responses into its .mhr sets, run once a set."""

import os
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.cache import cache_folder
from auricle.dsp.storage.digests import digest_of

TAPS = 128  # the most that OpenAL Soft plays
_TOOLS = ("makemhr", "makehrtf")


def tool() -> str | None:
    """Path of makemhr or, as Debian 12 has it, makehrtf; None where there is none."""
    return next((path for path in map(shutil.which, _TOOLS) if path), None)


@lru_cache
def mhr_folder() -> Path:
    """The folder of the .mhr files, and the configuration that names it to OpenAL Soft.

    One for the life of the process: OpenAL Soft reads its configuration once.
    """
    return cache_folder() / "openal"


def mhr_set(hrtf: HrtfSet) -> str:
    """Name of the set's .mhr file, made if it is not there yet.

    Minimum-phase responses of 128 taps and whole-sample delays, as the tool makes them from the
    measured responses; no diffuse-field equalisation, which the other engines do not have either.

    Raises:
        ValueError: the grid is not one of rings from pole to pole in equal steps.
        RuntimeError: the tool failed.
    """
    name = f"auricle-{digest_of('', hrtf.ir, hrtf.positions, size=16)}"
    path = mhr_folder() / f"{name}.mhr"
    if path.exists():
        return name
    counts, rows = rings(hrtf.positions)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "responses.f32"
        hrtf.ir.astype("<f4").tofile(raw)
        definition = Path(folder) / "set.def"
        definition.write_text(_definition(hrtf, counts, rows, raw), encoding="ascii")
        made = Path(folder) / "set.mhr"
        command = [
            str(tool()),
            "-e",
            "off",
            "-w",
            str(TAPS),
            "-i",
            str(definition),
            "-o",
            str(made),
        ]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode or not made.exists():
            raise RuntimeError(f"{command[0]} failed: {(run.stderr or run.stdout).strip()[-200:]}")
        unfinished = path.with_suffix(f".{os.getpid()}")
        shutil.copyfile(made, unfinished)
        os.replace(unfinished, path)
    return name


def rings(positions: np.ndarray) -> tuple[list[int], dict[tuple[int, int], int]]:
    """Azimuths in each ring from -90 to 90 degrees, and the row of each (ring, place clockwise).

    Rings may be missing at the bottom; the tool makes those up.
    """
    elevation = np.round(np.rad2deg(np.arcsin(np.clip(positions[:, 2], -1, 1))), 4)
    clockwise = np.mod(-np.rad2deg(np.arctan2(positions[:, 1], positions[:, 0])), 360.0)
    levels = np.unique(elevation)
    step = float(np.diff(levels).min())
    count = round(180.0 / step) + 1
    places = (levels + 90.0) / step
    wanted = np.arange(count - len(levels), count)
    if levels[-1] < 89.9 or len(levels) < 2 or not np.allclose(places, wanted, atol=1e-2):
        raise ValueError(
            "OpenAL Soft takes only rings in equal steps of elevation up to 90 degrees"
        )
    counts, rows = [1] * count, {}
    for level, ring in zip(levels, wanted.tolist(), strict=True):
        members = np.flatnonzero(elevation == level)
        counts[ring] = 1 if abs(level) > 89.9 else len(members)
        for row in members.tolist():
            place = 0.0 if counts[ring] == 1 else clockwise[row] * counts[ring] / 360.0
            if abs(place - round(place)) > 1e-3 * counts[ring]:
                raise ValueError("OpenAL Soft takes only azimuths in equal steps from the front")
            rows[ring, round(place) % counts[ring]] = row
    lowest = int(wanted[0])
    for ring in range(1, lowest):
        counts[ring] = counts[lowest]
    return counts, rows


def _definition(
    hrtf: HrtfSet, counts: list[int], rows: dict[tuple[int, int], int], raw: Path
) -> str:
    taps, radius_m = hrtf.n_taps, min(max(hrtf.radius_m, 0.5), 2.5)
    lines = [
        f"rate = {hrtf.sample_rate}",
        "type = stereo",
        f"points = {taps}",
        "radius = 0.09",
        f"distance = {radius_m:.3f}",
        "azimuths = " + ", ".join(map(str, counts)),
    ]
    for (ring, place), row in sorted(rows.items()):
        at = 4 * 2 * taps * row
        ears = ((at, "left"), (at + 4 * taps, "right"))
        sources = [f'bin_le (fp, 4) @ {start} : "{raw}" {ear}' for start, ear in ears]
        lines.append(f"[{ring}, {place}] = " + " + ".join(sources))
    return "\n".join(lines) + "\n"
