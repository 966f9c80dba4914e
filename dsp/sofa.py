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
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.errors import HrtfError, SofaError
from auricle.dsp.geometry import azimuth_elevation_deg, directions_and_distances, unit_vectors
from auricle.dsp.responses import delayed, from_spectra

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
        points_m = _source_points_m(sofa, len(ir), findings)
        ir, points_m = _one_shell(ir, points_m, distance_m, findings)
    except HrtfError as error:
        raise SofaError(f"{os.fspath(path)}: {error}") from None
    positions, distances_m = directions_and_distances(points_m)
    _compare_receivers(sofa, findings)
    return SofaContent(
        ir,
        positions,
        float(np.median(distances_m)),
        sample_rate,
        _name(sofa) or Path(path).stem,
        _text(sofa, "License", not_these=(NO_LICENSE,)),
        _text(sofa, "References") or _text(sofa, "AuthorContact") or _text(sofa, "Organization"),
        tuple(findings),
    )


def write_sofa(path: str | os.PathLike[str], content: SofaContent) -> None:
    """Write SimpleFreeFieldHRIR; the file stands under its name when it is complete, not before."""
    import sofar

    target = Path(path)
    if target.suffix != ".sofa":
        raise SofaError(f"{target}: a SOFA file must end in .sofa")
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
    # netCDF reports a missing folder as "permission denied".
    if not target.parent.is_dir():
        raise SofaError(f"{target}: there is no folder {target.parent}; make it first")
    unfinished = target.with_name(f".{target.stem}.{os.getpid()}.sofa")
    try:
        sofar.write_sofa(str(unfinished), sofa)
        os.replace(unfinished, target)
    except (OSError, RuntimeError) as error:
        raise SofaError(f"{target}: cannot be written: {_one_line(error)}") from None
    finally:
        unfinished.unlink(missing_ok=True)


