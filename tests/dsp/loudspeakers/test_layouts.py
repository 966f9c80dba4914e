import numpy as np
import pytest
import synthetic_set
from numpy.testing import assert_allclose

from auricle.dsp.errors import AuricleError
from auricle.dsp.filters import biquad
from auricle.dsp.geometry import azimuth_elevation_deg
from auricle.dsp.hrtf.diffuse_field import diffuse_field_rms
from auricle.dsp.loudspeakers import bed
from auricle.dsp.loudspeakers.layouts import LAYOUTS, layout, layout_for_channels
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.sphere.mesh import triangulate

RATE = 48000


@pytest.mark.parametrize(
    ("name", "channels", "lfe"),
    [
        ("mono", 1, 0), ("stereo", 2, 0), ("quad", 4, 0), ("5.1", 6, 1), ("5.1.2", 8, 1),
        ("5.1.4", 10, 1), ("7.1", 8, 1), ("7.1.2", 10, 1), ("7.1.4", 12, 1), ("9.1.6", 16, 1),
        ("22.2", 24, 2), ("7.2.3", 12, 2), ("octagon", 8, 0), ("cube", 8, 0), ("9.1.4", 14, 1),
        ("lfe", 1, 1), ("2.1", 3, 1), ("3.0", 3, 0), ("lcrs", 4, 0), ("5.0", 5, 0), ("6.1", 7, 1),
        ("7.0", 7, 0), ("5.0.2", 7, 0), ("7.0.2", 9, 0), ("5.0.4", 9, 0), ("7.0.4", 11, 0),
        ("7.1.6", 14, 1), ("9.1", 10, 1), ("10.1", 11, 1), ("11.1", 12, 1), ("13.1", 14, 1),
        ("Auro 13.1", 14, 1),
    ],
)  # fmt: skip
def test_layouts_have_the_channels_in_their_names(name, channels, lfe):
    found = layout(name)
    assert (found.n_channels, len(found.lfe_channels)) == (channels, lfe)
    assert len(set(found.labels)) == channels
    assert found.positions_m.shape == (channels - lfe, 3)


@pytest.mark.parametrize("found", LAYOUTS.values(), ids=LAYOUTS)
def test_positions_are_where_the_labels_say_and_the_sides_match(found):
    azimuth, elevation = azimuth_elevation_deg(found.positions_m)
    for row, channel in enumerate(found.source_channels):
        each = found.loudspeakers[channel]
        assert elevation[row] == pytest.approx(each.elevation_deg)
        if abs(each.elevation_deg) < 90.0:
            assert abs(azimuth[row] - each.azimuth_deg) % 360.0 == pytest.approx(0.0, abs=1e-9)
    # The layout in the mirror has the same loudspeakers.
    mirrored = found.positions_m * [1.0, -1.0, 1.0]
    distance = np.linalg.norm(mirrored[:, None] - found.positions_m[None], axis=-1)
    assert distance.min(axis=1, initial=np.inf).max(initial=0.0) < 1e-12


def test_systems_of_bs_2051_are_found_by_their_names():
    assert layout("0+5+0") is layout("5.1")
    assert layout("4+7+0").name == "7.1.4"
    systems = {each.system for each in LAYOUTS.values() if each.system}
    assert len(systems) == 10  # A to J
    for each in LAYOUTS.values():
        if each.system:
            upper, middle, bottom = (int(n) for n in each.system.split("+"))
            heights = np.array([s.elevation_deg for s in each.loudspeakers if not s.is_lfe])
            assert (upper, middle, bottom) == (
                np.sum(heights > 0), np.sum(heights == 0), np.sum(heights < 0),
            )  # fmt: skip


def test_orders_of_channels():
    assert " ".join(layout("5.1").labels) == "M+030 M-030 M+000 LFE1 M+110 M-110"
    assert " ".join(layout("5.1", "film").labels) == "M+030 M+000 M-030 M+110 M-110 LFE1"
    assert " ".join(layout("7.1", "wav").labels[4:]) == "M+135 M-135 M+090 M-090"
    assert layout("7.1", "film").labels[-1] == "LFE1"
    assert layout("7.1.2", "film").labels[-3:] == ("LFE1", "U+090", "U-090")
    for name, order in (("7.1.4", "wav"), ("7.1.4", "film"), ("5.1", "wav"), ("22.2", "film")):
        assert sorted(layout(name, order).labels) == sorted(layout(name).labels)
    assert layout("octagon", "film") == layout("octagon")
    assert " ".join(layout("9.1.6", "wav").labels[-4:]) == "U+090 U-090 M+060 M-060"
    assert " ".join(layout("7.0.2", "wav").labels[3:]) == "M+135 M-135 M+090 M-090 U+090 U-090"
    with pytest.raises(AuricleError, match=r"channel mask, which has no B\+045"):
        layout("cube", "wav")
    with pytest.raises(AuricleError, match="channel order"):
        layout("5.1", "dolby")


