"""A low rank sounds alike at every rate, and its errors stay within bounds on any set."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt
from synthetic_set import rigid_sphere_set

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.hrtf.structural_model import computed_responses
from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.dsp.metrics.octaves import octave_levels_db
from auricle.dsp.preparation.filter_rate import EQUAL_HZ, at_rate
from auricle.dsp.preparation.played import played_responses
from auricle.dsp.preparation.played_errors import of_95, worst
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.sphere.grids import fibonacci_sphere

pytestmark = pytest.mark.slow


def test_filters_at_another_rate_have_the_same_transfer_functions():
    """Of filters that begin abruptly and fall off above 16 kHz, as those of a set do."""
    noise = np.random.default_rng(0).standard_normal((3, 256)) * np.exp(-np.arange(256) / 20.0)
    filters = sosfilt(butter(4, 16000.0, fs=48000, output="sos"), noise, axis=-1)
    hz = np.linspace(20.0, EQUAL_HZ, 300)

    def response(taps, rate):
        return taps @ np.exp(-2j * np.pi * np.outer(np.arange(taps.shape[1]), hz) / rate)

    wanted = response(filters, 48000)
    for rate in (44100, 88200, 96000, 192000):
        error = response(at_rate(filters, 48000, rate), rate) - wanted
        assert 20.0 * np.log10(np.abs(error).max() / np.abs(wanted).max()) < -50.0
    assert at_rate(filters, 48000, 48000) is not None
    np.testing.assert_array_equal(at_rate(filters, 48000, 48000), filters)


@pytest.fixture(scope="module")
def listener():
    """Both ears of a computed head with pinnae, 200 directions."""
    ir = computed_responses(fibonacci_sphere(200), 48000)
    return HrtfSet(ir, fibonacci_sphere(200), 1.5, 48000, "computed")


def test_levels_and_itd_are_the_same_at_each_rate(listener):
    levels, itds = [], []
    for rate in (44100, 48000, 96000):
        found = played_responses(prepare(listener, rate, rank=12), listener.positions)
        levels.append(octave_levels_db(found, rate))
        itds.append(1e6 * itd_correlation_seconds(found, rate))
    for level, itd in zip(levels[1:], itds[1:], strict=True):
        assert worst(level - levels[0]) < 0.3
        assert worst(itd - itds[0]) < 5.0


def test_automatic_rank_keeps_its_bounds(listener):
    errors = prepare(listener, 44100).errors
    assert of_95(errors.level_db) < 1.0
    assert worst(errors.level_db) < 2.0
    assert all(of_95(octave) < 1.0 for octave in errors.ild_db.T)
    assert of_95(errors.itd_us) < 15.0
    assert worst(errors.itd_us) < 40.0


def test_a_turned_over_set_plays_as_measured(listener):
    """LISTEN's files hold pressure that falls first; ITD used to be 250 us off."""
    turned = replace(listener, ir=-listener.ir)
    prepared = prepare(turned, 48000, rank=12, level="measured")
    assert worst(prepared.errors.itd_us) < 40.0
    upright = prepare(listener, 48000, rank=12, level="measured")
    found = [played_responses(p, listener.positions[:20]) for p in (upright, prepared)]
    assert np.linalg.norm(found[0] + found[1]) < 0.05 * np.linalg.norm(found[0])


def test_one_ear_turned_over_keeps_its_itd(listener):
    ir = listener.ir * np.array([1.0, -1.0])[:, None]
    errors = prepare(replace(listener, ir=ir), 48000, rank=12).errors
    assert of_95(errors.itd_us) < 15.0


def test_ringing_and_noise_before_the_onset_leave_the_itd(listener):
    rng = np.random.default_rng(1)
    n = np.arange(listener.n_taps)
    ring = 0.003 * np.abs(listener.ir).max() * np.sin(2.9 * n)
    ir = listener.ir + ring + 1e-3 * np.abs(listener.ir).max() * rng.standard_normal(n.size)
    errors = prepare(replace(listener, ir=ir), 48000, rank=16).errors
    assert of_95(errors.itd_us) < 15.0


