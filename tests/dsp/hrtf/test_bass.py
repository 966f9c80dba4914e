"""The bass: judged, and where it is not that of a head, a rigid sphere's."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic_set import rigid_sphere_set

from auricle.dsp.acoustics.rigid_sphere import sphere_response
from auricle.dsp.errors import HrtfError
from auricle.dsp.hrtf.bass import extended_bass, judged_bass
from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.hrtf.head_radius import head_radius_m
from auricle.dsp.preparation.played import played_responses
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.sphere.grids import fibonacci_sphere

RATE = 48000
BASS_HZ = np.array([20.0, 30.0, 50.0, 80.0, 120.0, 160.0, 200.0])


def spectra(ir, rate, hz=BASS_HZ):
    return ir @ np.exp(-2j * np.pi * np.outer(np.arange(ir.shape[-1]), hz) / rate)


def without_bass(hrtf, corner_hz=180.0, order=3):
    """What a small loudspeaker leaves: a causal high pass, in every response."""
    from scipy.signal import butter, sosfilt

    high_pass = butter(order, corner_hz, "highpass", fs=hrtf.sample_rate, output="sos")
    return replace(hrtf, ir=sosfilt(high_pass, hrtf.ir, axis=-1))


def with_ears_exchanged_below(hrtf, hz=150.0):
    """The far ear the louder one in the bass, as in CIPIC."""
    size = 4 * hrtf.n_taps
    spectrum = np.fft.rfft(hrtf.ir, size)
    share = 1.0 / (1.0 + (np.fft.rfftfreq(size, 1.0 / hrtf.sample_rate) / hz) ** 6)
    wrong = 10.0 ** (np.array([-5.0, 5.0]) / 20.0)[:, None]
    tilt = wrong ** np.sign(hrtf.positions[:, 1])[:, None, None]
    ir = np.fft.irfft(spectrum * tilt**share, size)[..., : hrtf.n_taps]
    return replace(hrtf, ir=ir)


def assert_bass_of_a_head(ir, positions, rate, radius_m, distance_m):
    """The nearer ear is never the quieter; ITD is the sphere's within 10 %."""
    found = spectra(ir, rate)
    ild_db = 20.0 * np.log10(np.abs(found[:, 0] / found[:, 1]))
    assert np.all(ild_db * np.sign(positions[:, 1:2]) > -0.1)
    aside = np.abs(positions[:, 1]) > 0.4
    y = positions[aside, 1]
    sphere = sphere_response(distance_m, np.stack([y, -y], axis=1), BASS_HZ, radius_m)
    delay = [np.angle(x[:, 0] * np.conj(x[:, 1])) for x in (found[aside], sphere)]
    np.testing.assert_allclose(delay[0] / delay[1], 1.0, atol=0.1)


@pytest.fixture(scope="module")
def sphere():
    return rigid_sphere_set(fibonacci_sphere(150), RATE)


def test_a_sphere_has_the_bass_of_a_head(sphere):
    assert judged_bass(sphere).plausible
    assert judged_bass(sphere).sentence() == ""


@pytest.mark.parametrize("spoilt", [without_bass, with_ears_exchanged_below])
def test_a_spoilt_bass_is_judged_and_replaced(sphere, spoilt):
    bad = spoilt(sphere)
    assert not judged_bass(bad).plausible
    assert "50 Hz" in judged_bass(bad).sentence()
    mended = extended_bass(bad)
    assert judged_bass(mended).plausible
    radius_m = head_radius_m(bad)
    assert_bass_of_a_head(mended.ir, mended.positions, RATE, radius_m, mended.radius_m)


def test_extension_leaves_what_is_above_400_hz(sphere):
    mended = extended_bass(sphere)
    hz = np.geomspace(500.0, 16000.0, 60)
    before, after = (spectra(x.ir, RATE, hz) for x in (sphere, mended))
    assert np.max(np.abs(20.0 * np.log10(np.abs(after / before)))) < 0.35


def test_the_default_listener_has_the_bass_of_a_head():
    """Hard right the left ear was the louder one by 2 dB, and the ITD twice a sphere's."""
    hrtf = default_hrtf(44100)
    assert_bass_of_a_head(hrtf.ir, hrtf.positions, 44100, head_radius_m(hrtf), hrtf.radius_m)


@pytest.mark.parametrize(("rank", "most_db"), [("auto", 0.3), ("full", 0.1)])
def test_the_default_listener_is_played_with_it(rank, most_db):
    """Few buses have -0.23 dB at 160 Hz in six directions straight below."""
    hrtf = default_hrtf(44100)
    found = played_responses(prepare(hrtf, 44100, rank=rank), hrtf.positions)
    level = np.abs(spectra(found, 44100))
    ild_db = 20.0 * np.log10(level[:, 0] / level[:, 1])
    assert np.all(ild_db * np.sign(np.round(hrtf.positions[:, 1:2], 6)) > -most_db)


@pytest.mark.slow
def test_choice_of_bass(sphere):
    """By itself where it is implausible and levels are matched; else as asked."""
    bad = without_bass(sphere)
    assert "rigid sphere" in prepare(bad, RATE, rank=4).report
    assert "rigid sphere" not in prepare(bad, RATE, rank=4, level="measured").report
    assert "rigid sphere" not in prepare(replace(bad, bass="measured"), RATE, rank=4).report
    assert "rigid sphere" in prepare(replace(sphere, bass="extend"), RATE, rank=4).report
    with pytest.raises(HrtfError, match="auto, extend, measured"):
        replace(sphere, bass="boost")
