# mypy: disable-error-code="no-untyped-def"
"""Uniformly partitioned convolution of many inputs into two ears, in calls of any size.

Three things, as in every convolver worth reading: the inputs (their spectra, kept in a
frequency-domain delay line, FDL), the filters (spectra of their partitions, never changed), the
output (products of the two, one inverse FFT). Overlap-save with blocks of ``BLOCK`` samples and no
latency: a call that ends within a block transforms the block as far as it is known.

The two ears' filters travel as one complex filter (left + i right), the inputs being real.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError

BLOCK = 128
SIZE = 2 * BLOCK  # of the FFT; a power of four
LANES = 16  # inputs transformed side by side, one vector register

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


class FilterSpectra:
    """Spectra of filters ``ir (C, 2, N)``: C inputs, ear 0 left, N taps; never changed again."""

    def __init__(self, ir: NDArray[np.floating]) -> None:
        ir = np.asarray(ir, dtype=np.float64)
        if ir.ndim != 3 or ir.shape[1] != 2 or ir.size == 0:
            raise AuricleError(f"filters must be (inputs, 2 ears, taps), got {ir.shape}")
        n_inputs, _, n_taps = ir.shape
        self.n_inputs = n_inputs
        self.n_partitions = -(-n_taps // BLOCK)
        groups = -(-n_inputs // LANES)
        padded = np.zeros((groups * LANES, 2, self.n_partitions * BLOCK))
        padded[:n_inputs, :, :n_taps] = ir
        both = (padded[:, 0] + 1j * padded[:, 1]).reshape(groups, LANES, self.n_partitions, BLOCK)
        spectra = np.moveaxis(np.fft.fft(both, SIZE), 1, 3) / SIZE  # (G, P, F, LANES)
        self.re = np.ascontiguousarray(spectra.real, dtype=np.float32)
        self.im = np.ascontiguousarray(spectra.imag, dtype=np.float32)


class PartitionedConvolver:
    """C inputs through ``FilterSpectra`` into two ears: ``process(x (C, n)) -> (2, n)``."""

    def __init__(self, filters: FilterSpectra) -> None:
        groups, partitions = filters.re.shape[:2]
        self.filters = filters
        self._next: FilterSpectra | None = None
        self._fading: FilterSpectra | None = None
        self._window = np.zeros((groups, SIZE, LANES), dtype=np.float32)
        self._inputs = np.zeros((2, groups, partitions, SIZE, LANES), dtype=np.float32)
        self._tail = np.zeros((2, 2, SIZE), dtype=np.float32)  # filters now and next, re and im
        self._work = np.zeros((4, SIZE, LANES), dtype=np.float32)
        turns = np.exp(-2j * np.pi * np.arange(SIZE) / SIZE)
        self._twiddle = np.stack([turns.real, turns.imag]).astype(np.float32)
        self._ramp = ((np.arange(BLOCK) + 1.0) / BLOCK).astype(np.float32)
        self._faded = np.zeros((2, BLOCK), dtype=np.float32)
        self._phase = 0
        self._head = 0

    def reset(self) -> None:
        """Forget all input."""
        self._window[:] = 0.0
        self._inputs[:] = 0.0
        self._phase = self._head = 0

    def exchange(self, filters: FilterSpectra) -> None:
        """Fade over to other filters within the next whole block.

        Raises AuricleError unless they have as many inputs and no more partitions.
        """
        if filters.re.shape[0] != self.filters.re.shape[0] or (
            filters.n_partitions > self._inputs.shape[2]
        ):
            raise AuricleError(
                f"cannot exchange filters of {self.filters.re.shape} for {filters.re.shape}: "
                "give them the same inputs and at most as many taps, or make a new convolver"
            )
        self._next = filters

    def process(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The two ears (2, n) of inputs (C, n); any n, also 0."""
        out = np.empty((2, x.shape[1]), dtype=np.float32)
        done = 0
        while done < x.shape[1]:
            count = min(BLOCK - self._phase, x.shape[1] - done)
            self.process_part(x[:, done : done + count], 0, count, out, done)
            done += count
        return out

    def process_part(
        self, x: NDArray[np.float32], first: int, count: int, out: NDArray[np.float32], at: int
    ) -> None:
        """Take ``x[:, first : first + count]``, write ``out[:, at : at + count]``.

        The part must not cross the end of a block.
        """
        if self._phase == 0 and self._next is not None:
            self._fading, self._next = self._next, None
        self._run(self.filters, 0, x, first, count, out, at, True)
        if self._fading is not None:
            self._run(self._fading, 1, x, first, count, self._faded, 0, False)
            ramp = self._ramp[self._phase : self._phase + count]
            part = out[:, at : at + count]
            part += ramp * (self._faded[:, :count] - part)
        self._phase += count
        if self._phase == BLOCK:
            self._phase = 0
            self._head = (self._head + 1) % self._inputs.shape[2]
            self._window[:, :BLOCK] = self._window[:, BLOCK:]
            self._window[:, BLOCK:] = 0.0
            if self._fading is not None:
                self.filters, self._fading = self._fading, None

    def _run(
        self, filters: FilterSpectra, which: int, x: NDArray[np.float32], first: int, count: int,
        out: NDArray[np.float32], at: int, forward: bool,
    ) -> None:  # fmt: skip
        convolve_part(
            x, first, count, self._phase, forward, self._window, self._inputs, self._head,
            filters.re, filters.im, self._tail[which], self._work, self._twiddle, out, at,
        )  # fmt: skip


