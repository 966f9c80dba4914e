"""Absorption of sound by the air on its way: ISO 9613-1, and a filter for each distance."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.biquad import IDENTITY_COEFFICIENTS, from_analogue

_REFERENCE_KELVIN, _TRIPLE_POINT_KELVIN = 293.15, 273.16
_REFERENCE_KPA = 101.325

# The table is even in r / (r + SCALE_M): fine near by, and 1.9 km at its end.
SCALE_M = 100.0
_ROWS, _LAST = 65, 0.95
_STARTS = np.array([[-0.5, -1.5, 0.5, 0.0], [-1.2, -1.2, 1.5, 1.5]])


@dataclass(frozen=True)
class Air:
    """The state of the air.

    Attributes:
        temperature_celsius: -50 to 60.
        humidity_percent: relative, 0 to 100.
        pressure_kpa: 20 to 200; 101.325 is one atmosphere.

    Raises:
        AuricleError: air in which nobody stands.
    """

    temperature_celsius: float = 20.0
    humidity_percent: float = 50.0
    pressure_kpa: float = _REFERENCE_KPA

    def __post_init__(self) -> None:
        for name, low, high in (
            ("temperature_celsius", -50.0, 60.0),
            ("humidity_percent", 0.0, 100.0),
            ("pressure_kpa", 20.0, 200.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise AuricleError(f"{name} is from {low:g} to {high:g}, got {value!r}")

    @property
    def sound_speed_m_s(self) -> float:
        """The speed of sound in metres a second: ISO 9613-1, eq. A.5."""
        return 343.2 * float(np.sqrt((self.temperature_celsius + 273.15) / _REFERENCE_KELVIN))


def absorption_db_per_m(hz: ArrayLike, air: Air | None = None) -> Array:
    """Attenuation (...) of pure tones in dB a metre.

    Args:
        hz: (...) frequencies.
        air: its state; without it 20 degrees, 50 %, one atmosphere.

    Source: ISO 9613-1:1993, eq. 3 to 5 (relaxation of oxygen and nitrogen) and B.1 to B.3
    (humidity).
    """
    air = air or Air()
    f2 = np.asarray(hz, dtype=np.float64) ** 2
    kelvin = air.temperature_celsius + 273.15
    warmth = kelvin / _REFERENCE_KELVIN
    pressure = air.pressure_kpa / _REFERENCE_KPA
    saturation = 10.0 ** (-6.8346 * (_TRIPLE_POINT_KELVIN / kelvin) ** 1.261 + 4.6151)
    water = air.humidity_percent * saturation / pressure  # molar concentration, per cent
    oxygen_hz = pressure * (24.0 + 4.04e4 * water * (0.02 + water) / (0.391 + water))
    nitrogen_hz = (
        pressure * warmth**-0.5
        * (9.0 + 280.0 * water * np.exp(-4.170 * (warmth ** (-1.0 / 3.0) - 1.0)))
    )  # fmt: skip
    oxygen = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen_hz + f2 / oxygen_hz)
    nitrogen = 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen_hz + f2 / nitrogen_hz)
    classical = 1.84e-11 / pressure * np.sqrt(warmth)
    return 8.686 * f2 * (classical + warmth**-2.5 * (oxygen + nitrogen))


def air_table(air: Air, sample_rate: int) -> Array:
    """Second-order filters (D, 5), row i for ``table_distances_m()[i]``; the first lets all pass.

    Coefficients between rows may be blended: the filters follow smoothly and stay stable.
    Decibels count less the deeper they lie: what is down by 20 dB need not be exact.
    """
    return _rows(air, sample_rate).copy()


@lru_cache(maxsize=8)
def _rows(air: Air, sample_rate: int) -> Array:
    hz = np.geomspace(100.0, min(16000.0, 0.45 * sample_rate), 48)
    tangent = np.tan(np.pi * hz / sample_rate)
    loss = absorption_db_per_m(hz, air) * (np.log(10.0) / 20.0)
    rows = np.empty((_ROWS, 5))
    rows[0] = IDENTITY_COEFFICIENTS
    at = np.array(_STARTS[0])
    for i in range(1, _ROWS):
        tries = [_fitted(loss * table_distances_m()[i], tangent, x) for x in (at, *_STARTS)]
        at = min(tries, key=lambda found: found[1])[0]
        rows[i] = from_analogue(*np.exp(np.clip(at, -12.0, 9.0)).reshape(2, 2))
    return rows


def table_distances_m() -> Array:
    """Distances (D,) in metres of the rows of ``air_table``."""
    share = np.linspace(0.0, _LAST, _ROWS)
    return SCALE_M * share / (1.0 - share)


def _fitted(loss: Array, tangent: Array, start: Array) -> tuple[Array, float]:
    """Logarithms of a, b, a', b' of the filter that loses ``loss`` (F,) nepers; what is left."""
    from scipy.optimize import least_squares  # 10 MB, and the tables are kept

    weight = 1.0 / (1.0 + loss)

    def error(at: Array) -> Array:
        level = _log_magnitude(at[:2], tangent) - _log_magnitude(at[2:], tangent)
        return np.concatenate([weight * (level + loss), 1e-3 * (at - _STARTS[0])])

    found = least_squares(error, start, method="lm", xtol=1e-5, ftol=1e-5)
    return found.x, float(found.cost)


def _log_magnitude(logarithms: Array, tangent: Array) -> Array:
    a, b = np.exp(np.clip(logarithms, -12.0, 9.0))  # the solver may try anything
    return 0.5 * np.log((1.0 - b * tangent**2) ** 2 + (a * tangent) ** 2)
