"""SOFA files (AES69): read into plain arrays in Auricle's conventions, and written from them.

Read: SimpleFreeFieldHRIR, GeneralFIR, MultiSpeakerBRIR and their like (FIR data, also with
emitters), and SimpleFreeFieldHRTF, GeneralTF and their like (TF data), of any version. What a file
leaves out or gets wrong is mended only where that is safe, and always said.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError, SofaError
from auricle.dsp.geometry import azimuth_elevation_deg, directions_and_distances
from auricle.dsp.netcdf.hdf5 import SIGNATURE
from auricle.dsp.netcdf.variables import CLASSIC, NetcdfError, NetcdfFile, read_netcdf
from auricle.dsp.sofa.conventions import about_conventions
from auricle.dsp.sofa.data import Choice, measured
from auricle.dsp.sofa.positions import receivers_say, source_points_m
from auricle.dsp.sofa.shells import shell
from auricle.dsp.sofa.values import has, numbers, text

# A variable of our own (AES69 lets anybody add some): 1 where a response was predicted, 0 where it
# was measured. Named as the standard names what it says of each measurement (MeasurementDate).
PREDICTED = "MeasurementPredicted"
NO_LICENSE = "No license provided, ask the author for permission"  # what writers put by default


class SofaContent(NamedTuple):
    """The content of a file: ir (M, 2, N), unit positions (M, 3) in head axes, and who was
    measured.

    ``first_receiver`` is +1 where the file says that receiver 0 is the left ear, -1 where it says
    the right one, else 0; ``is_spectra``: the responses were made from spectra; ``predicted``: (M,)
    whether a response was predicted and not measured, None where the file does not say.
    """

    ir: Array
    positions: Array
    radius_m: float
    sample_rate: int
    name: str
    license: str
    references: str
    findings: tuple[str, ...]
    first_receiver: int = 0
    is_spectra: bool = False
    predicted: NDArray[np.bool_] | None = None


def read_sofa(
    path: str | os.PathLike[str], *, distance_m: float | None = None,
    receivers: tuple[int, int] | None = None, emitter: int | None = None, conjugate: bool = False,
) -> SofaContent:  # fmt: skip
    """Read the responses and directions of a SOFA file.

    Args:
        path: of the file.
        distance_m: of a set measured at several distances, the nearest shell.
        receivers: the two that are the left and the right ear, counted from 0.
        emitter: the one that is the source, counted from 0; None: each is a direction.
        conjugate: spectra are of the other sign of time, exp(-iwt).

    Raises:
        SofaError: the file has none; the message names it.
    """
    sofa = _open(Path(path))
    try:
        with np.errstate(all="ignore"):  # what overflows is not finite, and refused as such
            return _content(sofa, Path(path), distance_m, Choice(receivers, emitter), conjugate)
    except HrtfError as error:
        raise SofaError(f"{os.fspath(path)}: {error}") from None
    except MemoryError:
        raise SofaError(f"{os.fspath(path)}: is too large for the memory of this machine") from None
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError) as error:
        # What no check has foreseen is the file's fault all the same.
        raise SofaError(
            f"{os.fspath(path)}: holds values that make no sense ({_one_line(error)})"
        ) from error


def _content(
    sofa: NetcdfFile, path: Path, distance_m: float | None, choice: Choice, conjugate: bool
) -> SofaContent:
    findings = about_conventions(sofa)
    found = measured(sofa, choice, conjugate, findings)
    n_measurements = len(found.ir)
    points_m = source_points_m(sofa, n_measurements, found.emitters, findings).reshape(-1, 3)
    ir = found.ir.reshape(-1, *found.ir.shape[2:])
    marks = _predicted(sofa, n_measurements, len(ir), findings)
    rows = shell(points_m, distance_m, findings)
    if len(rows) < len(ir):
        ir, points_m = ir[rows], points_m[rows]
        marks = None if marks is None else marks[rows]
    positions, distances_m = directions_and_distances(points_m)
    first = receivers_say(sofa, choice.receivers or (0, 1), findings)
    return SofaContent(
        ir,
        positions,
        round(float(np.median(distances_m)), 9),  # 3.25 m, not 3.2499999999999996
        found.sample_rate,
        _name(sofa) or path.stem,
        text(sofa, "License", not_these=(NO_LICENSE,)),
        text(sofa, "References") or text(sofa, "AuthorContact") or text(sofa, "Organization"),
        tuple(findings),
        first,
        found.is_spectra,
        marks,
    )


def _predicted(
    sofa: NetcdfFile, n_measurements: int, n_directions: int, findings: list[str]
) -> NDArray[np.bool_] | None:
    """Which directions (M,) the file marks as predicted; None where it does not, or wrongly."""
    if not has(sofa, PREDICTED):
        return None
    try:
        values = numbers(sofa, PREDICTED).reshape(-1)
    except HrtfError as error:
        findings.append(f"{PREDICTED} was not read: {error}.")
        return None
    if n_directions != n_measurements or values.shape != (n_measurements,):
        findings.append(
            f"{PREDICTED} was not read: it has {values.size} values for {n_directions} directions."
        )
        return None
    if not np.all((values == 0.0) | (values == 1.0)):
        findings.append(f"{PREDICTED} was not read: it holds other values than 0 and 1.")
        return None
    marks: NDArray[np.bool_] = values == 1.0
    return marks


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
    if content.predicted is not None:
        sofa.add_variable(PREDICTED, content.predicted.astype(np.float64), "double", "M")
        sofa.add_attribute(f"{PREDICTED}_LongName", "1 where predicted, 0 where measured")
    unfinished = target.with_name(f".{target.stem}.{os.getpid()}.sofa")
    try:
        sofar.write_sofa(str(unfinished), sofa)
        os.replace(unfinished, target)
    except (OSError, RuntimeError) as error:
        raise SofaError(f"{target}: cannot be written: {_one_line(error)}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _open(path: Path) -> NetcdfFile:
    if not path.exists():
        raise SofaError(f"{path}: there is no such file")
    if path.is_dir():
        raise SofaError(f"{path}: is a folder; name one SOFA file in it")
    if not path.is_file():
        raise SofaError(f"{path}: is no regular file; name a SOFA file")
    with open(path, "rb") as file:
        start = file.read(8)
    if not start:
        raise SofaError(f"{path}: is empty; get the file again")
    if start != SIGNATURE and not start.startswith(CLASSIC):
        raise SofaError(f"{path}: is not a SOFA file (it is not HDF5 inside)")
    try:
        sofa = read_netcdf(path)
    except (NetcdfError, MemoryError) as error:
        raise SofaError(f"{path}: is damaged or cut short, get the file again ({error})") from None
    if not text(sofa, "SOFAConventions"):
        raise SofaError(f"{path}: is not a SOFA file (it names no conventions)")
    return sofa


def _name(sofa: NetcdfFile) -> str:
    parts = [text(sofa, "DatabaseName", not_these=("none",)), text(sofa, "ListenerShortName")]
    return " ".join(part for part in parts if part)


def _one_line(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__
