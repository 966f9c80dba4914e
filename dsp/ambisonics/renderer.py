# mypy: disable-error-code="no-untyped-def"
"""Ambisonics to two ears, block by block, with a head that turns."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.ambisonics.decoder import AmbisonicDecoder, ambisonic_decoder
from auricle.dsp.compiled.options import inlined_kernel, kernel
from auricle.dsp.convolution.uniform import BLOCK, FilterSpectra, PartitionedConvolver
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import IDENTITY, quaternion_conjugate, quaternion_normalise, slerp
from auricle.dsp.hrtf.hrtf_set import HrtfSet, as_set
from auricle.dsp.sphere.harmonics import n_channels, rotation_into
from auricle.dsp.streaming.input_checks import PathLike, checked_block, listener_orientation
from auricle.dsp.streaming.stream import Stream

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled

CONTROL_SAMPLES = BLOCK
LOUDEST = 1e15  # of a sample, as in streaming/input_checks.py
LEAST = 1e-9  # smaller gains are rounding: most are while a head only yaws


class AmbisonicRenderer(Stream):
    """Renders an ambisonic scene for one listener: ``process(block (C, n)) -> (2, n)`` float32.

    Channels are in ACN order, C = (order + 1)^2. A plane wave with the signal s in W (SN3D) is as
    loud as a source with the signal s in ``BinauralRenderer``. The scene stands still in the world
    while the head turns: orientations are taken on a grid of ``CONTROL_SAMPLES`` samples from the
    start of the stream, whatever the size of the calls, and the rotation matrix moves linearly
    between them. A call that spans several steps turns evenly from the last orientation to the new
    one. The first orientation is jumped to. One thread at a time may call ``process``; copies are
    renderers of their own, as of ``BinauralRenderer``.

    Args:
        hrtf: the listener's set, the path of a SOFA file, or an ``AmbisonicDecoder`` made earlier
            for this sample rate and order (from ``auricle.dsp.ambisonics.decoder``, in any thread).
        sample_rate: of the audio, in Hz.
        block_size: samples that calls usually have; any size is allowed.
        order: 0 to 10.
        level: "matched" (all sets equally loud in a diffuse field) or "measured" (as in the file).
        normalisation: of the channels, "sn3d" (AmbiX) or "n3d".
        match_coherence: as in ``ambisonic_decoder.design_decoder``.
    """

    def __init__(
        self, hrtf: HrtfSet | AmbisonicDecoder | PathLike, sample_rate: int = 48000,
        block_size: int = 128, order: int = 1, level: str = "matched", normalisation: str = "sn3d",
        match_coherence: bool = False,
    ) -> None:  # fmt: skip
        if block_size < 1:
            raise AuricleError(f"block_size is at least 1, got {block_size}")
        super().__init__()
        self._sample_rate, self._block_size = int(sample_rate), int(block_size)
        self._order, self._n_channels = order, n_channels(order)
        self.decoder = self._decoder(as_set(hrtf), level, match_coherence)
        filters = self.decoder.filters_for(normalisation)
        self._convolver = PartitionedConvolver(FilterSpectra(filters))
        self.tail_samples = filters.shape[2] + CONTROL_SAMPLES
        self._nonfinite = np.zeros(self.n_channels, dtype=np.int64)
        self._turned = np.zeros((self.n_channels, CONTROL_SAMPLES), dtype=np.float32)
        self._input = np.zeros((self.n_channels, CONTROL_SAMPLES), dtype=np.float32)
        self._ramp = ((np.arange(CONTROL_SAMPLES) + 1.0) / CONTROL_SAMPLES).astype(np.float32)
        # Rotation at the begin of the step, its change within it, and what it is made in.
        self._rotation = np.zeros((2, self.n_channels, 2 * order + 1), dtype=np.float32)
        self._blocks = np.zeros(self._rotation.shape[1:])
        self._orientation = np.array(IDENTITY)
        self._last = self._orientation.copy()
        self._start: NDArray | None = None
        self._phase = 0
        self._moving = False
        self._jump = True
        silence, ears = (np.zeros((n, 1), dtype=np.float32) for n in (self._n_channels, 2))
        self._alone(self._render, silence, ears, None)  # so all is compiled, or read from the cache
        self.reset()

    @property
    def sample_rate(self) -> int:
        """The sample rate of the audio, in Hz."""
        return self._sample_rate

    @property
    def block_size(self) -> int:
        """The number of samples that calls usually have."""
        return self._block_size

    @property
    def order(self) -> int:
        """The ambisonic order of the scene."""
        return self._order

    @property
    def n_channels(self) -> int:
        """The number of channels, C = (order + 1)^2."""
        return self._n_channels

    @property
    def latency_samples(self) -> int:
        """Samples by which the output is later than with the set itself."""
        return self.decoder.latency_samples

    @property
    def nonfinite_blocks(self) -> NDArray[np.int64]:
        """For each channel (C,) the number of parts of calls in which it was silenced.

        A channel is silenced while it holds NaN, infinity or a sample of more than
        ``auricle.dsp.streaming.input_checks.LOUDEST_SAMPLE``.
        """
        return self._nonfinite

    def set_listener(
        self, orientation: ArrayLike | None = None, *, yaw_deg: float | None = None,
        pitch_deg: float | None = None, roll_deg: float | None = None,
    ) -> None:  # fmt: skip
        """Set the head's orientation: a quaternion or angles, not both; angles not given are 0.

        Args:
            orientation: (4,) quaternion [w, x, y, z], head to world.
            yaw_deg: degrees, + turns the head to the left.
            pitch_deg: degrees, + bends the nose down.
            roll_deg: degrees, + lifts the left ear.

        Raises:
            AuricleError: a quaternion and angles at once, or numbers that are not finite.
        """
        self._orientation[:] = listener_orientation(orientation, yaw_deg, pitch_deg, roll_deg)

    def reset(self) -> None:
        """Begin anew from silence; the next orientation is jumped to."""
        self._alone(self._silence)

    def _silence(self) -> None:
        self._convolver.reset()
        self._phase = 0
        self._jump = True

    def steps_beginning(self, n_samples: int) -> int:
        """The number of control steps that begin in the next call, if it has ``n_samples``."""
        return -(-(n_samples + self._phase) // CONTROL_SAMPLES) - (self._phase > 0)

    def process(self, block: ArrayLike) -> NDArray[np.float32]:
        """Render the next block.

        Args:
            block: (C, n) floating point, any n.

        Returns:
            (2, n) float32, left ear first.

        Raises:
            AuricleError: another shape, whole numbers, or a second thread within.
        """
        audio = checked_block(block, self._n_channels, f"a block of order {self.order}")
        out = np.empty((2, audio.shape[1]), dtype=np.float32)
        self._alone(self._render, audio, out, None)
        return out

    def process_into(self, block: ArrayLike, out: NDArray[np.float32]) -> None:
        """Render the next block into an array of the caller's.

        Args:
            block: (C, n) floating point, any n.
            out: (2, n) float32, which is written, left ear first.

        Raises:
            AuricleError: another shape or type, or a second thread within.
        """
        audio = checked_block(block, self._n_channels, f"a block of order {self.order}")
        if out.shape != (2, audio.shape[1]) or out.dtype != np.float32:
            raise AuricleError(f"out must be (2, {audio.shape[1]}) float32, got {out.shape}")
        self._alone(self._render, audio, out, None)

    def process_path(self, block: ArrayLike, orientations: ArrayLike) -> NDArray[np.float32]:
        """Render the next block with an orientation for each control step that begins in it.

        Args:
            block: (C, n) floating point, any n.
            orientations: (J, 4) quaternions reached at the end of each step, J =
                ``steps_beginning(n)``.

        Returns:
            (2, n) float32, left ear first.

        Raises:
            AuricleError: another shape, a quaternion of zeros, or a second thread within.
        """
        audio = checked_block(block, self._n_channels, f"a block of order {self.order}")
        path = np.asarray(orientations, dtype=np.float64)
        steps = self.steps_beginning(audio.shape[1])
        if path.shape != (steps, 4):
            raise AuricleError(
                f"{steps} steps begin here, so {(steps, 4)} is due, not {path.shape}"
            )
        out = np.empty((2, audio.shape[1]), dtype=np.float32)
        self._alone(self._render, audio, out, quaternion_normalise(path) if steps else path)
        return out

    def _render(self, audio: NDArray, out: NDArray, path: NDArray | None) -> None:
        steps = self.steps_beginning(audio.shape[1])
        done, step = 0, 0
        while done < audio.shape[1]:
            if self._phase == 0:
                if path is not None:
                    self._orientation[:] = path[step]
                self._begin_step(1.0 if path is not None else (step + 1) / steps)
                step += 1
            count = min(CONTROL_SAMPLES - self._phase, audio.shape[1] - done)
            turn_part(
                audio, done, count, self._phase, self._rotation[0], self._rotation[1],
                self._moving, self._ramp, self._input, self._turned, self._nonfinite,
            )  # fmt: skip
            self._convolver.process_part(self._turned, self._phase, count, out, done)
            self._phase = (self._phase + count) % CONTROL_SAMPLES
            done += count

    def _begin_step(self, share: float) -> None:
        """Set the rotation to be reached at the end of the step that begins."""
        if share >= 1.0 or self._jump:
            target, self._start = self._orientation, None
        else:
            if self._start is None:
                self._start = self._last.copy()
            target = slerp(self._start, self._orientation, share)
        now, change = self._rotation
        if self._moving:
            now[:] = self._blocks
        self._moving = not (self._jump or np.array_equal(target, self._last))
        if self._moving or self._jump:
            self._last[:] = target
            # The scene turns against the head.
            rotation_into(quaternion_conjugate(self._last), self._blocks)
        if self._moving:
            np.subtract(self._blocks, now, out=change, casting="same_kind")
        else:
            now[:] = self._blocks
        self._jump = False

    def _decoder(
        self, hrtf: HrtfSet | AmbisonicDecoder, level: str, match_coherence: bool
    ) -> AmbisonicDecoder:
        if not isinstance(hrtf, AmbisonicDecoder):
            return ambisonic_decoder(hrtf, self.sample_rate, self.order, level, match_coherence)
        if (hrtf.sample_rate, hrtf.order) != (self.sample_rate, self.order):
            raise AuricleError(
                f"the decoder was made for {hrtf.sample_rate} Hz and order {hrtf.order}, the "
                f"renderer has {self.sample_rate} Hz and order {self.order}; make one for these"
            )
        return hrtf


@kernel
def turn_part(audio, first, count, phase, rotation, change, moving, ramp, work, out, nonfinite):
    """Rotate samples ``phase`` to ``phase + count`` of a step; allocates nothing.

    Args:
        audio: (C, T) float32; samples first to first + count are taken.
        first: first sample of the part in ``audio``.
        count: its length.
        phase: its place in the step.
        rotation: (C, 2N + 1) float32, from ``rotation_into``, at the begin of the step.
        change: (C, 2N + 1) float32, what is added to it by the end of the step.
        moving: whether ``change`` counts.
        ramp: (STEP,) float32, (t + 1) / STEP.
        work: (C, STEP) float32 scratch.
        out: (C, STEP) float32; samples phase to phase + count are written.
        nonfinite: (C,) counts calls in which a channel held NaN, infinity or a sample above LOUDEST
            and was silenced.
    """
    order = (rotation.shape[1] - 1) // 2
    for c in range(len(out)):
        _take(audio[c, first : first + count], work[c, :count], nonfinite, c)
    for n in range(order + 1):
        base = n * n
        for row in range(base, base + 2 * n + 1):
            target = out[row, phase : phase + count]
            target[:] = np.float32(0.0)
            for j in range(2 * n + 1):
                gain = rotation[row, j]
                source = work[base + j, :count]
                if moving:
                    slope = change[row, j]
                    if abs(gain) + abs(slope) > LEAST:
                        for t in range(count):
                            target[t] += (gain + slope * ramp[phase + t]) * source[t]
                elif abs(gain) > LEAST:
                    for t in range(count):
                        target[t] += gain * source[t]


@inlined_kernel
def _take(source, target, nonfinite, c):
    """Copy a channel; silence it if it holds NaN or what is beyond bounds."""
    level = np.float32(0.0)
    for t in range(len(target)):
        x = source[t]
        target[t] = x
        level += abs(x)
    if not level <= LOUDEST:
        nonfinite[c] += 1
        target[:] = np.float32(0.0)
