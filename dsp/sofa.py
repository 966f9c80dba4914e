"""SOFA files (AES69): read into plain arrays in Auricle's conventions, and written from them.

Read: SimpleFreeFieldHRIR, GeneralFIR and their like (FIR data, also with emitters), and
SimpleFreeFieldHRTF, GeneralTF and their like (TF data), of any version that netCDF can open.
What a file leaves out or gets wrong is mended only where that is safe, and always said.
"""

import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import HrtfError, SofaError
from auricle.dsp.geometry import azimuth_elevation_deg, directions_and_distances
from auricle.dsp.responses import delayed, from_spectra
from auricle.dsp.sofa_positions import compare_receivers, one_shell, source_points_m
from auricle.dsp.sofa_values import (
    conventions,
    dimensions,
    has,
    numbers,
    text,
    variable_attribute,
)

Array: TypeAlias = NDArray[np.float64]

MAX_DELAY_SECONDS = 1.0
NO_LICENSE = "No license provided, ask the author for permission"  # what writers put by default


class SofaContent(NamedTuple):
    """What a file holds: ir (M, 2, N), unit positions (M, 3) in head axes, and who measured it."""

    ir: Array
    positions: Array
    radius_m: float
    sample_rate: int
    name: str
    license: str
    references: str
    findings: tuple[str, ...]


def read_sofa(path: str | os.PathLike[str], *, distance_m: float | None = None) -> SofaContent:
    """The responses and directions of a SOFA file; SofaError, naming the file, if it has none.

    ``distance_m`` picks the nearest shell of a file measured at several distances; without it the
    shell with most directions is taken, the farthest of equals.
    """
    findings: list[str] = []
    try:
        sofa = _open(Path(path), findings)
        ir, sample_rate = _responses(sofa, findings)
        points_m = source_points_m(sofa, len(ir), findings)
        ir, points_m = one_shell(ir, points_m, distance_m, findings)
    except HrtfError as error:
        raise SofaError(f"{os.fspath(path)}: {error}") from None
    positions, distances_m = directions_and_distances(points_m)
    compare_receivers(sofa, findings)
    return SofaContent(
        ir,
        positions,
        round(float(np.median(distances_m)), 9),  # 3.25 m, not 3.2499999999999996
        sample_rate,
        _name(sofa) or Path(path).stem,
        text(sofa, "License", not_these=(NO_LICENSE,)),
        text(sofa, "References") or text(sofa, "AuthorContact") or text(sofa, "Organization"),
        tuple(findings),
    )


def check_target(target: Path) -> None:
    """Raise SofaError for a name under which no set can be written; call it before the work."""
    if target.suffix != ".sofa":
        raise SofaError(f"{target}: a SOFA file must end in .sofa")
    # netCDF reports a missing folder as "permission denied".
    if not target.parent.is_dir():
        raise SofaError(f"{target}: there is no folder {target.parent}; make it first")


