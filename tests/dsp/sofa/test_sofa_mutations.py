"""Damaged SOFA files: the reader raises its own error or gives a set, and nothing else happens.

AURICLE_MUTATIONS is the number of damaged files; 5000 take some minutes.
"""

import os
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from pulse_head import pulse_head
from sofa_files import CARTESIAN, ball_spectra, coarse_sphere, places, write_sofa_file

from auricle.dsp.errors import AuricleError, SofaError
from auricle.dsp.hrtf.hrtf_set import HrtfSet

COUNT = int(os.environ.get("AURICLE_MUTATIONS", "200"))


def write_five(folder: Path) -> list[Path]:
    """One file of each kind: a set, spectra, emitters, many receivers, the classic form."""
    head, positions = pulse_head(coarse_sphere(), n_taps=96), coarse_sphere()
    f = np.arange(250.0, 24001.0, 250.0)
    data = ball_spectra(positions, f)
    plain = {
        "Data.IR": ("MRN", head.ir, {}),
        "Data.Delay": ("MR", np.ones((len(positions), 2)), {}),
        "SourcePosition": places(positions),
    }
    spectra = {
        "Data.Real": ("MRN", data.real, {}), "Data.Imag": ("MRN", data.imag, {}),
        "N": ("N", f, {"Units": "hertz"}), "SourcePosition": places(positions),
    }  # fmt: skip
    emitters = {
        "Data.IR": ("MRNE", head.ir.transpose(1, 2, 0)[None], {}),
        "SourcePosition": ("IC", np.zeros((1, 3)), CARTESIAN),
        "EmitterPosition": ("ECI", positions[..., None], CARTESIAN),
    }
    receivers = plain | {
        "Data.IR": ("MRN", np.repeat(head.ir, 2, axis=1), {}),
        "Data.Delay": ("IR", np.zeros((1, 4)), {}),
        "ReceiverPosition": ("RCI", np.ones((4, 3, 1)) * [[[0], [1], [0]]], CARTESIAN),
    }
    files = [
        write_sofa_file(folder / "plain.sofa", plain),
        write_sofa_file(folder / "tf.sofa", spectra, conventions="SimpleFreeFieldHRTF", kind="TF"),
        write_sofa_file(folder / "e.sofa", emitters, conventions="GeneralFIR-E", version="2.0",
                        kind="FIR-E"),
        write_sofa_file(folder / "r.sofa", receivers, conventions="GeneralFIR"),
        write_sofa_file(folder / "classic.sofa", plain, kind_of_file="NETCDF3_CLASSIC"),
    ]  # fmt: skip
    with netCDF4.Dataset(files[0], "a") as file:
        for k in range(12):
            file.setncattr(f"Comment{k}", "a comment")
    return files


def mutated(content: bytes, files: list[bytes], rng: np.random.Generator) -> bytes:
    """The content with wrong bytes, a wrong number, a part from elsewhere, or cut short."""
    out, kind = bytearray(content), rng.integers(5)
    place = int(rng.integers(len(out) - 64))
    if kind == 0:
        for at in rng.integers(0, len(out), rng.integers(1, 30)):
            out[at] ^= int(rng.integers(1, 256))
    elif kind == 1:
        del out[place:]
    elif kind == 2:
        numbers = (0, 1, len(out), (1 << 64) - 1, int(rng.integers(1 << 62)))
        number = numbers[rng.integers(len(numbers))]
        width = int(rng.choice([1, 2, 4, 8]))
        out[place : place + width] = number.to_bytes(8, "little")[:width]
    elif kind == 3:
        other = files[rng.integers(len(files))]
        start = int(rng.integers(len(other) - 64))
        out[place : place + 48] = other[start : start + 48]
    else:  # only the first part, where what describes the data stands
        for at in rng.integers(0, min(4096, len(out)), rng.integers(1, 4)):
            out[at] = int(rng.integers(256))
    return bytes(out)


def refusal(path: Path, options: dict[str, Any]) -> str:
    """What the reader says of a file; empty where it gives a set, which then is one."""
    try:
        hrtf = HrtfSet.load(path, **options)
    except SofaError as error:
        return str(error)
    assert np.all(np.isfinite(hrtf.ir))
    return ""


def test_damaged_files_raise_nothing_but_our_own_error(tmp_path: Path) -> None:
    files = [path.read_bytes() for path in write_five(tmp_path)]
    rng, path = np.random.default_rng(0), tmp_path / "damaged.sofa"
    said = []
    for k in range(COUNT):
        path.write_bytes(mutated(files[k % 5], files, rng))
        try:
            said.append(refusal(path, {"receivers": (0, 2)} if k % 5 == 3 else {}))
        except Exception as error:
            raise AssertionError(f"mutation {k} ends in {error!r}") from error
    refused = [line for line in said if line]
    assert refused  # else nothing was damaged
    assert all(line.startswith(f"{path}: ") for line in refused)
    assert not any("\n" in line or len(line) > 1000 for line in refused)


@pytest.mark.parametrize("kept", [0.02, 0.4, 0.8, 0.999])
def test_every_kind_is_refused_when_it_is_cut_short(tmp_path: Path, kept: float) -> None:
    for path in write_five(tmp_path):
        path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
        with pytest.raises(AuricleError, match="damaged or cut short|not a SOFA file"):
            HrtfSet.load(path)


def test_the_five_files_are_sound(tmp_path: Path) -> None:
    for path in write_five(tmp_path):
        options: dict[str, Any] = {"receivers": (0, 2)} if path.stem == "r" else {}
        assert HrtfSet.load(path, **options).n_directions == len(coarse_sphere())
