# mypy: disable-error-code="no-untyped-def"
"""Filters of a direction from a small network: decibels, a delay and phases, once a step and ear.

The mathematics is that of the end-to-end system LINN (``auricle.personalization.endtoend.models``):
three layers over spherical harmonics of the direction, with the listener folded into the weights,
then one complex exponential a bin and a transform to taps. Plain arrays, no allocation.

Letters: E ears (0 left), C harmonics, W width, O numbers predicted, B knots of the level, Q of the
phase, F bins, N taps.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.compiled.options import kernel
from auricle.dsp.compiled.records import Record, f32
from auricle.dsp.errors import AuricleError
from auricle.dsp.sphere.harmonics import conversion, n_channels, order_of

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below

SIZE = 512  # of the transform in which filters are made
BINS = SIZE // 2 + 1
TAPS = 256
LEAD = 32  # samples of a filter before its onset
DB_SCALE = 10.0  # decibels a unit of what the network says
BEND_HZ = 4000.0  # where the spacing of knots has doubled
MOST_ORDER = 10
MOST_WEIGHT = 1e4  # of a network: none that has learned comes near
MOST_NEPERS = np.float32(7.0)  # of a filter, 60 dB
MOST_LATE = np.float32(64.0)  # samples that a network may add to a way


_FADE_IN, _FADE_OUT = 8, 48

FILTER_MAKER = Record(
    "FilterMakerArrays",
    gains=f32(1),  # (C,) from SN3D to N3D
    first=f32(3),  # of ``EarNetworks``, and the next five
    first_bias=f32(2),
    second=f32(3),
    second_bias=f32(2),
    last=f32(3),
    last_bias=f32(2),
    levels=f32(2),  # (BINS, B) nepers of what is predicted of the level
    minimum_phase=f32(2),  # (BINS, B) radians likewise, minimum phase
    phases=f32(2),  # (BINS, Q) radians of what is predicted of the phase
    real=f32(2),  # (N, BINS) from spectra to taps
    imaginary=f32(2),
    numbers=f32(1),  # (2,) samples a unit of the delay that is predicted; ``ear_samples``
    harmonics=f32(1),  # (C,) scratch, and the next five: (W,), (W,), (O,), (BINS,), (BINS,)
    first_layer=f32(1),
    second_layer=f32(1),
    predicted=f32(1),
    cosine=f32(1),
    sine=f32(1),
)
_arrays = FILTER_MAKER.read


@dataclass(frozen=True)
class EarNetworks:
    """The network of a listener, the code folded in: one set of layers for each ear.

    Both take the direction as the ear sees it, y positive towards it. Raises AuricleError for
    layers that do not fit each other.

    Attributes:
        first, first_bias: (2, W, C), (2, W); second, second_bias: (2, W, W), (2, W).
        last, last_bias: (2, O, W), (2, O): of level knots B, then a delay in samples at ``rate``,
            then phase knots Q.
        level_knots_hz, phase_knots_hz: (B,), (Q + 2,) of which the first and last phase are 0.
        ear_samples: by which the way to an ear at the side is shorter, at ``rate``.
        rate: Hz of these samples.
    """

    first: Float32
    first_bias: Float32
    second: Float32
    second_bias: Float32
    last: Float32
    last_bias: Float32
    level_knots_hz: Array
    phase_knots_hz: Array
    ear_samples: float
    rate: int

    def __post_init__(self) -> None:
        _, width, harmonics = self.first.shape
        predicted = len(self.level_knots_hz) + 1 + len(self.phase_knots_hz) - 2
        wanted = {
            "first": (2, width, n_channels(order_of(harmonics))),
            "first_bias": (2, width),
            "second": (2, width, width),
            "second_bias": (2, width),
            "last": (2, predicted, width),
            "last_bias": (2, predicted),
        }
        for name, shape in wanted.items():
            found: Float32 = getattr(self, name)
            if found.shape != shape or not np.all(np.isfinite(found)):
                raise AuricleError(f"{name} of a network must be finite and {shape}: {found.shape}")
            if float(np.max(np.abs(found), initial=0.0)) > MOST_WEIGHT:
                raise AuricleError(
                    f"{name} of a network holds {np.max(np.abs(found)):.3g}, beyond "
                    f"{MOST_WEIGHT:g} it makes no sound; train it again or get the file anew"
                )
        if order_of(harmonics) > MOST_ORDER:
            raise AuricleError(f"harmonics up to order {MOST_ORDER}, got {order_of(harmonics)}")


class FilterMaker:
    """Taps and delays of directions for a listener, at a sample rate; nothing is allocated later.

    Args:
        networks: of the listener.
        sample_rate: Hz.
    """

    def __init__(self, networks: EarNetworks, sample_rate: int) -> None:
        levels = knot_weights(networks.level_knots_hz, sample_rate)
        phases = knot_weights(networks.phase_knots_hz, sample_rate)[1:-1]
        nepers = DB_SCALE * np.log(10.0) / 20.0
        real, imaginary = _to_taps()
        net, width, predicted = networks, networks.first.shape[1], networks.last.shape[1]
        samples = sample_rate / net.rate
        workspace = {
            "harmonics": net.first.shape[2], "first_layer": width, "second_layer": width,
            "predicted": predicted, "cosine": BINS, "sine": BINS,
        }  # fmt: skip
        arrays = {
            "gains": conversion(order_of(net.first.shape[2]), "sn3d", "n3d"),
            "first": net.first, "first_bias": net.first_bias, "second": net.second,
            "second_bias": net.second_bias, "last": net.last, "last_bias": net.last_bias,
            "levels": nepers * levels.T, "minimum_phase": DB_SCALE * minimum_phase_of(levels).T,
            "phases": phases.T, "real": real, "imaginary": imaginary,
            "numbers": [samples, net.ear_samples * sample_rate / net.rate],
        } | {name: np.zeros(size) for name, size in workspace.items()}  # fmt: skip
        self._arrays = {
            name: np.ascontiguousarray(each, dtype=np.float32) for name, each in arrays.items()
        }
        self._pack()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        self.__dict__.update(state)
        self._pack()

    def _pack(self) -> None:
        self._packed = FILTER_MAKER.pack(self._arrays)

    def make(self, directions: Float32, taps: Float32, delays: Array) -> None:
        """Fill in the filters of directions; NaN gives NaN.

        Args:
            directions: (S, 3) unit vectors in the axes of the head.
            taps: (S, 2, N) out, last tap first.
            delays: (S, 2) out, samples beside those of the way to the middle of the head.
        """
        make_filters(self._packed.address, directions, taps, delays)


@kernel
def make_filters(at, directions, taps, delays):
    """Filters of all directions and both ears; see ``FilterMaker.make``.

    Args:
        at: address of the ``FILTER_MAKER``.
        directions: (S, 3); taps: (S, 2, N) and delays: (S, 2) out.
    """
    m = _arrays(at)
    gains, first, first_bias, second = m.gains, m.first, m.first_bias, m.second
    second_bias, last, last_bias = m.second_bias, m.last, m.last_bias
    levels, minimum_phase, phases, real, imaginary = (
        m.levels,
        m.minimum_phase,
        m.phases,
        m.real,
        m.imaginary,
    )
    harmonics, first_layer, second_layer, predicted = (
        m.harmonics,
        m.first_layer,
        m.second_layer,
        m.predicted,
    )
    cosine, sine, scale, ear = m.cosine, m.sine, m.numbers[0], m.numbers[1]
    n_bands, n_phases = levels.shape[1], phases.shape[1]
    for s in range(len(directions)):
        for e in range(2):
            y = directions[s, 1] if e == 0 else -directions[s, 1]
            _harmonics(directions[s, 0], y, directions[s, 2], gains, harmonics)
            _layer(first[e], first_bias[e], harmonics, first_layer, True)
            _layer(second[e], second_bias[e], first_layer, second_layer, True)
            _layer(last[e], last_bias[e], second_layer, predicted, False)
            for k in range(BINS):
                level, phase = np.float32(0.0), np.float32(0.0)
                for b in range(n_bands):
                    level += levels[k, b] * predicted[b]
                    phase += minimum_phase[k, b] * predicted[b]
                for q in range(n_phases):
                    phase += phases[k, q] * predicted[n_bands + 1 + q]
                size = np.exp(min(level, MOST_NEPERS))
                cosine[k], sine[k] = size * np.cos(phase), size * np.sin(phase)
            for n in range(TAPS):
                total = np.float32(0.0)
                for k in range(BINS):
                    total += real[n, k] * cosine[k] + imaginary[n, k] * sine[k]
                taps[s, e, TAPS - 1 - n] = total
            extra_delay = min(max(predicted[n_bands] * scale, -MOST_LATE), MOST_LATE)
            delays[s, e] = extra_delay - ear * y - LEAD


@kernel
def _layer(weights, bias, inputs, outputs, activated):
    for o in range(len(bias)):
        total = bias[o]
        row = weights[o]
        for i in range(len(inputs)):
            total += row[i] * inputs[i]
        outputs[o] = total / (np.float32(1.0) + np.exp(-total)) if activated else total


@kernel
def _harmonics(x, y, z, gains, out):
    """Real spherical harmonics (C,), N3D, ACN, by recurrence over the degree for each order."""
    top = int(np.sqrt(len(out))) - 1
    cosine, sine, first = 1.0, 0.0, 1.0
    for m in range(top + 1):
        if m > 0:
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine
            first *= 1.0 if m == 1 else np.sqrt((2.0 * m - 1.0) / (2.0 * m))
        before, legendre = 0.0, first
        for n in range(m, top + 1):
            if n > m:
                following = (2.0 * n - 1.0) * z * legendre
                following -= np.sqrt((n - 1.0) ** 2 - m * m) * before
                before, legendre = legendre, following / np.sqrt(n * n - m * m)
            centre = n * (n + 1)
            out[centre + m] = legendre * cosine * gains[centre + m]
            if m > 0:
                out[centre - m] = legendre * sine * gains[centre - m]


def knots_hz(count: int, top_hz: float) -> Array:
    """Frequencies (count,) from 0 to ``top_hz``, the wider apart the higher."""
    along = np.linspace(0.0, np.log1p(top_hz / BEND_HZ), count)
    return np.asarray(BEND_HZ * np.expm1(along), dtype=np.float64)


def window() -> Array:
    """Weights (N,) of a filter's taps: both ends fade."""
    weights = np.ones(TAPS)
    weights[:_FADE_IN] = np.sin(np.linspace(0.0, np.pi / 2.0, _FADE_IN + 1)[1:]) ** 2
    weights[-_FADE_OUT:] = np.cos(np.linspace(0.0, np.pi / 2.0, _FADE_OUT + 1)[1:]) ** 2
    return weights


