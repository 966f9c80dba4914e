"""Ambisonics to two ears, block by block, with a head that turns."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.ambisonics.block import render_scene
from auricle.dsp.ambisonics.decoder import AmbisonicDecoder, ambisonic_decoder
from auricle.dsp.ambisonics.state import AmbisonicState
from auricle.dsp.compiled.ambisonic_record import ASKED, PHASE
from auricle.dsp.compiled.options import STEP
from auricle.dsp.convolution.uniform import FilterSpectra
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_normalise
from auricle.dsp.hrtf.hrtf_set import HrtfSet, as_set
from auricle.dsp.sphere.harmonics import n_channels
from auricle.dsp.streaming.input_checks import PathLike, checked_block, listener_orientation
from auricle.dsp.streaming.stream import Stream

CONTROL_SAMPLES = STEP
PIECE = 8192  # samples of a call behind which the interpreter looks whether it is interrupted


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
        self._state = AmbisonicState(FilterSpectra(filters), self._n_channels)
        self.tail_samples = filters.shape[2] + CONTROL_SAMPLES
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
        return self._state.nonfinite

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
        turned = listener_orientation(orientation, yaw_deg, pitch_deg, roll_deg)
        self._state.head[ASKED] = turned

    def reset(self) -> None:
        """Begin anew from silence; the next orientation is jumped to."""
        self._alone(self._silence)

    def _silence(self) -> None:
        self._state.reset()

    def steps_beginning(self, n_samples: int) -> int:
        """The number of control steps that begin in the next call, if it has ``n_samples``."""
        phase = int(self._state.numbers[PHASE])
        return -(-(n_samples + phase) // CONTROL_SAMPLES) - (phase > 0)

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
        at, n = self._state.address, audio.shape[1]
        if path is None:
            for first in range(0, n, PIECE):
                last = min(first + PIECE, n)
                render_scene(at, audio, 0, n, first, last, out, first, False)
            return
        done = 0
        for orientation in [None, *path]:  # None: of the step that is under way
            phase = int(self._state.numbers[PHASE])
            if orientation is not None:
                self._state.head[ASKED] = orientation
            elif phase == 0:
                continue
            count = min(CONTROL_SAMPLES - phase, n - done)
            part = np.ascontiguousarray(audio[:, done : done + count])
            render_scene(at, part, 0, count, 0, count, out, done, False)
            done += count

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