def test_channel_counts_name_the_usual_bed():
    assert layout_for_channels(12).name == "7.1.4"
    with pytest.raises(AuricleError, match="7 channels"):
        layout_for_channels(7)
    with pytest.raises(AuricleError, match=r"5\.2.*7\.1\.4"):
        layout("5.2")


def sine(hz, n=RATE):
    return np.sin(2.0 * np.pi * hz * np.arange(n) / RATE).astype(np.float32)


def lfe_gain_db(hz, **fields):
    block = np.zeros((6, RATE), dtype=np.float32)
    block[3] = sine(hz)
    ears = bed.Bed(layout("5.1"), RATE, **fields).lfe(block)[RATE // 2 :]
    return 20.0 * np.log10(np.sqrt(2.0) * np.sqrt(np.mean(ears**2.0)))


def test_lfe_is_ten_decibels_up_and_low_passed():
    assert lfe_gain_db(30.0) == pytest.approx(10.0, abs=0.01)
    assert lfe_gain_db(120.0) == pytest.approx(10.0 - 3.01, abs=0.05)
    assert lfe_gain_db(480.0) == pytest.approx(10.0 - 48.2, abs=0.3)  # 24 dB an octave
    assert lfe_gain_db(30.0, bass_gain=0.5) == pytest.approx(10.0 - 6.02, abs=0.01)


def test_lfe_equals_scipys_butterworth_in_calls_of_any_size():
    from scipy.signal import butter, sosfilt

    x = np.random.default_rng(0).standard_normal((6, 5000)).astype(np.float32)
    wanted = 10.0**0.5 * sosfilt(butter(4, 120.0, fs=RATE, output="sos"), x[3])
    player, parts, at = bed.Bed(layout("5.1"), RATE), [], 0
    for n in (0, 1, 700, 128, 3000, 1171):
        parts.append(player.lfe(x[:, at : at + n]))
        at += n
    assert synthetic_set.level_db(np.concatenate(parts) - wanted, wanted) < -120.0
    player.reset()
    assert_allclose(player.lfe(x[:, :64]), wanted[:64], atol=1e-6)


def test_kernel_as_plain_python_equals_the_compiled_one():
    x = np.random.default_rng(1).standard_normal((3, 200)).astype(np.float32)
    x[2, 50] = np.inf
    sections = biquad.butterworth_sections(120.0, RATE)
    found = []
    for kernel in (bed.low_pass, bed.low_pass.py_func):
        state, out, bad = np.zeros((2, 2)), np.zeros(200, np.float32), np.zeros(1, np.int64)
        kernel(x, np.array([0, 2]), 2.0, sections, state, out, bad)
        assert bad[0] == 1
        found.append(out)
    assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-9)


def test_bed_keeps_directions_and_lfe_apart():
    block = np.arange(24.0)[:, None] * np.ones((1, 5))
    player = bed.Bed(layout("22.2"), RATE)
    assert list(player.sources(block)[:, 0]) == [i for i in range(24) if i not in (3, 9)]
    dropped = bed.Bed(layout("22.2"), RATE, lfe="drop")
    assert not dropped.lfe(block).any()
    block[3, 2] = np.nan
    assert np.all(np.isfinite(player.lfe(block)))
    assert player.nonfinite_samples == 1


def test_a_left_channel_is_heard_on_the_left():
    player = bed.Bed(layout("7.1.4"), RATE)
    renderer = BinauralRenderer(
        prepare(synthetic_set.make_set(), RATE, rank=16), RATE, n_sources=player.n_sources
    )
    renderer.set_positions(player.positions_m)
    block = np.zeros((12, 4096), dtype=np.float32)
    block[4] = np.random.default_rng(0).standard_normal(4096)  # M+090
    ears = renderer.process(player.sources(block)) + player.lfe(block)
    assert np.sum(ears[0] ** 2) > 2.0 * np.sum(ears[1] ** 2)


def test_bass_gain_is_that_of_the_rendered_set():
    heads = synthetic_set.make_set()
    measured = bed.bass_gain(heads, RATE, "measured")
    spectra = np.abs(np.fft.rfft(heads.ir, 4800)[..., 4:21])  # 40 to 200 Hz
    assert measured == pytest.approx(np.sqrt(np.mean(spectra**2)), rel=0.01)
    rms = diffuse_field_rms(heads.ir, triangulate(heads.positions), RATE)
    assert bed.bass_gain(heads, RATE) == pytest.approx(measured / rms)


def test_wrong_input_is_named():
    with pytest.raises(AuricleError, match=r"\(6, samples\)"):
        bed.Bed(layout("5.1")).sources(np.zeros((8, 100)))
    with pytest.raises(AuricleError, match="mute"):
        bed.Bed(layout("5.1"), lfe="mute")
    with pytest.raises(AuricleError, match="bass_gain"):
        bed.Bed(layout("5.1"), bass_gain=float("nan"))
    with pytest.raises(AuricleError, match="200 Hz"):
        biquad.butterworth_sections(120.0, 200)
