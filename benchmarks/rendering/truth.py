"""Print how true the engine plays public sets: levels, ILD and ITD, octave by octave.

    python benchmarks/rendering/truth.py DATA [SET...] [--rates 44100,48000] [--plot PICTURE.png]

What the renderer plays (``auricle.dsp.preparation.played``) against direct convolution with the
set's own responses at the same rate and level, with a sphere's bass where the renderer puts that in
("bass"). Measured directions: all of the set. Left out: every second one, from a set prepared
without them.

- full: the worst error of a direction in dB, 20 Hz to 18 kHz, and the median (level "measured");
- level: octaves 125 Hz to 8 kHz, both ears, 95 % and the worst; ILD: 95 % in the worst octave;
- ITD by correlation below 1.5 kHz, 95 % and the worst, and that of envelopes below 3 kHz, 95 %;
- rates: how far levels and ITD are from those of the same set at 44.1 kHz, the worst;
- mirror: how far a set that is its own mirror image is from it as it is played, the worst.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from accuracy import packed

import auricle
from auricle.dsp.acoustics.rigid_sphere import sphere_response
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.bass import extended_bass, judged_bass
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.dsp.metrics.octaves import CENTRES_HZ, cue_errors, octave_levels_db
from auricle.dsp.metrics.spectral import MIDDLE, lsd_db
from auricle.dsp.preparation.played import played_responses
from auricle.dsp.preparation.played_errors import of_95, worst
from auricle.dsp.preparation.prepare import prepare

RATES = (44100, 48000, 88200, 96000)
HEAD = (
    "| set | Hz | rank | bass | LSD dB | level 95 %, worst | ILD 95 % | ITD us 95 %, worst "
    "| envelope 95 % | rates dB, us | mirror dB, us |"
)


def sphere_set(rate: int = 48000, radius_m: float = 0.0875) -> HrtfSet:
    """A rigid sphere at 1.5 m, rings 10 degrees apart: every response known, and its own mirror."""
    azimuth, elevation = np.meshgrid(np.arange(0, 360, 10.0), np.arange(-80, 81, 10.0))
    positions = unit_vectors(azimuth.ravel(), elevation.ravel())
    n = 1024
    hz = np.fft.rfftfreq(n, 1.0 / rate)
    late = np.exp(-2j * np.pi * hz * 0.0015)
    late *= np.cos(np.clip((hz / (0.5 * rate) - 0.8) / 0.2, 0.0, 1.0) * np.pi / 2) ** 2
    ears = [
        np.fft.irfft(late * sphere_response(1.5, side * positions[:, 1], hz, radius_m), n)
        for side in (1.0, -1.0)
    ]
    return HrtfSet(np.stack(ears, axis=1)[..., :384], positions, 1.5, rate, "sphere")


def sets(data: Path) -> dict[str, Callable[[], HrtfSet]]:
    quirks = data / "sofa_quirks"
    listen = quirks / "LISTEN_irc1002_mislabelled48k_swappedReceivers.sofa"
    return {
        "HUTUBS": lambda: packed(data, "hutubs", 10),
        "SONICOM": lambda: packed(data, "sonicom", 0),
        "CIPIC": lambda: packed(data, "cipic", 0),
        "KEMAR": lambda: HrtfSet.load(data / "default_hrtf" / "MIT_KEMAR_normal_pinna.sofa"),
        "KU100": lambda: HrtfSet.load(data / "ku100_nearfield" / "HRIR_L2702.sofa"),
        "SADIE-I": lambda: packed(data, "sadie1", 0),
        "LISTEN": lambda: HrtfSet.load(listen, true_sample_rate=44100),
        "ITD": lambda: HrtfSet.load(quirks / "CIPIC_003_itdInDelayField.sofa"),
        "sphere": sphere_set,
        "default": lambda: auricle.default_hrtf(44100),
    }


def wanted(hrtf: HrtfSet, rate: int) -> tuple[HrtfSet, str]:
    """What should be played, and whose bass it has."""
    if judged_bass(hrtf).plausible:
        return hrtf.resampled(rate), "own"
    return extended_bass(hrtf).resampled(rate), "sphere"


def at_level(truth: np.ndarray, found: np.ndarray, rate: int) -> np.ndarray:
    """The truth at the level of what was found: renderers bring all sets to one level."""
    hz = np.fft.rfftfreq(4096, 1.0 / rate)
    inside = (hz >= 200.0) & (hz <= 12000.0)
    power = [np.sum(np.abs(np.fft.rfft(x, 4096)[..., inside]) ** 2) for x in (found, truth)]
    return truth * np.sqrt(power[0] / power[1])


def exactness_db(hrtf: HrtfSet, rate: int) -> tuple[float, float]:
    """Error of full rank at measured directions, 20 Hz to 18 kHz: the worst and the median."""
    truth = hrtf.resampled(rate).ir
    found = played_responses(prepare(hrtf, rate, rank="full", level="measured"), hrtf.positions)
    size = 1 << int(max(truth.shape[2], found.shape[2]) - 1).bit_length()
    hz = np.fft.rfftfreq(size, 1.0 / rate)
    inside = (hz >= 20.0) & (hz <= 18000.0)
    spectra = [np.fft.rfft(x, size)[..., inside] for x in (truth, found)]
    error = np.sum(np.abs(spectra[1] - spectra[0]) ** 2, -1) / np.sum(np.abs(spectra[0]) ** 2, -1)
    error_db = 10.0 * np.log10(np.maximum(error, 1e-20))
    return float(error_db.max()), float(np.median(error_db))


def mirror_rows(positions: np.ndarray) -> np.ndarray:
    """The row (M,) of each direction's mirror image, -1 where there is none."""
    distance = np.linalg.norm(
        positions[:, None] * np.array([1.0, -1.0, 1.0]) - positions[None], axis=2
    )
    nearest = distance.argmin(axis=1)
    return np.where(distance.min(axis=1) < 1e-3, nearest, -1)