# --- opening ---------------------------------------------------------------------------------


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
            if not _text(sofa, "SOFAConventions"):
                raise SofaError(f"{path}: is not a SOFA file (it names no conventions)") from None
            findings.append(
                f"The conventions {_conventions(sofa)} are unknown; read by the names of the data."
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
    version = _text(sofa, "SOFAConventionsVersion")
    if version.startswith("0."):
        findings.append(f"Written to the preliminary conventions {_conventions(sofa)}.")
        return
    try:
        issues = sofa.copy().verify(issue_handling="return", mode="read")
    except Exception as error:  # sofar fails in many ways on a file that breaks its rules
        issues = f"cannot be verified: {error}"
    if issues and "ERROR" in str(issues):
        lines = [line.strip(" -") for line in str(issues).splitlines()]
        told = [line for line in lines if line and not (line.isupper() or line.endswith(":"))]
        findings.append("Breaks its conventions: " + "; ".join(told[:3]).rstrip(".") + ".")


# --- responses -------------------------------------------------------------------------------


def _responses(sofa: Any, findings: list[str]) -> tuple[Array, int]:
    """Responses (M, 2, N) with their delays applied, and the sample rate."""
    if _has(sofa, "Data_IR"):
        rate = _sample_rate(sofa, findings)
        ir = _measurements_receivers(sofa, "Data_IR", "MRN")
        return _with_delay(sofa, ir, rate, findings), rate
    if _has(sofa, "Data_Real") and _has(sofa, "Data_Imag"):
        real = _measurements_receivers(sofa, "Data_Real", "MRN")
        imag = _measurements_receivers(sofa, "Data_Imag", "MRN")
        frequencies = np.atleast_1d(_numbers(sofa, "N")) if _has(sofa, "N") else np.zeros(0)
        if real.shape != imag.shape or frequencies.shape != real.shape[-1:]:
            raise HrtfError(
                f"real part {real.shape}, imaginary part {imag.shape} and frequencies "
                f"{frequencies.shape} do not fit together"
            )
        ir, rate, filled = from_spectra(real + 1j * imag, frequencies)
        findings.extend(filled)
        return ir, rate
    if _has(sofa, "Data_SOS"):
        raise HrtfError("holds second-order sections; convert them to impulse responses first")
    raise HrtfError(
        f"holds no impulse responses and no spectra ({_conventions(sofa)}); "
        "Auricle reads SimpleFreeFieldHRIR and its like"
    )


def _measurements_receivers(sofa: Any, key: str, letters: str) -> Array:
    """Data (M, 2, N): an emitter axis of length 1 dropped, missing last axes put back."""
    values = _numbers(sofa, key)
    dimensions = _dimensions(sofa, key)
    if values.ndim == 4:
        emitter_axis = dimensions.index("E") if "E" in dimensions else 3
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
    if not _has(sofa, "Data_SamplingRate"):
        raise HrtfError("states no sample rate (Data.SamplingRate)")
    rates = np.unique(_numbers(sofa, "Data_SamplingRate"))
    if rates.size != 1 or not np.isfinite(rates[0]):
        raise HrtfError(f"states {rates.size} sample rates; Auricle reads one for the whole set")
    rate = float(rates[0])
    units = _variable_attribute(sofa, "Data_SamplingRate_Units").lower()
    if "khz" in units or "kilohertz" in units or 8.0 <= rate <= 192.0:
        findings.append(f"The sample rate of {rate:g} was taken as kHz.")
        rate *= 1000.0
    if abs(rate - round(rate)) > 1e-6 or not 1000 <= rate <= 1e6:
        raise HrtfError(f"states a sample rate of {rate:g} Hz")
    return round(rate)


def _with_delay(sofa: Any, ir: Array, sample_rate: int, findings: list[str]) -> Array:
    """The responses with Data.Delay, which is in samples, put back into them."""
    if not _has(sofa, "Data_Delay"):
        return ir
    delay = _numbers(sofa, "Data_Delay")
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


# --- positions -------------------------------------------------------------------------------


def _source_points_m(sofa: Any, n_measurements: int, findings: list[str]) -> Array:
    """Sources (M, 3) in metres, in the axes of the listener's head."""
    if not _has(sofa, "SourcePosition"):
        raise HrtfError("states no source positions (SourcePosition)")
    points = _cartesian_m(sofa, "SourcePosition", findings)
    if points.shape[0] not in (1, n_measurements):
        raise HrtfError(f"has {n_measurements} measurements but {points.shape[0]} source positions")
    emitters = _optional_points(sofa, "EmitterPosition", findings)
    if emitters is not None and emitters.shape == points.shape and np.any(emitters):
        # Emitters are given about the source; one that is beside it (GeneralFIR) counts.
        points = points + emitters if points.shape[0] == n_measurements else points
    listener = _optional_points(sofa, "ListenerPosition", findings)
    if listener is not None and np.any(listener):
        points = points - _rows(listener, "ListenerPosition", n_measurements)
        findings.append("The listener is not at the origin; directions are taken from the head.")
    points = _into_head(sofa, points, n_measurements, findings)
    points = np.array(np.broadcast_to(points, (n_measurements, 3)))
    if not np.all(np.isfinite(points)):
        raise HrtfError("SourcePosition holds NaN or infinite values")
    if np.any(directions_and_distances(points)[1] <= 0.0):
        raise HrtfError("a source position is the centre of the head, which is no direction")
    return points


def _into_head(sofa: Any, points: Array, n_measurements: int, findings: list[str]) -> Array:
    """Points in the axes of ListenerView and ListenerUp; as they are where those say nothing."""
    view = _optional_points(sofa, "ListenerView", findings)
    if view is None or not np.all(np.isfinite(view)):
        return points
    up = _optional_points(sofa, "ListenerUp", findings, like="ListenerView")
    up = np.array([[0.0, 0.0, 1.0]]) if up is None else up
    view, up = (_rows(each, "ListenerView", n_measurements) for each in (view, up))
    left = np.cross(up, view)
    if np.any(directions_and_distances(left)[1] < 1e-6):
        findings.append("ListenerView and ListenerUp are not at right angles; they were ignored.")
        return points
    front, left = directions_and_distances(view)[0], directions_and_distances(left)[0]
    axes = np.stack([front, left, np.cross(front, left)], axis=-2)  # rows: front, left, up
    if np.max(np.abs(axes - np.eye(3))) < 1e-6:
        return points
    findings.append("The listener does not look along x; directions are turned into the head.")
    return np.asarray(np.einsum("mij,mj->mi", *_broadcast_rows(axes, points)))


def _one_shell(
    ir: Array, points_m: Array, distance_m: float | None, findings: list[str]
) -> tuple[Array, Array]:
    """The measurements of one distance, where the same directions were measured at several."""
    positions, distances = directions_and_distances(points_m)
    shells = np.round(np.log(distances) / np.log(1.02))  # 2 % apart is another shell
    values, counts = np.unique(shells, return_counts=True)
    n_directions = len(np.unique(np.round(positions, 3), axis=0))
    several = len(values) > 1 and n_directions <= 0.75 * len(positions)
    if not several:
        if distances.max() > 1.05 * distances.min():
            findings.append(
                f"The sources are {distances.min():.2f} to {distances.max():.2f} m away, "
                "one distance to a direction."
            )
        return ir, points_m
    middles = np.array([np.median(distances[shells == value]) for value in values])
    if distance_m is None:
        chosen = np.lexsort((middles, counts))[-1]
    else:
        chosen = int(np.argmin(np.abs(middles - distance_m)))
    listed = ", ".join(f"{middle:.2f}" for middle in middles)
    findings.append(
        f"Measured at several distances ({listed} m); the set holds those at "
        f"{middles[chosen]:.2f} m, HrtfSet.load(path, distance_m=...) picks others."
    )
    keep = shells == values[chosen]
    return ir[keep], points_m[keep]


def _cartesian_m(sofa: Any, key: str, findings: list[str], like: str | None = None) -> Array:
    """Points (rows, 3) of a SOFA variable in metres, from its Type and Units."""
    values = _numbers(sofa, key)
    if values.ndim == 3:  # (rows, C, M) with one measurement
        values = values[..., 0]
    values = np.atleast_2d(values)
    if values.ndim != 2 or values.shape[1] != 3:
        raise HrtfError(f"{key} has shape {values.shape}, not (rows, 3)")
    kind = _variable_attribute(sofa, f"{like or key}_Type").lower()
    units = _variable_attribute(sofa, f"{like or key}_Units").lower()
    if kind.startswith("cart") or (not kind and key != "SourcePosition"):
        return values / _units_per_metre(units)
    if kind and not kind.startswith("spher"):
        raise HrtfError(f"{key} has the unknown coordinates {kind!r}")
    return _from_spherical(values, key, units, findings)


def _from_spherical(values: Array, key: str, units: str, findings: list[str]) -> Array:
    angles = values[:, :2]
    if "rad" in units and "deg" not in units:
        angles = np.rad2deg(angles)
    elif key == "SourcePosition" and len(values) > 8 and np.abs(angles).max() <= 6.3:
        findings.append(
            "All source angles are below 6.3 degrees: radians labelled as degrees, or a tiny grid."
        )
    elevation = angles[:, 1]
    if np.any(np.abs(elevation) > 90.0 + 1e-3):
        raise HrtfError(
            f"{key} has elevations of {elevation.min():g} to {elevation.max():g} degrees, "
            "beyond -90 to 90"
        )
    elevation = np.clip(elevation, -90.0, 90.0)  # files round the poles to 90.0000025
    distance = values[:, 2:] / _units_per_metre(units.split(",")[-1])
    unknown = distance == 0.0
    if key == "SourcePosition" and np.any(unknown):
        assumed = float(np.median(distance[~unknown])) if not np.all(unknown) else 1.0
        findings.append(
            f"The file puts {np.count_nonzero(unknown)} of {len(distance)} sources at distance 0; "
            f"{assumed:g} m was assumed."
        )
        distance = np.where(unknown, assumed, distance)
    if np.any(distance < 0.0):
        raise HrtfError(f"{key} has negative distances")
    return unit_vectors(angles[:, 0], elevation) * distance


def _units_per_metre(units: str) -> float:
    if "millimet" in units or units.strip() == "mm":
        return 1000.0
    return 100.0 if "centimet" in units or units.strip() == "cm" else 1.0


def _optional_points(
    sofa: Any, key: str, findings: list[str], like: str | None = None
) -> Array | None:
    return _cartesian_m(sofa, key, findings, like) if _has(sofa, key) else None


def _rows(values: Array, key: str, n_measurements: int) -> Array:
    if values.shape[0] not in (1, n_measurements):
        raise HrtfError(f"{key} has {values.shape[0]} rows for {n_measurements} measurements")
    return values


def _broadcast_rows(axes: Array, points: Array) -> tuple[Array, Array]:
    n_rows = max(len(axes), len(points))
    return np.broadcast_to(axes, (n_rows, 3, 3)), np.broadcast_to(points, (n_rows, 3))


def _compare_receivers(sofa: Any, findings: list[str]) -> None:
    """Receiver positions are wrong so often that they decide nothing; what they say is told."""
    try:
        receivers = _optional_points(sofa, "ReceiverPosition", [])
    except HrtfError:
        receivers = None
    if receivers is None or receivers.shape != (2, 3):
        return
    left, right = receivers[:, 1]
    if left < 0.0 < right:
        findings.append(
            "ReceiverPosition puts receiver 0 at the right ear; channel 0 was read as the left ear "
            "(HrtfSet.load(path, swap_ears=True) reads it as the right one)."
        )
    if left == right:
        findings.append("ReceiverPosition puts both ears in one place.")
    elif not 0.1 <= abs(left - right) <= 0.3:
        findings.append(f"ReceiverPosition puts the ears {abs(left - right):.2g} m apart.")


# --- small readers of a sofar object ---------------------------------------------------------


def _has(sofa: Any, key: str) -> bool:
    value = getattr(sofa, key, None)
    return value is not None and np.size(value) > 0


def _numbers(sofa: Any, key: str) -> Array:
    value: ArrayLike = getattr(sofa, key)
    try:
        filled = np.ma.filled(np.ma.asarray(value, dtype=np.float64), np.nan)
    except (TypeError, ValueError):
        raise HrtfError(f"{key.replace('_', '.')} does not hold numbers") from None
    return np.asarray(filled, dtype=np.float64)


def _dimensions(sofa: Any, key: str) -> str:
    return str(getattr(sofa, "_dimensions", {}).get(key, "")).upper()


def _variable_attribute(sofa: Any, key: str) -> str:
    return str(getattr(sofa, key, "") or "")


def _text(sofa: Any, key: str, not_these: tuple[str, ...] = ()) -> str:
    text = " ".join(str(getattr(sofa, f"GLOBAL_{key}", "") or "").split())
    return "" if text in not_these else text


def _conventions(sofa: Any) -> str:
    return f"{_text(sofa, 'SOFAConventions')} {_text(sofa, 'SOFAConventionsVersion')}".strip()


def _name(sofa: Any) -> str:
    parts = [_text(sofa, "DatabaseName", not_these=("none",)), _text(sofa, "ListenerShortName")]
    return " ".join(part for part in parts if part)


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    return len(shape) == 2 and all(a in (1, b) for a, b in zip(shape, target, strict=True))


def _one_line(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__
