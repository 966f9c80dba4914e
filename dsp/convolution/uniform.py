# mypy: disable-error-code="no-untyped-def"
"""Uniformly partitioned convolution of many inputs into two ears, in calls of any size.

Three things, as in every convolver worth reading: the inputs (their spectra, kept in a
frequency-domain delay line, FDL), the filters (spectra of their partitions, never changed), the
output (products of the two, one inverse FFT). Overlap-save with blocks of ``BLOCK`` samples and no
latency: a call that ends within a block transforms the block as far as it is known.

Inputs are real, so two of them share a transform, x = a + i b, and the two ears' filters travel as
one complex filter each, u = left + i right and v. With X' the conjugate of X at the negative
frequency, the sum of both outputs is (X + X') / 2 u + (X - X') / 2i v = X P + X' Q, with
P = (u - i v) / 2 and Q = (u + i v) / 2: no need to take the two apart.
"""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.convolver_record import BLOCK, CONVOLVER, FILTERS, PLANE, SIZE
from auricle.dsp.compiled.options import inlined_kernel, kernel
from auricle.dsp.compiled.records import f32
from auricle.dsp.compiled.simd import (
    NARROW,
    add,
    add_product,
    broadcast_at_narrow,
    broadcast_narrow,
    get,
    load_narrow,
    pointer,
    put,
    reduce_add,
    store,
    subtract,
    subtract_product,
)
from auricle.dsp.errors import AuricleError
from auricle.dsp.streaming.stream import Stream

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
VECTORS = "8e5c895c2c42"  # the text of simd.py that is compiled into the kernels below
RECORDS = "e8635e2106a6"  # likewise of records.py
CONVOLVER_RECORD = "4ff00ffeaf44"  # likewise of convolver_record.py

_convolver, _filters = CONVOLVER.read, FILTERS.read


