"""What is odd about a set is found, and what is not odd is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pulse_head import full_sphere, itd_seconds, pulse_head

from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf import checks
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.metrics.interaural import ild_db, itd_correlation_seconds
from auricle.dsp.sphere import grids


def found(hrtf: HrtfSet) -> str:
    return "\n".join(checks.set_findings(hrtf.ir, hrtf.positions, hrtf.sample_rate, hrtf.name))


def test_nothing_is_odd_about_a_plain_head() -> None:
    assert found(pulse_head()) == ""
    assert found(pulse_head(sample_rate=44100)) == ""


def test_itd_has_its_sign_and_size() -> None:
    """Positive for a source on the right, where the left ear hears later."""
    head = pulse_head(unit_vectors([-90.0, 90.0, 0.0, -30.0]))
    got = itd_correlation_seconds(head.ir, head.sample_rate)
    # 1 us: the parabola between lags of 2.6 us, on a band-limited pulse.
    np.testing.assert_allclose(got, itd_seconds(head.positions), atol=1e-6)
    assert got[0] > 600e-6


def test_ild_has_its_sign_and_size() -> None:
    head = pulse_head(unit_vectors([90.0, -90.0]))
    np.testing.assert_allclose(ild_db(head.ir), [16.0, -16.0], atol=0.1)


@pytest.mark.parametrize("how", ["ears exchanged", "azimuths clockwise"])
def test_a_reversed_set_is_told_with_both_remedies(how: str) -> None:
    head = pulse_head()
    if how == "ears exchanged":
        head = replace(head, ir=head.ir[:, ::-1])
    else:
        head = replace(head, positions=head.positions * [1.0, -1.0, 1.0])
    assert "mirror_azimuth=True" in found(head)
    assert "swap_ears=True" in found(head)


def test_both_reversals_at_once_are_the_mirrored_listener_and_not_odd() -> None:
    assert found(pulse_head().mirrored()) == ""


def test_an_aligned_set_has_no_itd() -> None:
    head = pulse_head()
    one = head.ir[0, 0] / np.linalg.norm(head.ir[0, 0])
    gain = np.linalg.norm(head.ir, axis=-1, keepdims=True)
    assert "There is no ITD" in found(replace(head, ir=gain * one))


def test_pulses_without_a_head() -> None:
    head = pulse_head()
    same = found(replace(head, ir=np.broadcast_to(head.ir[0, 0], head.ir.shape)))
    assert "this is no head" in same
    assert "same response" in same


def test_shuffled_rows_do_not_follow_the_positions() -> None:
    head = pulse_head()
    order = np.random.default_rng(0).permutation(head.n_directions)
    assert "hardly follows the positions" in found(replace(head, ir=head.ir[order]))


@pytest.mark.parametrize(("label", "odd"), [(96000, True), (48000, False), (24000, True)])
def test_a_sample_rate_that_makes_another_head(label: int, odd: bool) -> None:
    head = replace(pulse_head(sample_rate=48000), sample_rate=label)
    assert ("true_sample_rate" in found(head)) == odd


def test_loud_silent_and_repeated_directions() -> None:
    head = pulse_head()
    ir = head.ir.copy()
    ir[30] *= 10.0
    assert "most of all number 30 (+2" in found(replace(head, ir=ir))
    ir = head.ir.copy()
    ir[3, 0] = 0.0
    assert f"1 of {2 * head.n_directions} responses are silent" in found(replace(head, ir=ir))
    rows = [*range(head.n_directions), 5, 7]
    assert "2 direction(s) are there more than once" in found(head.subset(rows))


def test_a_low_rate_and_a_room_are_told() -> None:
    low = pulse_head(sample_rate=16000)
    told = checks.set_findings(low.ir, low.positions, 16000)
    assert [each for each in told if "no sound above 8 kHz" in each]
    head = pulse_head(n_taps=4800)
    assert not checks.set_findings(head.ir, head.positions, 48000)
    echo = head.ir + 0.2 * np.roll(head.ir, 2000, axis=-1)  # 42 ms later, -14 dB
    told = checks.set_findings(echo, head.positions, 48000)
    assert [each for each in told if "last 0.10 s and hold a room" in each]


def test_a_circle_has_no_elevation_cues() -> None:
    assert "the horizontal plane" in found(pulse_head(unit_vectors(np.arange(0.0, 360.0, 10.0))))
    tilted = unit_vectors(np.arange(0.0, 360.0, 10.0)) @ np.array(
        [[1.0, 0.0, 0.0], [0.0, np.cos(0.3), np.sin(0.3)], [0.0, -np.sin(0.3), np.cos(0.3)]]
    )
    assert "one plane" in found(pulse_head(tilted))


def test_holes_are_where_nothing_is() -> None:
    positions = full_sphere(10.0)
    bowl = positions[positions[:, 2] > np.sin(np.deg2rad(-45.0))]
    assert "degrees of straight below" in found(pulse_head(bowl))
    hole = unit_vectors(120.0, 10.0)
    radius_deg, azimuth_deg, elevation_deg = grids.largest_hole(
        positions[positions @ hole < np.cos(np.deg2rad(30.0))]
    )
    assert radius_deg == pytest.approx(32.0, abs=5.0)  # the next ring begins within one spacing
    assert unit_vectors(azimuth_deg, elevation_deg) @ hole > np.cos(np.deg2rad(8.0))


def test_spacing_of_a_grid() -> None:
    spacing = grids.spacing_deg(unit_vectors(np.arange(0.0, 360.0, 5.0)))
    np.testing.assert_allclose(spacing, 5.0, atol=1e-4)  # positions are rounded to 1e-6


def test_reach_spans_rings_that_are_farther_apart_than_their_directions() -> None:
    azimuth, elevation = np.meshgrid(np.arange(0.0, 360.0, 5.0), np.arange(-40.0, 91.0, 10.0))
    reach_deg = grids.reach_deg(unit_vectors(azimuth.ravel(), elevation.ravel()))
    assert 5.0 < reach_deg < 10.0  # half a gap of 10, and not the hole below
    assert grids.reach_deg(unit_vectors(np.arange(0.0, 360.0, 2.0))) == 3.0


def test_two_directions_are_enough_to_check() -> None:
    odd = found(pulse_head(unit_vectors([0.0, 10.0])))
    assert "Too few directions" in odd
    assert "plane: there are no elevation cues" in odd


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("brir/UniS_Anechoic_BRIR_48k.sofa", "azimuths run clockwise"),
        ("brir/UniS_Room_A_BRIR_16k.sofa", "azimuths run clockwise"),
        ("brir/3DTI_BRIR_medium_44100Hz.sofa", "ILD hardly follows"),
        ("sofa_quirks/Pulse.sofa", "this is no head"),
        ("sofa_quirks/tester.sofa", "hardly follows the positions"),
        (
            "sofa_quirks/LISTEN_irc1002_mislabelled48k_swappedReceivers.sofa",
            "true_sample_rate=44100",
        ),
        ("ku100_nearfield/HRIR_CIRC360.sofa", "horizontal plane"),
        ("default_hrtf/MIT_KEMAR_normal_pinna.sofa", "straight below"),
    ],
)
def test_real_quirks_are_told(data_dir: Path, name: str, told: str) -> None:
    assert any(told in each for each in HrtfSet.load(data_dir / name).findings)


def test_a_mended_file_is_no_longer_odd(data_dir: Path) -> None:
    path = data_dir / "brir/UniS_Anechoic_BRIR_48k.sofa"
    mended = HrtfSet.load(path, mirror_azimuth=True)
    assert not any("clockwise" in each for each in mended.findings)
    path = data_dir / "sofa_quirks/LISTEN_irc1002_mislabelled48k_swappedReceivers.sofa"
    mended = HrtfSet.load(path, true_sample_rate=44100)
    assert not any("labelled wrongly" in each for each in mended.findings)
    # Honestly resampled, it is empty above the old Nyquist frequency.
    again = mended.resampled(48000)
    assert "labelled wrongly" not in found(again)


@pytest.mark.parametrize("name", ["hutubs", "sonicom", "cipic", "sadie1"])
def test_no_false_alarm_on_people(data_dir: Path, name: str) -> None:
    """Ears, rate and levels of 12 listeners of each laboratory; only grids may have holes."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(data_dir / "hrtf" / f"{name}.h5") as packed:
        azimuth, elevation, _ = packed["source_position"][...].astype(float).T
        rate = int(packed.attrs["sampling_rate"])
        for row in np.linspace(0, len(packed["ids"]) - 1, 12).astype(int):
            ir = packed["ir_i16"][row] * float(packed["scale"][row])
            odd = checks.set_findings(ir, unit_vectors(azimuth, elevation), rate, name)
            assert [each for each in odd if "Nothing was measured" not in each] == []