def write_sofa(path: str | os.PathLike[str], content: SofaContent) -> None:
    """Write SimpleFreeFieldHRIR; the file stands under its name when it is complete, not before."""
    import sofar

    target = Path(path)
    check_target(target)
    sofa = sofar.Sofa("SimpleFreeFieldHRIR")
    azimuth, elevation = azimuth_elevation_deg(content.positions)
    distance = np.full_like(azimuth, content.radius_m)
    sofa.Data_IR = content.ir
    sofa.Data_SamplingRate = float(content.sample_rate)
    sofa.Data_Delay = np.zeros((1, 2))
    sofa.SourcePosition = np.stack([azimuth % 360.0, elevation, distance], axis=-1)
    sofa.SourcePosition_Type = "spherical"
    sofa.SourcePosition_Units = "degree, degree, metre"
    sofa.ReceiverPosition = np.array([[0.0, 0.09, 0.0], [0.0, -0.09, 0.0]])
    sofa.GLOBAL_ListenerShortName = content.name
    sofa.GLOBAL_Title = content.name
    sofa.GLOBAL_License = content.license or NO_LICENSE
    sofa.GLOBAL_References = content.references
    sofa.GLOBAL_ApplicationName = "auricle"
    unfinished = target.with_name(f".{target.stem}.{os.getpid()}.sofa")
    try:
        sofar.write_sofa(str(unfinished), sofa)
        os.replace(unfinished, target)
    except (OSError, RuntimeError) as error:
        raise SofaError(f"{target}: cannot be written: {_one_line(error)}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _open(path: Path, findings: list[str]) -> Any:
    """The file as a sofar object, whatever its conventions; what they object to is a finding."""
    if not path.exists():
        raise SofaError(f"{path}: there is no such file")
    if path.is_dir():
        raise SofaError(f"{path}: is a folder; name one SOFA file in it")
    with open(path, "rb") as file:
        start = file.read(8)
    if not start:
        raise SofaError(f"{path}: is empty; get the file again")
    if start != b"\x89HDF\r\n\x1a\n" and not start.startswith(b"CDF"):
        raise SofaError(f"{path}: is not a SOFA file (it is not HDF5 inside)")
    if path.suffix == ".sofa":
        return _open_named_sofa(path, path, findings)
    # sofar would open the neighbour that ends in .sofa instead.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sofa"
        shutil.copyfile(path, copy)
        return _open_named_sofa(copy, path, findings)


def _open_named_sofa(file: Path, path: Path, findings: list[str]) -> Any:
    import sofar

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sofar warns of what becomes a finding here
        try:
            sofa = sofar.read_sofa(str(file), verify=False, verbose=False)
        except (ValueError, AttributeError):
            # A convention or version that sofar does not know, or none at all.
            sofa = _open_as_netcdf(file, path)
            if not text(sofa, "SOFAConventions"):
                raise SofaError(f"{path}: is not a SOFA file (it names no conventions)") from None
            findings.append(
                f"The conventions {conventions(sofa)} are unknown; read by the names of the data."
            )
            return sofa
        except (OSError, RuntimeError, MemoryError) as error:
            raise _damaged(path, error) from None
        _note_violations(sofa, findings)
    return sofa


def _open_as_netcdf(file: Path, path: Path) -> Any:
    import sofar

    try:
        return sofar.read_sofa_as_netcdf(str(file))
    except (ValueError, AttributeError, OSError, RuntimeError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: BaseException) -> SofaError:
    return SofaError(f"{path}: is damaged or cut short, get the file again ({_one_line(error)})")


def _note_violations(sofa: Any, findings: list[str]) -> None:
    version = text(sofa, "SOFAConventionsVersion")
    if version.startswith("0."):
        findings.append(f"Written to the preliminary conventions {conventions(sofa)}.")
        return
    try:
        issues = sofa.copy().verify(issue_handling="return", mode="read")
    except Exception as error:  # sofar fails in many ways on a file that breaks its rules
        issues = f"cannot be verified: {error}"
    if issues and "ERROR" in str(issues):
        lines = [line.strip(" -") for line in str(issues).splitlines()]
        told = [line for line in lines if line and not (line.isupper() or line.endswith(":"))]
        findings.append("Breaks its conventions: " + "; ".join(told[:3]).rstrip(".") + ".")


def _responses(sofa: Any, findings: list[str]) -> tuple[Array, int]:
    """Responses (M, 2, N) with their delays applied, and the sample rate."""
    if has(sofa, "Data_IR"):
        rate = _sample_rate(sofa, findings)
        ir = _measurements_receivers(sofa, "Data_IR", "MRN")
        return _with_delay(sofa, ir, rate, findings), rate
    if has(sofa, "Data_Real") and has(sofa, "Data_Imag"):
        real = _measurements_receivers(sofa, "Data_Real", "MRN")
        imag = _measurements_receivers(sofa, "Data_Imag", "MRN")
        frequencies = np.atleast_1d(numbers(sofa, "N")) if has(sofa, "N") else np.zeros(0)
        if real.shape != imag.shape or frequencies.shape != real.shape[-1:]:
            raise HrtfError(
                f"real part {real.shape}, imaginary part {imag.shape} and frequencies "
                f"{frequencies.shape} do not fit together"
            )
        ir, rate, filled = from_spectra(real + 1j * imag, frequencies)
        findings.extend(filled)
        return ir, rate
    if has(sofa, "Data_SOS"):
        raise HrtfError("holds second-order sections; convert them to impulse responses first")
    raise HrtfError(
        f"holds no impulse responses and no spectra ({conventions(sofa)}); "
        "Auricle reads SimpleFreeFieldHRIR and its like"
    )


def _measurements_receivers(sofa: Any, key: str, letters: str) -> Array:
    """Data (M, 2, N): an emitter axis of length 1 dropped, missing last axes put back."""
    values = numbers(sofa, key)
    axes = dimensions(sofa, key)
    if values.ndim == 4:
        emitter_axis = axes.index("E") if "E" in axes else 3
        if values.shape[emitter_axis] != 1:
            raise HrtfError(
                f"holds the responses of {values.shape[emitter_axis]} emitters at once; "
                "Auricle reads one source per measurement"
            )
        values = np.squeeze(values, emitter_axis)
    while values.ndim < len(letters):
        values = values[..., None]
    if values.ndim != len(letters):
        raise HrtfError(f"{key.replace('_', '.')} has shape {values.shape}, not (M, 2, N)")
    if values.shape[1] != 2:
        raise HrtfError(f"holds {values.shape[1]} receiver(s); a listener has 2 ears")
    if values.size == 0:
        raise HrtfError(f"holds no responses, {key.replace('_', '.')} has shape {values.shape}")
    return values


def _sample_rate(sofa: Any, findings: list[str]) -> int:
    if not has(sofa, "Data_SamplingRate"):
        raise HrtfError("states no sample rate (Data.SamplingRate)")
    rates = np.unique(numbers(sofa, "Data_SamplingRate"))
    if rates.size != 1 or not np.isfinite(rates[0]):
        raise HrtfError(f"states {rates.size} sample rates; Auricle reads one for the whole set")
    rate = float(rates[0])
    units = variable_attribute(sofa, "Data_SamplingRate_Units").lower()
    if "khz" in units or "kilohertz" in units or 8.0 <= rate <= 192.0:
        findings.append(f"The sample rate of {rate:g} was taken as kHz.")
        rate *= 1000.0
    if abs(rate - round(rate)) > 1e-6 or not 1000 <= rate <= 1e6:
        raise HrtfError(f"states a sample rate of {rate:g} Hz")
    return round(rate)


def _with_delay(sofa: Any, ir: Array, sample_rate: int, findings: list[str]) -> Array:
    """The responses with Data.Delay, which is in samples, put back into them."""
    if not has(sofa, "Data_Delay"):
        return ir
    delay = numbers(sofa, "Data_Delay")
    if delay.ndim == 3:  # emitters, of which there is one
        delay = delay[..., 0]
    delay = np.atleast_2d(delay)
    if not _broadcasts(delay.shape, ir.shape[:2]):
        raise HrtfError(f"Data.Delay has shape {delay.shape}, not (1, 2) or ({len(ir)}, 2)")
    if not np.any(delay):
        return ir
    if not np.all(np.isfinite(delay)):
        raise HrtfError("Data.Delay holds NaN or infinite values")
    earliest = float(delay.min())
    if earliest < 0.0:
        findings.append(
            f"Data.Delay is negative; all responses were delayed by {-earliest:g} samples."
        )
        delay = delay - earliest
    if delay.max() > MAX_DELAY_SECONDS * sample_rate:
        raise HrtfError(
            f"Data.Delay goes up to {delay.max():g} samples, over {MAX_DELAY_SECONDS:g} s"
        )
    if delay.max() < 0.05:
        findings.append(
            f"Data.Delay is at most {delay.max():g}: samples by the standard, but these look "
            "like seconds."
        )
    else:
        findings.append(
            f"Data.Delay ({delay.min():g} to {delay.max():g} samples) was applied to the responses."
        )
    return delayed(ir, delay)


def _name(sofa: Any) -> str:
    parts = [text(sofa, "DatabaseName", not_these=("none",)), text(sofa, "ListenerShortName")]
    return " ".join(part for part in parts if part)


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    return len(shape) == 2 and all(a in (1, b) for a, b in zip(shape, target, strict=True))


def _one_line(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__