def knot_weights(knots_hz: Array, sample_rate: int) -> Array:
    """Straight lines between knots (K,), as (K, BINS); the last value goes on."""
    hz = np.arange(BINS) * (sample_rate / SIZE)
    return np.stack([np.interp(hz, knots_hz, one) for one in np.eye(len(knots_hz))])


def minimum_phase_of(levels: Array) -> Array:
    """Minimum phases (K, BINS) in radians of levels (K, BINS) in dB, linear in them.

    Source: Oppenheim and Schafer, Discrete-Time Signal Processing, folded real cepstrum.
    """
    cepstrum = np.fft.irfft(levels * (np.log(10.0) / 20.0), SIZE)
    fold = np.zeros(SIZE)
    fold[1 : SIZE // 2] = 2.0
    return np.asarray(np.imag(np.fft.rfft(cepstrum * fold)), dtype=np.float64)


def _to_taps() -> tuple[Array, Array]:
    """Matrices (N, BINS) from real and imaginary parts to taps: late by LEAD, both ends faded."""
    fade = window()
    angle = 2.0 * np.pi / SIZE * np.outer(np.arange(TAPS) - LEAD, np.arange(BINS))
    share = np.full(BINS, 2.0 / SIZE)
    share[[0, -1]] = 1.0 / SIZE
    # irfft takes the real part of the last bin alone, turned by LEAD: sin(pi k) is 0 there.
    return fade[:, None] * np.cos(angle) * share, -fade[:, None] * np.sin(angle) * share
