"""What plays besides the sources, through a listener's set: the LFE of beds, ambisonic fields."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from auricle.dsp.ambisonics.decoder import ambisonic_decoder
from auricle.dsp.ambisonics.state import AmbisonicState
from auricle.dsp.convolution.uniform import BLOCK, FilterSpectra
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.biquad import butterworth_sections
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.loudspeakers.bed import LFE_GAIN_DB, LFE_HZ, bass_gain
from auricle.plugin_core.live.audio_thread.shared_memory import MAX_BLOCK
from auricle.plugin_core.live.sources import Channel, Track, of_role, opened

SPARE_PARTITIONS = 8  # 1,024 taps more than the first set has


class Heard(NamedTuple):
    """What a set makes of them: filters of each field, gain of the LFE, samples of latency."""

    filters: tuple[FilterSpectra, ...]
    lfe_gain: float
    latency_samples: int


class Around:
    """The fields and LFE channels among rows of audio.

    Args:
        rows: of the audio.
        level: of sets, "matched" or "measured".
    """

    def __init__(self, rows: Sequence[Channel], level: str) -> None:
        self._level = level
        self.lfe_rows = of_role(rows, "lfe")
        self._first_rows: list[int] = []
        self._kinds: list[tuple[int, str]] = []  # order and normalisation of each field
        seen: set[int] = set()
        for row in of_role(rows, "field"):
            channel = rows[row]
            if channel.file in seen:
                continue
            seen.add(channel.file)
            assert isinstance(channel.source, Track)
            found = opened(channel.source)[2]
            assert found is not None
            # Furse-Malham is converted where files are read.
            normalisation = "sn3d" if found.normalisation == "fuma" else found.normalisation
            self._first_rows.append(row)
            self._kinds.append((found.order, normalisation))
        self._states: list[AmbisonicState] = []
        self._kept: list[Heard] = []  # the audio thread may read any of them

    def __len__(self) -> int:
        return len(self._kinds)

    @property
    def is_there(self) -> bool:
        """Whether there is anything around."""
        return bool(self._kinds or self.lfe_rows)

    def heard_through(self, hrtf: HrtfSet | None, sample_rate: int) -> Heard:
        """What a set makes of them; takes seconds for a set that is new.

        Raises:
            AuricleError: tables alone, of which neither decoders nor the bass can be told.
        """
        if not self.is_there:
            return Heard((), 1.0, 0)
        if hrtf is None:
            raise AuricleError(
                "beds and ambisonics are heard through the set itself; give that, not its tables"
            )
        filters, late = [], 0
        for order, normalisation in self._kinds:
            decoder = ambisonic_decoder(hrtf, sample_rate, order, self._level)
            filters.append(FilterSpectra(decoder.filters_for(normalisation)))
            late = max(late, decoder.latency_samples)
        gain = bass_gain(hrtf, sample_rate, self._level) if self.lfe_rows else 1.0
        heard = Heard(tuple(filters), gain * 10.0 ** (LFE_GAIN_DB / 20.0), late)
        self._kept.append(heard)
        return heard

    def check(self, heard: Heard) -> None:
        """Refuse filters of a set for which there is no room (AuricleError)."""
        for state, filters in zip(self._states, heard.filters, strict=True):
            room = state.convolver.n_partitions
            if filters.n_partitions > room:
                raise AuricleError(
                    f"the set's responses are longer than the {room * BLOCK} taps that ambisonics "
                    "have room for while they play; begin with this set"
                )

    def arrays(self, heard: Heard, sample_rate: int, latency_samples: int) -> dict[str, Any]:
        """What the shared state holds of them, to begin with.

        Args:
            heard: of the set that plays first.
            sample_rate: Hz.
            latency_samples: of the sources' renderer.
        """
        self._states = [
            AmbisonicState(each, (order + 1) ** 2, each.n_partitions + SPARE_PARTITIONS)
            for each, (order, _) in zip(heard.filters, self._kinds, strict=True)
        ]
        fields = np.zeros((len(self), 3), dtype=np.int64)
        for row, state, first in zip(fields, self._states, self._first_rows, strict=True):
            row[:] = state.address, first, state.filters.address
        sections = butterworth_sections(LFE_HZ, sample_rate)
        late = max(heard.latency_samples, latency_samples)
        waits: dict[str, Any] = {"late_ears": (2, late - latency_samples), "late_low": (1, late)}
        return {
            "fields": fields, "lfe_rows": np.array(self.lfe_rows, dtype=np.int64),
            "lfe_sections": sections, "lfe_state": np.zeros((len(sections), 2)),
            "lfe_gain": np.array([heard.lfe_gain]), "lfe_nonfinite": np.zeros(1, dtype=np.int64),
            "low": np.zeros((1, MAX_BLOCK), dtype=np.float32),
            "late_at": np.zeros(2, dtype=np.int64),
        } | {name: np.zeros(shape, dtype=np.float32) for name, shape in waits.items()}  # fmt: skip

    @property
    def nonfinite_blocks(self) -> int:
        """Parts of calls in which channels of fields held what is no sound and were silenced."""
        return sum(int(state.nonfinite.sum()) for state in self._states)