@njit(**_OPTIONS)
def convolve_part(
    x, first, count, phase, forward, window, inputs, head, filter_re, filter_im, tail, work,
    twiddle, out, at,
):  # fmt: skip
    """Convolve one part of a block; see ``PartitionedConvolver.process_part``.

    Args:
        x: (C, n) float32; samples first to first + count.
        first: first sample of the part in ``x``.
        count: its length.
        phase: its place in the block.
        forward: whether to take in and transform the input (once a part, whatever the filters).
        window: (G, SIZE, LANES) last block and this one.
        inputs: (2, G, P, SIZE, LANES) real and imaginary spectra of the last P blocks.
        head: where in P this block's spectrum stands.
        filter_re: (G, P', SIZE, LANES), P' <= P, real parts.
        filter_im: the same, imaginary parts.
        tail: (2, SIZE) the products with older blocks, made at phase 0.
        work: (4, SIZE, LANES) scratch.
        twiddle: (2, SIZE) cosines and minus sines.
        out: (2, T) float32, written from ``at`` on.
        at: first sample written.
    """
    n_groups = window.shape[0]
    n_kept = inputs.shape[2]
    n_partitions = filter_re.shape[1]
    if forward:
        for c in range(x.shape[0]):
            g, lane = c // LANES, c % LANES
            for t in range(count):
                window[g, BLOCK + phase + t, lane] = x[c, first + t]
        for g in range(n_groups):
            work[0] = window[g]
            work[1] = np.float32(0.0)
            _fft(work, twiddle)
            inputs[0, g, head] = work[0]
            inputs[1, g, head] = work[1]
    if phase == 0:
        tail[:] = 0.0
        for p in range(1, n_partitions):
            past = (head - p + n_kept) % n_kept
            for g in range(n_groups):
                _multiply_add(inputs, g, past, filter_re, filter_im, p, tail)
    _output(inputs, head, filter_re, filter_im, n_groups, tail, work)
    _fft(work, twiddle)
    for t in range(count):
        # The inverse transform as a forward one with real and imaginary parts exchanged.
        out[0, at + t] = work[1, BLOCK + phase + t, 0]
        out[1, at + t] = work[0, BLOCK + phase + t, 0]


@njit(**_OPTIONS)
def _multiply_add(inputs, g, past, filter_re, filter_im, p, sums):
    for f in range(SIZE):
        re = np.float32(0.0)
        im = np.float32(0.0)
        for c in range(LANES):
            a, b = inputs[0, g, past, f, c], inputs[1, g, past, f, c]
            u, v = filter_re[g, p, f, c], filter_im[g, p, f, c]
            re += a * u - b * v
            im += a * v + b * u
        sums[0, f] += re
        sums[1, f] += im


@njit(**_OPTIONS)
def _output(inputs, head, filter_re, filter_im, n_groups, tail, work):
    """Lane 0 of work = the spectrum of the ears, parts exchanged for the inverse transform."""
    for f in range(SIZE):
        re, im = tail[0, f], tail[1, f]
        for g in range(n_groups):
            for c in range(LANES):
                a, b = inputs[0, g, head, f, c], inputs[1, g, head, f, c]
                u, v = filter_re[g, 0, f, c], filter_im[g, 0, f, c]
                re += a * u - b * v
                im += a * v + b * u
        for c in range(LANES):
            work[0, f, c] = 0.0
            work[1, f, c] = 0.0
        work[0, f, 0] = im
        work[1, f, 0] = re


@njit(**_OPTIONS)
def _fft(work, twiddle):
    """Complex FFT of work[0] + i work[1] (SIZE, LANES) in place: Stockham, radix 4."""
    source, target = 0, 2
    n, stride = SIZE, 1
    while n > 1:
        quarter = n // 4
        for p in range(quarter):
            w = p * stride
            c1, s1 = twiddle[0, w], twiddle[1, w]
            c2, s2 = twiddle[0, 2 * w], twiddle[1, 2 * w]
            c3, s3 = twiddle[0, 3 * w], twiddle[1, 3 * w]
            for q in range(stride):
                _butterfly(
                    work[source], work[source + 1], work[target], work[target + 1],
                    q + stride * p, stride * quarter, q + 4 * stride * p, stride,
                    c1, s1, c2, s2, c3, s3,
                )  # fmt: skip
        source, target = target, source
        n = quarter
        stride *= 4
    if source != 0:
        work[0] = work[2]
        work[1] = work[3]


@njit(inline="always", **_OPTIONS)
def _butterfly(xr, xi, yr, yi, i, step, o, stride, c1, s1, c2, s2, c3, s3):
    for c in range(LANES):
        ar, ai = xr[i, c], xi[i, c]
        br, bi = xr[i + step, c], xi[i + step, c]
        cr, ci = xr[i + 2 * step, c], xi[i + 2 * step, c]
        dr, di = xr[i + 3 * step, c], xi[i + 3 * step, c]
        pr, pi, mr, mi = ar + cr, ai + ci, ar - cr, ai - ci
        qr, qi = br + dr, bi + di
        jr, ji = di - bi, br - dr  # i (b - d)
        yr[o, c] = pr + qr
        yi[o, c] = pi + qi
        ur, ui = mr - jr, mi - ji
        yr[o + stride, c] = c1 * ur - s1 * ui
        yi[o + stride, c] = c1 * ui + s1 * ur
        ur, ui = pr - qr, pi - qi
        yr[o + 2 * stride, c] = c2 * ur - s2 * ui
        yi[o + 2 * stride, c] = c2 * ui + s2 * ur
        ur, ui = mr + jr, mi + ji
        yr[o + 3 * stride, c] = c3 * ur - s3 * ui
        yi[o + 3 * stride, c] = c3 * ui + s3 * ur
