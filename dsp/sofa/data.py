"""The responses of a SOFA file: axes put in order, ears and sources picked, delays put back.

What a file claims is bounded before memory is taken for it.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.netcdf.hdf5_layouts import MAX_VALUES
from auricle.dsp.netcdf.variables import NetcdfFile
from auricle.dsp.responses.time_axis import delayed, from_spectra
from auricle.dsp.sofa.values import (
    axes_of,
    conventions,
    has,
    numbers,
    text,
    variable_attribute,
)

MAX_DELAY_SECONDS = 0.25  # sound has gone 86 m by then
_AXES = {2: "MR", 3: "MRN", 4: "MRNE"}  # where the file does not name them


class Measured(NamedTuple):
    """Responses of two ears.

    Attributes:
        ir: (M, K, 2, N), measurements and emitters, delays applied.
        sample_rate: Hz.
        emitters: the numbers of the K emitters; None where the data have no axis for them.
        is_spectra: they were made from spectra.
    """

    ir: Array
    sample_rate: int
    emitters: tuple[int, ...] | None
    is_spectra: bool


class Choice(NamedTuple):
    """The parts of a file to read: two receivers, left and right, and one emitter; None: all it
    has.
    """

    receivers: tuple[int, int] | None
    emitter: int | None


def measured(sofa: NetcdfFile, choice: Choice, conjugate: bool, findings: list[str]) -> Measured:
    """The responses of a file, whichever of the two forms they have.

    Args:
        sofa: the file.
        choice: which receivers and emitter.
        conjugate: whether spectra are of the other sign of time.
        findings: sentences are added to it.

    Raises:
        HrtfError: there are none that can be used.
    """
    if has(sofa, "Data.IR"):
        if conjugate:
            raise HrtfError(
                "conjugate turns round the sign of time in spectra, and this file holds responses; "
                "leave it out"
            )
        rate = _sample_rate(sofa, findings)
        values = _in_order(sofa, "Data.IR")
        ir, emitters = _chosen(sofa, values, choice, findings), _emitters(sofa, values, choice)
        delays = _delays(sofa, values.shape, choice, rate, findings)
        if delays is not None:
            _check_size(ir.shape, float(delays.max()))
            flat = np.broadcast_to(delays, ir.shape[:3]).reshape(-1, 2)
            late = delayed(ir.reshape(-1, *ir.shape[2:]), flat)
            ir = late.reshape(*ir.shape[:2], 2, -1)
        return Measured(ir, rate, emitters, False)
    if has(sofa, "Data.Real") and has(sofa, "Data.Imag"):
        return _from_spectra(sofa, choice, conjugate, findings)
    if has(sofa, "Data.SOS"):
        raise HrtfError("holds second-order sections; convert them to impulse responses first")
    raise HrtfError(
        f"holds no impulse responses and no spectra ({conventions(sofa)}); "
        "Auricle reads SimpleFreeFieldHRIR and its like"
    )


def _from_spectra(
    sofa: NetcdfFile, choice: Choice, conjugate: bool, findings: list[str]
) -> Measured:
    real, imag = _in_order(sofa, "Data.Real"), _in_order(sofa, "Data.Imag")
    frequencies = np.ravel(numbers(sofa, "N")) if has(sofa, "N") else np.zeros(0)
    if real.shape != imag.shape or frequencies.shape != real.shape[-1:]:
        raise HrtfError(
            f"real part {real.shape}, imaginary part {imag.shape} and frequencies "
            f"{frequencies.shape} do not fit together"
        )
    emitters = _emitters(sofa, real, choice)
    spectra = _chosen(sofa, real, choice, findings) + 1j * _chosen(sofa, imag, choice, [])
    m, k = spectra.shape[:2]
    flat = spectra.reshape(m * k, 2, -1)
    if not np.all(np.isfinite(flat)):
        raise HrtfError("the spectra hold NaN or infinite values")
    ir, rate, filled = from_spectra(np.conj(flat) if conjugate else flat, frequencies)
    findings.extend(filled)
    return Measured(ir.reshape(m, k, 2, -1), rate, emitters, True)


# --- axes, ears, emitters --------------------------------------------------------------------


def _in_order(sofa: NetcdfFile, key: str) -> Array:
    """Data (M, E, R, N), axes of length 1 put in where the file has none."""
    shape = sofa.variables[key].shape
    if prod(shape) > MAX_VALUES:
        raise HrtfError(f"{key} claims {prod(shape)} values, over {MAX_VALUES}; cut the set")
    values, axes = numbers(sofa, key), axes_of(sofa, key).replace("I", "M")
    if not (len(set(axes)) == len(axes) == values.ndim and {"R", "N"} <= set(axes) <= set("MREN")):
        fire = values.ndim == 4 and text(sofa, "DataType") == "FIRE"
        axes = "MREN" if fire else _AXES.get(values.ndim, "")
        if len(axes) != values.ndim:
            raise HrtfError(f"{key} has shape {values.shape}, not (M, 2, N)")
    for letter in "MERN":
        if letter not in axes:
            values, axes = values[..., None], axes + letter
    return values.transpose([axes.index(letter) for letter in "MERN"])


def _emitters(sofa: NetcdfFile, values: Array, choice: Choice) -> tuple[int, ...] | None:
    """The numbers of the emitters that are read; None where the data have no axis for them."""
    n_emitters = values.shape[1]
    if choice.emitter is not None:
        if not 0 <= choice.emitter < n_emitters:
            raise HrtfError(f"has emitters 0 to {n_emitters - 1}, not emitter={choice.emitter}")
        return (choice.emitter,)
    has_axis = n_emitters > 1 or text(sofa, "DataType").upper() in ("FIRE", "FIR-E", "TF-E")
    return tuple(range(n_emitters)) if has_axis else None


def _chosen(sofa: NetcdfFile, values: Array, choice: Choice, findings: list[str]) -> Array:
    """The responses (M, K, 2, N) of the ears and emitters that were asked for."""
    ears = _ears(sofa, values.shape[2], choice.receivers)
    if values.shape[2] > 2:
        findings.append(
            f"Of {values.shape[2]} receivers {ears[0]} and {ears[1]} are the ears; receivers="
            f"(LEFT, RIGHT) picks others{_places(sofa, values.shape[2])}."
        )
    if choice.emitter is not None:
        _emitters(sofa, values, choice)
        values = values[:, [choice.emitter]]
    return values if values.shape[2] == 2 and ears == (0, 1) else values[:, :, list(ears)]


def _ears(sofa: NetcdfFile, n_receivers: int, receivers: tuple[int, int] | None) -> tuple[int, int]:
    if receivers is None and n_receivers == 2:
        return 0, 1
    if n_receivers == 1:
        raise HrtfError(
            "holds 1 receiver, and a listener has 2 ears; for a head alike on both sides the right "
            "ear hears what the left one hears from the mirrored direction (y with the other "
            "sign): make an HrtfSet of both"
        )
    if receivers is None and _first_two_are_ears(sofa):
        return 0, 1
    if receivers is None:
        raise HrtfError(
            f"holds {n_receivers} receivers and a listener has 2 ears; receivers=(LEFT, RIGHT) "
            f"picks two{_places(sofa, n_receivers)}"
        )
    left, right = receivers
    if left == right or not (0 <= left < n_receivers and 0 <= right < n_receivers):
        raise HrtfError(
            f"receivers={receivers} must be two different numbers from 0 to {n_receivers - 1}"
            f"{_places(sofa, n_receivers)}"
        )
    return left, right


def _first_two_are_ears(sofa: NetcdfFile) -> bool:
    """Whether the file puts its first two receivers on the two sides of the head."""
    points = _receiver_points(sofa)
    return len(points) > 1 and bool(points[0, 1] * points[1, 1] < 0.0)


def _receiver_points(sofa: NetcdfFile) -> Array:
    """ReceiverPosition (R, 3) as the file has it; no rows where it does not tell."""
    try:
        points = numbers(sofa, "ReceiverPosition") if has(sofa, "ReceiverPosition") else np.zeros(0)
    except HrtfError:
        points = np.zeros(0)
    rows = points.reshape(len(points), -1) if points.ndim >= 2 else np.zeros((0, 3))
    return rows[:, :3] if rows.shape[1] >= 3 else np.zeros((0, 3))


def _places(sofa: NetcdfFile, n_receivers: int) -> str:
    """Where the file puts its receivers, to choose by."""
    points = _receiver_points(sofa)[: min(n_receivers, 12)]
    listed = ", ".join(
        f"{k} at ({', '.join(f'{value:g}' for value in row)})" for k, row in enumerate(points)
    )
    return f"; ReceiverPosition: {listed}" if listed else ""


# --- rate and delays -------------------------------------------------------------------------


def _sample_rate(sofa: NetcdfFile, findings: list[str]) -> int:
    if not has(sofa, "Data.SamplingRate"):
        raise HrtfError("states no sample rate (Data.SamplingRate)")
    rates = np.unique(numbers(sofa, "Data.SamplingRate"))
    if rates.size != 1 or not np.isfinite(rates[0]):
        raise HrtfError(f"states {rates.size} sample rates; Auricle reads one for the whole set")
    rate = float(rates[0])
    units = variable_attribute(sofa, "Data.SamplingRate", "Units").lower()
    if "khz" in units or "kilohertz" in units or 8.0 <= rate <= 192.0:
        findings.append(f"The sample rate of {rate:g} was taken as kHz.")
        rate *= 1000.0
    if not 1000 <= rate <= 1e6:
        raise HrtfError(f"states a sample rate of {rate:g} Hz, which is none from 1 kHz to 1 MHz")
    if abs(rate - round(rate)) > 1e-6:
        # Half a hertz of 24 kHz is 20 ppm: 0.014 us in the largest ITD.
        findings.append(f"The sample rate of {rate:.10g} Hz was rounded to {round(rate)} Hz.")
    return round(rate)


def _delays(
    sofa: NetcdfFile, shape: tuple[int, ...], choice: Choice, sample_rate: int, findings: list[str]
) -> Array | None:
    """Data.Delay in samples, (1 or M, 1 or K, 2), not negative; None where there is none."""
    if not has(sofa, "Data.Delay"):
        return None
    delay = _delay_axes(sofa, shape)
    if delay.shape[2] > 1:
        delay = delay[:, :, list(_ears(sofa, delay.shape[2], choice.receivers))]
    if choice.emitter is not None and delay.shape[1] > 1:
        delay = delay[:, [choice.emitter]]
    if not np.any(delay):
        return None
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
            f"Data.Delay goes up to {delay.max():g} samples, over {MAX_DELAY_SECONDS:g} s; it is "
            "in samples, and what all responses share can be taken out of it"
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
    return delay


def _delay_axes(sofa: NetcdfFile, shape: tuple[int, ...]) -> Array:
    """Data.Delay with the axes (M, E, R), each as long as that of the data, or 1."""
    values, axes = numbers(sofa, "Data.Delay"), axes_of(sofa, "Data.Delay").replace("I", "M")
    if len(set(axes)) != values.ndim or not set(axes) <= set("MRE"):
        axes = {0: "", 1: "R", 2: "MR", 3: "MRE"}.get(values.ndim, "?")
    if len(axes) != values.ndim:
        raise HrtfError(f"Data.Delay has shape {values.shape}, not (1, 2) or ({shape[0]}, 2)")
    given = values.shape
    for letter in "MER":
        if letter not in axes:
            values, axes = values[..., None], axes + letter
    values = values.transpose([axes.index(letter) for letter in "MER"])
    if any(a not in (1, b) for a, b in zip(values.shape, shape[:3], strict=True)):
        raise HrtfError(f"Data.Delay has shape {given}, not (1, 2) or ({shape[0]}, 2)")
    return values


def _check_size(shape: tuple[int, ...], longest_delay: float) -> None:
    n_values = prod(shape[:3]) * (shape[3] + longest_delay)
    if n_values > MAX_VALUES:
        raise HrtfError(
            f"Data.Delay of up to {longest_delay:g} samples makes a set of {n_values:.2g} values, "
            f"over {MAX_VALUES}; take out what all responses share, or cut the set"
        )