def test_a_mirrored_set_stays_its_own_mirror_image():
    azimuth, elevation = np.meshgrid(np.deg2rad(np.arange(0, 360, 20)), np.deg2rad([-40, 0, 40]))
    positions = np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth),
         np.sin(elevation)], axis=-1,
    ).reshape(-1, 3)  # fmt: skip
    heads = rigid_sphere_set(positions, 48000)
    found = played_responses(prepare(heads, 48000, rank=8), positions)
    rows = np.argmin(
        np.linalg.norm(positions[:, None] * [1.0, -1.0, 1.0] - positions[None], axis=2), axis=1
    )
    levels = octave_levels_db(found, 48000)
    itd = 1e6 * itd_correlation_seconds(found, 48000)
    assert worst(levels[:, 0] - levels[rows, 1]) < 0.3
    assert worst(itd + itd[rows]) < 5.0


@settings(max_examples=8)
@given(
    count=st.sampled_from([4, 6, 12, 30]), rank=st.sampled_from([4, 16, 32, 64]),
    rate=st.sampled_from([44100, 48000, 88200, 96000]), own_rate=st.sampled_from([44100, 48000]),
)  # fmt: skip
def test_no_rank_plays_a_sphere_worse_than_a_low_one(count, rank, rate, own_rate):
    """More buses than a smooth set fills play it no worse, and end in no traceback."""
    heads = rigid_sphere_set(fibonacci_sphere(count), own_rate)
    prepared = prepare(heads, rate, rank=rank)
    assert prepared.rank <= rank + 3
    assert np.isfinite(prepared.gains).all()
    limit = 0.5 if rank >= 16 else 2.0
    assert of_95(prepared.errors.level_db) < limit
    side = np.abs(heads.positions[:, 1])
    for m in np.argsort(-side)[:2]:
        found = played_responses(prepared, heads.positions[m : m + 1])
        wanted = -np.sign(heads.positions[m, 1]) * 2.0 * 0.0875 * side[m] / SOUND_SPEED_M_S
        assert itd_correlation_seconds(found, rate)[0] == pytest.approx(wanted, rel=0.5, abs=4e-5)


@pytest.mark.parametrize(("rate", "taps"), [(8000, 64), (16000, 128), (192000, 2048)])
def test_sets_of_odd_rates_and_lengths_are_played_right(rate, taps):
    heads = rigid_sphere_set(fibonacci_sphere(60), rate)
    heads = replace(heads, ir=np.pad(heads.ir, ((0, 0), (0, 0), (0, taps)))[..., :taps])
    errors = prepare(heads, 48000, rank=8).errors
    assert of_95(errors.level_db) < 1.0
    assert of_95(errors.itd_us) < 15.0


def test_responses_of_16_taps_are_played(listener):
    short = replace(listener, ir=listener.ir[..., 40:56])
    assert np.isfinite(prepare(short, 48000, rank=4).gains).all()


def test_a_room_is_refused_or_left_out_in_words(listener):
    """A tenth of a second may pass; what filters of few taps cannot play is said."""
    rng = np.random.default_rng(0)
    room = np.zeros((*listener.ir.shape[:2], 4000))
    room[..., 400:] = 1e-2 * rng.standard_normal((*listener.ir.shape[:2], 3600))
    room[..., : listener.n_taps] += listener.ir
    prepared = prepare(replace(listener, ir=room), 48000, rank=4)
    assert "is left out (rank=full plays it)" in prepared.report
    with pytest.raises(AuricleError, match="hold a room"):
        prepare(replace(listener, ir=np.tile(room, (1, 1, 3))), 48000, rank=4)
    silent = np.pad(listener.ir, ((0, 0), (0, 0), (0, 8192)))
    assert "room" not in prepare(replace(listener, ir=silent), 48000, rank=4).report