def asymmetry(hrtf: HrtfSet, found: np.ndarray, rate: int) -> tuple[float, float] | None:
    """Worst octave level in dB and ITD in us by which the played set differs from its mirror."""
    rows = mirror_rows(hrtf.positions)
    if np.any(rows < 0) or worst(hrtf.ir[:, 0] - hrtf.ir[rows, 1]) > 1e-3 * np.abs(hrtf.ir).max():
        return None
    levels, itd = octave_levels_db(found, rate), itd_correlation_seconds(found, rate)
    return worst(levels[:, 0] - levels[rows, 1]), 1e6 * worst(itd + itd[rows])


def lines(name: str, hrtf: HrtfSet, rates: tuple[int, ...]) -> Iterator[tuple[str, dict]]:
    """Rows of the table at measured directions, then at those left out."""
    first: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for rate in rates:
        exact = exactness_db(hrtf, rate)
        exact_db = f"{exact[0]:.0f}, {exact[1]:.0f}"
        yield f"| {name} | {rate} | full | own | {exact_db} dB | | | | | | |", {}
        truth, bass = wanted(hrtf, rate)
        prepared = prepare(hrtf, rate)
        found = played_responses(prepared, hrtf.positions)
        levels, itd = octave_levels_db(found, rate), itd_correlation_seconds(found, rate)
        first.setdefault("auto", (levels, itd))
        between = worst(levels - first["auto"][0]), 1e6 * worst(itd - first["auto"][1])
        mirror = asymmetry(hrtf, found, rate)
        row, errors = compared(at_level(truth.ir, found, rate), found, rate)
        yield (
            f"| {name} | {rate} | auto, {prepared.rank} | {bass} | {row} "
            f"| {between[0]:.2f}, {between[1]:.1f} "
            f"| {'' if mirror is None else f'{mirror[0]:.2f}, {mirror[1]:.1f}'} |",
            {"rate": rate, "errors": errors},
        )
    rate = 48000
    kept, left = (hrtf.subset(np.arange(start, hrtf.n_directions, 2)) for start in (0, 1))
    for rank in ("auto", "full"):
        prepared = prepare(kept, rate, rank=rank)
        found = played_responses(prepared, left.positions)
        truth, bass = wanted(hrtf, rate)
        row, errors = compared(at_level(truth.ir[1::2], found, rate), found, rate)
        yield (
            f"| {name}, left out | {rate} | {rank}, {prepared.rank} | {bass} | {row} | | |",
            {"rank": rank, "left_out": errors},
        )


def compared(truth: np.ndarray, found: np.ndarray, rate: int) -> tuple[str, object]:
    errors = cue_errors(truth, found, rate)
    length = max(truth.shape[2], found.shape[2])
    band = MIDDLE._replace(n_fft=1 << (length - 1).bit_length())
    ild = max(of_95(errors.ild_db[:, octave]) for octave in range(len(CENTRES_HZ)))
    text = (
        f"{lsd_db(found, truth, rate, band).mean():.2f} "
        f"| {of_95(errors.level_db):.2f}, {worst(errors.level_db):.2f} | {ild:.2f} "
        f"| {of_95(errors.itd_us):.1f}, {worst(errors.itd_us):.1f} "
        f"| {of_95(errors.itd_envelope_us):.0f}"
    )
    return text, errors


def draw(rows: dict[str, list[dict]], path: Path) -> None:
    """Levels by octave, 95 % and the worst, at 48 kHz: measured directions and those left out."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for name, found in rows.items():
        for axis, key in zip(axes, ("errors", "left_out"), strict=True):
            errors = next((row[key] for row in reversed(found) if key in row), None)
            if errors is None:
                continue
            by_octave = np.nanpercentile(np.abs(errors.level_db), 95, axis=(0, 1))
            axis.semilogx(CENTRES_HZ, by_octave, "o-", label=name)
    for axis, title in zip(
        axes, ("measured directions, auto", "directions left out, full rank"), strict=True
    ):
        axis.set(title=title, xlabel="octave (Hz)")
        axis.set_xticks(CENTRES_HZ, [f"{hz:g}" for hz in CENTRES_HZ])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("level off by (dB), 95 % of directions and ears")
    axes[0].axhline(1.0, color="black", linestyle="--", linewidth=0.8)
    axes[1].legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--rates", default=",".join(map(str, RATES)))
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    rates = tuple(int(rate) for rate in asked.rates.split(","))
    print(HEAD + "\n|" + "---|" * (HEAD.count("|") - 1))
    rows: dict[str, list[dict]] = {}
    for name, load in sets(asked.data).items():
        if asked.sets and name not in asked.sets:
            continue
        for line, row in lines(name, load(), rates):
            print(line, flush=True)
            rows.setdefault(name, []).append(row)
    if asked.plot:
        draw(rows, asked.plot)


if __name__ == "__main__":
    main()