class FilterSpectra:
    """Spectra of filters ``ir (C, 2, N)``: C inputs, ear 0 left, N taps; never changed again."""

    def __init__(self, ir: NDArray[np.floating]) -> None:
        ir = np.asarray(ir, dtype=np.float64)
        if ir.ndim != 3 or ir.shape[1] != 2 or ir.size == 0:
            raise AuricleError(f"filters must be (inputs, 2 ears, taps), got {ir.shape}")
        n_inputs, _, n_taps = ir.shape
        self.n_inputs = n_inputs
        self.n_partitions = -(-n_taps // BLOCK)
        groups = -(-n_inputs // (2 * NARROW))
        padded = np.zeros((2 * groups * NARROW, 2, self.n_partitions * BLOCK))
        padded[:n_inputs, :, :n_taps] = ir
        both = (padded[:, 0] + 1j * padded[:, 1]).reshape(
            groups, 2, NARROW, self.n_partitions, BLOCK
        )
        u, v = np.moveaxis(np.fft.fft(both, SIZE), (1, 2), (0, 4)) / (2 * SIZE)
        spectra = np.stack([u - 1j * v, u + 1j * v])  # (2, G, P, SIZE, NARROW)
        self.re = np.ascontiguousarray(spectra.real, dtype=np.float32)
        self.im = np.ascontiguousarray(spectra.imag, dtype=np.float32)
        self._pack()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        self.__dict__.update(state)
        self._pack()

    def _pack(self) -> None:
        self._packed = FILTERS.pack({"re": self.re, "im": self.im})

    @property
    def address(self) -> int:
        """The address of its ``FILTERS``, for as long as it lives."""
        return self._packed.address


class PartitionedConvolver(Stream):
    """C inputs through ``FilterSpectra`` into two ears: ``process(x (C, n)) -> (2, n)``.

    Args:
        filters: to begin with.
        n_partitions: that there is room for at least, for longer filters later.
    """

    def __init__(self, filters: FilterSpectra, n_partitions: int = 0) -> None:
        super().__init__()
        groups, partitions = filters.re.shape[1], max(filters.re.shape[2], n_partitions)
        self.filters = filters
        self._next: FilterSpectra | None = None
        self._fading: FilterSpectra | None = None
        self._window = np.zeros((groups, 2, SIZE, NARROW), dtype=np.float32)
        self._inputs = np.zeros((2, groups, partitions, SIZE, NARROW), dtype=np.float32)
        # Products with older blocks, of the filters now and next; real and imaginary.
        self._tail = np.zeros((2, 2, SIZE, NARROW), dtype=np.float32)
        self._work = np.zeros((4, SIZE, NARROW), dtype=np.float32)
        turns = np.exp(-2j * np.pi * np.arange(SIZE) / SIZE)
        self._twiddle = np.stack([turns.real, turns.imag]).astype(np.float32)
        self._ramp = ((np.arange(BLOCK) + 1.0) / BLOCK).astype(np.float32)
        self._faded = np.zeros((2, BLOCK), dtype=np.float32)
        self._phase = 0
        self._head = np.zeros(1, dtype=np.int64)
        self._pack()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        super().__setstate__(state)
        self._pack()

    def _pack(self) -> None:
        self._packed = CONVOLVER.pack({
            "window": self._window, "spectra": self._inputs, "head": self._head,
            "tail": self._tail, "work": self._work, "twiddle": self._twiddle,
        })  # fmt: skip

    @property
    def address(self) -> int:
        """Of its ``CONVOLVER``, for as long as it lives; for compiled code that calls
        ``convolve_part`` itself, and no other method meanwhile.
        """
        return self._packed.address

    @property
    def n_partitions(self) -> int:
        """The partitions that there is room for."""
        return int(self._inputs.shape[2])

    def reset(self) -> None:
        """Forget all input."""
        self._alone(self._silence)

    def _silence(self) -> None:
        self._window[:] = 0.0
        self._inputs[:] = 0.0
        self._phase = 0

    def exchange(self, filters: FilterSpectra) -> None:
        """Fade over to other filters within the next whole block.

        Raises AuricleError unless they have as many inputs and no more partitions.
        """
        if filters.re.shape[1] != self.filters.re.shape[1] or (
            filters.n_partitions > self._inputs.shape[2]
        ):
            raise AuricleError(
                f"cannot exchange filters of {self.filters.re.shape} for {filters.re.shape}: "
                "give them the same inputs and at most as many taps, or make a new convolver"
            )
        self._next = filters

    def process(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The two ears (2, n) of inputs (C, n); any n, also 0."""
        x = np.ascontiguousarray(x, dtype=np.float32)
        out = np.empty((2, x.shape[1]), dtype=np.float32)
        self._alone(self._convolve, x, out)
        return out

    def _convolve(self, x: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        done = 0
        while done < x.shape[1]:
            count = min(BLOCK - self._phase, x.shape[1] - done)
            self.process_part(x, done, count, out, done)
            done += count

    def process_part(
        self, x: NDArray[np.float32], first: int, count: int, out: NDArray[np.float32], at: int
    ) -> None:
        """Convolve a part of a block.

        Args:
            x: (K, n) float32, C-contiguous.
            first: index of the first sample that is taken.
            count: how many samples; the part must not cross the end of a block.
            out: (2, n') float32; ``out[:, at : at + count]`` is written.
            at: index of the first sample that is written.
        """
        if self._phase == 0 and self._next is not None:
            self._fading, self._next = self._next, None
        convolve_part(
            self._packed.address, self.filters.address, 0, x, first, count, self._phase, out, at
        )
        if self._fading is not None:
            convolve_part(
                self.address, self._fading.address, 1, x, first, count, self._phase, self._faded, 0
            )
            ramp = self._ramp[self._phase : self._phase + count]
            part = out[:, at : at + count]
            part += ramp * (self._faded[:, :count] - part)
        self._phase += count
        if self._phase == BLOCK:
            self._phase = 0
            if self._fading is not None:
                self.filters, self._fading = self._fading, None


@kernel
def convolve_part(at, filters_at, which, x, first, count, phase, out, to):
    """Convolve one part of a block; see ``PartitionedConvolver.process_part``.

    Args:
        at, filters_at: addresses of the ``CONVOLVER`` and of the ``FILTERS`` to use.
        which: 0 for its filters now, which takes in and transforms the input; 1 for those next,
            called behind that.
        x: (C, n) float32; samples first to first + count.
        first: first sample of the part in ``x``.
        count: its length.
        phase: its place in the block.
        out: (2, T) float32, written from ``to`` on.
        to: first sample written.
    """
    _convolve_part(_convolver(at), _filters(filters_at), which, x, first, count, phase, out, to)


@kernel
def _convolve_part(c, f, which, x, first, count, phase, out, to):
    """The same on the records."""
    window, inputs, work, twiddle, tail = c.window, c.spectra, c.work, c.twiddle, c.tail[which]
    filter_re, filter_im = f.re, f.im
    n_groups = window.shape[0]
    n_kept = inputs.shape[2]
    n_partitions = filter_re.shape[2]
    all_re, all_im = pointer(inputs[0]), pointer(inputs[1])
    if which == 0 and phase == 0:
        c.head[0] = (c.head[0] + 1) % n_kept
        for i in range(2 * n_groups):
            half_plane = BLOCK * NARROW
            for j in range(i * PLANE, i * PLANE + half_plane, NARROW):
                store(pointer(window), j, load_narrow(pointer(window), j + half_plane))
    head = c.head[0]
    if which == 0:
        for i in range(x.shape[0]):
            at_x, at_window = i * x.shape[1] + first, i // NARROW * PLANE + i % NARROW
            _take(pointer(x), at_x, count, phase, pointer(window), at_window)
        for g in range(n_groups):
            _copy(pointer(window), 2 * g * PLANE, pointer(work), 0)
            _copy(pointer(window), (2 * g + 1) * PLANE, pointer(work), PLANE)
            _fft(pointer(work), pointer(twiddle))
            _copy(pointer(work), 0, all_re, (g * n_kept + head) * PLANE)
            _copy(pointer(work), PLANE, all_im, (g * n_kept + head) * PLANE)
    half = n_groups * n_partitions * PLANE
    if phase == 0:
        _zero(pointer(tail), 0)
        _zero(pointer(tail), PLANE)
        for p in range(1, n_partitions):
            past = (head - p + n_kept) % n_kept
            for g in range(n_groups):
                _multiply_add(
                    all_re, all_im, (g * n_kept + past) * PLANE, pointer(filter_re),
                    pointer(filter_im), (g * n_partitions + p) * PLANE, half, pointer(tail), 0,
                    PLANE,
                )  # fmt: skip
    # The inverse transform is a forward one with real and imaginary parts exchanged. The lanes are
    # added behind it: their sums in every bin cost more than the transform that they would save.
    _copy(pointer(tail), PLANE, pointer(work), 0)
    _copy(pointer(tail), 0, pointer(work), PLANE)
    for g in range(n_groups):
        _multiply_add(
            all_re, all_im, (g * n_kept + head) * PLANE, pointer(filter_re), pointer(filter_im),
            g * n_partitions * PLANE, half, pointer(work), PLANE, 0,
        )  # fmt: skip
    _fft(pointer(work), pointer(twiddle))
    left, right, sums = out[0, to : to + count], out[1, to : to + count], pointer(work)
    for t in range(count):
        i = (BLOCK + phase + t) * NARROW
        left[t] = reduce_add(load_narrow(sums, PLANE + i))
        right[t] = reduce_add(load_narrow(sums, i))


@kernel
def _take(x, at, count, phase, window, to):
    """Put an input's samples into its lane of the window, and zeros behind them."""
    to += (BLOCK + phase) * NARROW
    for t in range(count):
        put(window, to + t * NARROW, get(x, at + t))
    for t in range(count, BLOCK - phase):
        put(window, to + t * NARROW, np.float32(0.0))


@kernel
def _copy(source, at, target, to):
    for i in range(0, PLANE, NARROW):
        store(target, to + i, load_narrow(source, at + i))


@kernel
def _zero(target, to):
    for i in range(0, PLANE, NARROW):
        store(target, to + i, broadcast_narrow(np.float32(0.0)))


@kernel
def _multiply_add(x_re, x_im, at_x, filter_re, filter_im, at, half, sums, re, im):
    """Add X P + X' Q to the planes at ``re`` and ``im``; P stands at ``at``, Q ``half`` behind."""
    for f in range(SIZE):
        i, back = f * NARROW, (SIZE - f) % SIZE * NARROW
        a, b = load_narrow(x_re, at_x + i), load_narrow(x_im, at_x + i)
        c, d = load_narrow(x_re, at_x + back), load_narrow(x_im, at_x + back)
        u, v = load_narrow(filter_re, at + i), load_narrow(filter_im, at + i)
        x = add_product(a, u, load_narrow(sums, re + i))
        y = add_product(a, v, load_narrow(sums, im + i))
        x, y = subtract_product(b, v, x), add_product(b, u, y)
        u, v = load_narrow(filter_re, at + half + i), load_narrow(filter_im, at + half + i)
        x, y = add_product(c, u, x), add_product(c, v, y)
        store(sums, re + i, add_product(d, v, x))
        store(sums, im + i, subtract_product(d, u, y))


@kernel
def _fft(work, twiddle):
    """Complex FFT of planes 0 (real) and 1 (imaginary) in place; 2 and 3 are scratch.

    Stockham, radix 4 (Van Loan 1992, Computational Frameworks for the FFT, sec. 1.7 and 2.4).
    """
    x, y = 0, 2 * PLANE
    n, stride = SIZE, 1
    while n > 1:
        quarter = n // 4
        step = stride * quarter * NARROW
        for p in range(quarter):
            w = p * stride
            c1, s1 = broadcast_at_narrow(twiddle, w), broadcast_at_narrow(twiddle, SIZE + w)
            c2, s2 = broadcast_at_narrow(twiddle, 2 * w), broadcast_at_narrow(twiddle, SIZE + 2 * w)
            c3, s3 = broadcast_at_narrow(twiddle, 3 * w), broadcast_at_narrow(twiddle, SIZE + 3 * w)
            for q in range(stride):
                i = x + (q + stride * p) * NARROW
                ar, ai = load_narrow(work, i), load_narrow(work, i + PLANE)
                br, bi = load_narrow(work, i + step), load_narrow(work, i + step + PLANE)
                cr, ci = load_narrow(work, i + 2 * step), load_narrow(work, i + 2 * step + PLANE)
                dr, di = load_narrow(work, i + 3 * step), load_narrow(work, i + 3 * step + PLANE)
                pr, pi, mr, mi = add(ar, cr), add(ai, ci), subtract(ar, cr), subtract(ai, ci)
                qr, qi, jr, ji = add(br, dr), add(bi, di), subtract(di, bi), subtract(br, dr)
                o = y + (q + 4 * stride * p) * NARROW
                store(work, o, add(pr, qr))
                store(work, o + PLANE, add(pi, qi))
                _turn(work, o + stride * NARROW, subtract(mr, jr), subtract(mi, ji), c1, s1)
                _turn(work, o + 2 * stride * NARROW, subtract(pr, qr), subtract(pi, qi), c2, s2)
                _turn(work, o + 3 * stride * NARROW, add(mr, jr), add(mi, ji), c3, s3)
        x, y = y, x
        n = quarter
        stride *= 4
    if x != 0:
        _copy(work, x, work, 0)
        _copy(work, x + PLANE, work, PLANE)


@inlined_kernel
def _turn(work, o, re, im, c, s):
    """Store (re + i im) (c + i s)."""
    zero = broadcast_narrow(np.float32(0.0))
    store(work, o, subtract_product(s, im, add_product(c, re, zero)))
    store(work, o + PLANE, add_product(s, re, add_product(c, im, zero)))


CONVOLVE = Routine(
    convolve_part,
    types.void(
        types.int64, types.int64, types.int64, f32(2), types.int64, types.int64, types.int64,
        f32(2), types.int64,
    ),
)  # fmt: skip
