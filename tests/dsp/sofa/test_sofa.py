"""SOFA files: a round trip, every way of writing the same set, and every way of being broken."""

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sofar
from hypothesis import given
from hypothesis import strategies as st
from pulse_head import pulse_head
from scipy.signal import freqz

from auricle.dsp.errors import AuricleError, HrtfError, SofaError
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.responses.time_axis import from_spectra
from auricle.dsp.sofa.file import SofaContent, write_sofa

# Rounding to degrees and back: some 1e-16 on vectors of length 1.
ROUNDING = 1e-14


def write(path: Path, convention: str = "SimpleFreeFieldHRIR", **fields: Any) -> Path:
    """A SOFA file with the pulse head in it, as other programs write it, and other fields."""
    head = pulse_head()
    sofa = sofar.Sofa(convention)
    sofa.protected = False
    if "FIR" in convention or "HRIR" in convention:
        sofa.Data_IR = head.ir
        sofa.Data_SamplingRate = 48000.0
    degrees = [head.azimuth_deg % 360.0, head.elevation_deg, np.full(head.n_directions, 1.5)]
    sofa.SourcePosition = np.stack(degrees, axis=1)
    sofa.ReceiverPosition = np.array([[0.0, 0.09, 0.0], [0.0, -0.09, 0.0]])
    for name, value in fields.items():
        setattr(sofa, name, value)
    sofar.io._write_sofa(str(path), sofa, verify=True)
    return path


def edit(path: Path, **variables: Any) -> Path:
    """Change variables of a file in ways that sofar would not write."""
    import netCDF4

    with netCDF4.Dataset(path, "a") as file:
        for name, value in variables.items():
            variable = file[name.replace("Data_", "Data.")]
            if isinstance(value, dict):
                variable.setncatts(value)
            else:
                variable[:] = value
    return path


def same_directions_and_responses(got: HrtfSet, expected: HrtfSet) -> None:
    np.testing.assert_allclose(got.positions, expected.positions, atol=ROUNDING)
    np.testing.assert_array_equal(got.ir, expected.ir)
    assert got.sample_rate == expected.sample_rate


# --- round trip ------------------------------------------------------------------------------


def test_a_saved_set_comes_back(tmp_path: Path) -> None:
    head = pulse_head(name="subject 7", license="CC0", references="Nobody 2020")
    head.save(tmp_path / "set.sofa")
    again = HrtfSet.load(tmp_path / "set.sofa")
    same_directions_and_responses(again, head)
    assert (again.name, again.license, again.references) == ("subject 7", "CC0", "Nobody 2020")
    assert again.radius_m == head.radius_m
    assert again.findings == ()


def test_a_saved_file_keeps_to_its_conventions(tmp_path: Path) -> None:
    pulse_head().save(tmp_path / "set.sofa")
    sofar.read_sofa(str(tmp_path / "set.sofa"), verify=True, verbose=False)


def test_what_was_predicted_is_marked_and_stays_valid(tmp_path: Path) -> None:
    n = pulse_head().n_directions
    marks = np.arange(n) >= 3
    plain = pulse_head()
    plain.save(tmp_path / "plain.sofa")
    assert HrtfSet.load(tmp_path / "plain.sofa").predicted is None
    path = tmp_path / "marked.sofa"
    replace(pulse_head(), predicted=marks).save(path)
    back = HrtfSet.load(path)
    assert (back.n_measured, back.n_directions) == (3, n)
    assert back.predicted is not None
    np.testing.assert_array_equal(back.predicted, marks)
    assert back.subset([0, 4]).n_measured == 1
    foreign = sofar.read_sofa(str(path), verify=True, verbose=False)
    foreign.verify(issue_handling="raise")
    np.testing.assert_array_equal(np.ravel(foreign.MeasurementPredicted), marks)
    again = tmp_path / "foreign.sofa"
    sofar.write_sofa(str(again), foreign)
    assert HrtfSet.load(again).n_measured == 3
    foreign.MeasurementPredicted = np.full(n, 7.0)
    sofar.write_sofa(str(again), foreign)
    odd = HrtfSet.load(again)
    assert odd.predicted is None
    assert any("MeasurementPredicted was not read" in each for each in odd.findings)


def test_marks_of_another_number_are_refused() -> None:
    with pytest.raises(HrtfError, match="predicted must be"):
        replace(pulse_head(), predicted=np.ones(3, dtype=bool))


def test_single_broken_responses_are_left_out_and_said(tmp_path: Path) -> None:
    head = pulse_head()
    ir = head.ir.copy()
    ir[1, 0, 3] = np.nan
    marks = np.arange(len(ir)) >= 3
    content = SofaContent(ir, head.positions, 1.0, 48000, "x", "", "", (), predicted=marks)
    path = tmp_path / "broken.sofa"
    write_sofa(path, content)
    back = HrtfSet.load(path)
    assert (back.n_directions, back.n_measured) == (len(ir) - 1, 2)
    assert any("left out, the first is number 1" in each for each in back.findings)


def test_saving_leaves_nothing_else_and_replaces(tmp_path: Path) -> None:
    for _ in range(2):
        pulse_head().save(tmp_path / "set.sofa")
    assert [each.name for each in tmp_path.iterdir()] == ["set.sofa"]


def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: Any) -> None:
    pulse_head().save(tmp_path / "set.sofa")
    before = (tmp_path / "set.sofa").read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sofar, "write_sofa", full)
    with pytest.raises(SofaError, match=r"set.sofa: cannot be written: No space left"):
        pulse_head().save(tmp_path / "set.sofa")
    assert (tmp_path / "set.sofa").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["set.sofa"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("set.wav", "must end in .sofa"), ("none/set.sofa", "there is no folder .*none")],
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(SofaError, match=message):
        pulse_head().save(tmp_path / name)


# --- the same set, written in other ways -----------------------------------------------------


def test_cartesian_positions(tmp_path: Path) -> None:
    fields = {
        "SourcePosition": 1.5 * pulse_head().positions,
        "SourcePosition_Type": "cartesian",
        "SourcePosition_Units": "metre",
    }
    hrtf = HrtfSet.load(write(tmp_path / "a.sofa", **fields))
    same_directions_and_responses(hrtf, pulse_head())
    assert hrtf.radius_m == pytest.approx(1.5)


def test_radians_and_centimetres(tmp_path: Path) -> None:
    head = pulse_head()
    positions = np.stack(
        [np.deg2rad(head.azimuth_deg), np.deg2rad(head.elevation_deg), np.full(len(head.ir), 150.0)]
    ).T
    path = edit(
        write(tmp_path / "a.sofa"),
        SourcePosition={"Units": "radian, radian, centimetre"},
    )
    edit(path, SourcePosition=positions)
    hrtf = HrtfSet.load(path)
    same_directions_and_responses(hrtf, head)
    assert hrtf.radius_m == pytest.approx(1.5)


def test_a_grid_of_radians_that_claims_degrees_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sofa")
    head = pulse_head()
    radians = np.deg2rad(np.stack([head.azimuth_deg, head.elevation_deg], axis=1))
    edit(path, SourcePosition=np.concatenate([radians, np.ones((len(radians), 1))], axis=1))
    assert any("radians labelled as degrees" in each for each in HrtfSet.load(path).findings)


@pytest.mark.parametrize("shape", ["one row", "a row each"])
def test_whole_delays_are_applied_exactly(tmp_path: Path, shape: str) -> None:
    head = pulse_head()
    delay = np.array([[3.0, 11.0]])
    if shape == "a row each":
        delay = np.random.default_rng(3).integers(0, 20, (head.n_directions, 2)).astype(float)
    hrtf = HrtfSet.load(write(tmp_path / "a.sofa", Data_Delay=delay))
    delay = np.broadcast_to(delay, (head.n_directions, 2)).astype(int)
    for m, e in np.ndindex(head.n_directions, 2):
        row = hrtf.ir[m, e]
        np.testing.assert_array_equal(row[delay[m, e] : delay[m, e] + 256], head.ir[m, e])
        assert not np.any(row[: delay[m, e]])
    assert any("Data.Delay" in each for each in hrtf.findings)


def test_fractional_delays_are_applied(tmp_path: Path) -> None:
    hrtf = HrtfSet.load(write(tmp_path / "a.sofa", Data_Delay=np.array([[0.0, 2.75]])))
    omega = np.linspace(0.05, 0.7 * np.pi, 40)
    before, after = (freqz(ir[5, 1], worN=omega)[1] for ir in (pulse_head().ir, hrtf.ir))
    # -60 dB: the pulse is no longer than its window, only the sinc's ends are cut.
    error = np.abs(after - before * np.exp(-2.75j * omega)) / np.max(np.abs(before))
    assert np.max(error) < 1e-3


def test_negative_delays_move_everything(tmp_path: Path) -> None:
    hrtf = HrtfSet.load(write(tmp_path / "a.sofa", Data_Delay=np.array([[-4.0, 0.0]])))
    np.testing.assert_array_equal(hrtf.ir[:, 0, :256], pulse_head().ir[:, 0])
    np.testing.assert_array_equal(hrtf.ir[:, 1, 4:260], pulse_head().ir[:, 1])
    assert any("negative" in each for each in hrtf.findings)


def test_a_turned_listener_hears_the_directions_turned(tmp_path: Path) -> None:
    """The head looks to the left (+y): what is in front of the room is at its right."""
    head = pulse_head()
    turned = head.positions @ np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    fields = {
        "SourcePosition": 1.5 * turned + [0.2, 0.0, 0.0],
        "SourcePosition_Type": "cartesian",
        "SourcePosition_Units": "metre",
        "ListenerPosition": np.array([[0.2, 0.0, 0.0]]),
        "ListenerView": np.array([[0.0, 1.0, 0.0]]),
    }
    hrtf = HrtfSet.load(write(tmp_path / "a.sofa", **fields))
    np.testing.assert_allclose(hrtf.positions, head.positions, atol=1e-12)
    assert len([each for each in hrtf.findings if "listener" in each.lower()]) == 2


def test_a_head_turned_between_measurements(tmp_path: Path) -> None:
    """One loudspeaker in front and a head that turns left: the sound goes to its right."""
    yaw = np.array([0.0, 30.0, 60.0, 90.0])
    head = pulse_head(unit_vectors(-yaw))
    sofa = sofar.Sofa("SimpleFreeFieldHRIR")
    sofa.protected = False
    sofa.Data_IR, sofa.Data_SamplingRate = head.ir, 48000.0
    sofa.SourcePosition = np.tile([0.0, 0.0, 2.0], (4, 1))
    sofa.ListenerView = unit_vectors(yaw)
    sofar.io._write_sofa(str(tmp_path / "a.sofa"), sofa, verify=True)
    hrtf = HrtfSet.load(tmp_path / "a.sofa")
    np.testing.assert_allclose(hrtf.azimuth_deg, -yaw, atol=1e-9)


def test_the_nearest_shell_of_several_distances(tmp_path: Path) -> None:
    head = pulse_head()
    sofa = sofar.Sofa("SimpleFreeFieldHRIR")
    sofa.Data_IR = np.concatenate([head.ir, 2.0 * head.ir])
    sofa.Data_SamplingRate = 48000.0
    degrees = np.stack([head.azimuth_deg % 360.0, head.elevation_deg, np.ones(len(head.ir))], 1)
    sofa.SourcePosition = np.concatenate([degrees * [1, 1, 1.0], degrees * [1, 1, 0.25]])
    sofar.write_sofa(str(tmp_path / "a.sofa"), sofa)
    far = HrtfSet.load(tmp_path / "a.sofa")
    near = HrtfSet.load(tmp_path / "a.sofa", distance_m=0.3)
    assert (far.radius_m, near.radius_m) == (1.0, 0.25)
    np.testing.assert_array_equal(near.ir, 2.0 * far.ir)
    assert any("several distances (0.25, 1.00 m)" in each for each in far.findings)


@pytest.mark.parametrize("n_missing", [0, 1])
def test_frequency_responses(tmp_path: Path, n_missing: int) -> None:
    """SimpleFreeFieldHRTF with and without the value at 0 Hz, which simulations leave out."""
    head = pulse_head()
    spectra = np.fft.rfft(head.ir)[..., n_missing:]
    path = write(
        tmp_path / "a.sofa",
        "SimpleFreeFieldHRTF",
        Data_Real=spectra.real,
        Data_Imag=spectra.imag,
        N=np.fft.rfftfreq(256, 1 / 48000)[n_missing:],
    )
    hrtf = HrtfSet.load(path)
    assert (hrtf.sample_rate, hrtf.n_taps) == (48000, 256)
    # A pulse has the same level at 0 Hz as at the first bin, to 1e-3.
    error = np.max(np.abs(hrtf.ir - head.ir)) / np.max(np.abs(head.ir))
    assert error < (1e-4 if n_missing else 1e-14)
    assert any("extrapolated" in each for each in hrtf.findings) == bool(n_missing)


def test_frequency_responses_with_sound_before_time_0() -> None:
    head = pulse_head()
    early = np.roll(head.ir, -48, axis=-1)
    ir, rate, findings = from_spectra(np.fft.rfft(early), np.fft.rfftfreq(256, 1 / 48000))
    assert rate == 48000
    assert "before time 0" in findings[0]
    shift = int(np.argmax(np.abs(ir[0, 0]))) - int(np.argmax(np.abs(head.ir[0, 0])))
    np.testing.assert_allclose(np.roll(head.ir, shift, axis=-1), ir, atol=1e-12)
    assert np.sum(ir[..., -32:] ** 2) < 1e-6 * np.sum(ir**2)


@given(st.sampled_from([255, 256, 441, 512]), st.sampled_from([44100, 48000, 96000]))
def test_odd_and_even_lengths_of_frequency_responses(n_taps: int, rate: int) -> None:
    ir = np.zeros((2, 2, n_taps))
    ir[..., 40:44] = 1.0
    again, found, _ = from_spectra(np.fft.rfft(ir), np.fft.rfftfreq(n_taps, 1 / rate))
    assert found == rate
    np.testing.assert_allclose(again, ir, atol=1e-12)


@pytest.mark.parametrize(
    ("frequencies", "message"),
    [
        (np.geomspace(20.0, 20000.0, 129), "not evenly spaced"),
        (np.linspace(10000.0, 24000.0, 129), "begin at 10000 Hz"),
        (np.full(129, np.nan), "not evenly spaced"),
        (np.zeros(129), "not evenly spaced"),
    ],
)
def test_frequencies_without_an_impulse_response_are_refused(
    tmp_path: Path, frequencies: np.ndarray, message: str
) -> None:
    spectra = np.fft.rfft(pulse_head().ir)
    path = write(
        tmp_path / "a.sofa",
        "SimpleFreeFieldHRTF",
        Data_Real=spectra.real,
        Data_Imag=spectra.imag,
        N=frequencies,
    )
    with pytest.raises(SofaError, match=message):
        HrtfSet.load(path)


def test_options_correct_what_a_file_says(tmp_path: Path) -> None:
    path, head = write(tmp_path / "a.sofa"), pulse_head()
    np.testing.assert_array_equal(HrtfSet.load(path, swap_ears=True).ir, head.ir[:, ::-1])
    mirrored = HrtfSet.load(path, mirror_azimuth=True).positions
    np.testing.assert_allclose(mirrored, head.positions * [1.0, -1.0, 1.0], atol=ROUNDING)
    relabelled = HrtfSet.load(path, true_sample_rate=44100)
    assert relabelled.sample_rate == 44100
    np.testing.assert_array_equal(relabelled.ir, head.ir)


def test_the_suffix_does_not_matter(tmp_path: Path) -> None:
    """sofar alone would open the neighbour that ends in .sofa."""
    write(tmp_path / "a.sofa", Data_SamplingRate=96000.0)
    shutil.copy(write(tmp_path / "b.sofa"), tmp_path / "a.SOFA")
    assert HrtfSet.load(tmp_path / "a.SOFA").sample_rate == 48000


# --- broken files ----------------------------------------------------------------------------


def refused(path: Path, message: str) -> None:
    with pytest.raises(SofaError, match=message) as caught:
        HrtfSet.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


M = pulse_head().n_directions


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Data_IR": np.full((M, 2, 8), np.nan)}, "NaN or infinite"),
        ({"Data_IR": np.zeros((M, 2, 8))}, "all impulse responses are zero"),
        ({"Data_SamplingRate": 0.0}, "sample rate of 0"),
        ({"Data_SamplingRate": float("nan")}, "sample rate"),
        ({"Data_Delay": np.full((1, 2), np.inf)}, "Data.Delay holds NaN"),
        ({"Data_Delay": np.full((1, 2), 1e9)}, "Data.Delay goes up to 1e.09 samples"),
        ({"SourcePosition": np.tile([0.0, 95.0, 1.0], (M, 1))}, "elevations of"),
        ({"SourcePosition": np.tile([np.nan, 0.0, 1.0], (M, 1))}, "NaN or infinite"),
        ({"SourcePosition": np.tile([0.0, 0.0, -1.0], (M, 1))}, "negative distances"),
        ({"SourcePosition": np.tile([30.0, 0.0, 1.0], (M, 1))}, "only one direction"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_content_that_makes_no_set_is_refused(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    refused(write(tmp_path / "a.sofa", **fields), message)


def test_a_source_in_the_head_is_refused(tmp_path: Path) -> None:
    fields = {"SourcePosition": np.zeros((M, 3)), "SourcePosition_Type": "cartesian"}
    path = write(tmp_path / "a.sofa", **fields, SourcePosition_Units="metre")
    refused(path, "centre of the head")


@pytest.mark.parametrize("n_receivers", [1, 4])
def test_other_numbers_of_ears_are_refused(tmp_path: Path, n_receivers: int) -> None:
    path = write(
        tmp_path / "a.sofa",
        "GeneralFIR",
        Data_IR=np.ones((M, n_receivers, 8)),
        Data_Delay=np.zeros((1, n_receivers)),
        ReceiverPosition=np.zeros((n_receivers, 3)),
    )
    refused(path, f"{n_receivers} receiver")


def test_a_general_fir_with_two_ears_loads(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sofa", "GeneralFIR", Data_Delay=np.zeros((1, 2)))
    same_directions_and_responses(HrtfSet.load(path), pulse_head())


def test_files_that_are_no_files_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.sofa", "no such file")
    refused(tmp_path, "is a folder")
    (tmp_path / "empty.sofa").touch()
    refused(tmp_path / "empty.sofa", "is empty")
    (tmp_path / "text.sofa").write_text("RIFF, not HDF5")
    refused(tmp_path / "text.sofa", "not a SOFA file")


@pytest.mark.parametrize("kept", [9, 100, 3000, 0.5, 0.99])
def test_files_that_are_cut_short_are_refused(tmp_path: Path, kept: float) -> None:
    content = write(tmp_path / "whole.sofa").read_bytes()
    cut = tmp_path / "cut.sofa"
    cut.write_bytes(content[: int(kept * len(content)) if kept < 1 else int(kept)])
    refused(cut, "damaged or cut short")


@pytest.mark.parametrize("seed", range(8))
def test_files_with_wrong_bytes_load_or_are_refused(tmp_path: Path, seed: int) -> None:
    """Never another error: flipped bytes reach sofar, netCDF and our own reading."""
    rng = np.random.default_rng(seed)
    path = write(tmp_path / "a.sofa")
    content = bytearray(path.read_bytes())
    for place in rng.integers(8, len(content), 200):
        content[place] ^= int(rng.integers(1, 256))
    path.write_bytes(bytes(content))
    with contextlib.suppress(AuricleError):
        HrtfSet.load(path)


def test_netcdf_without_conventions_is_refused(tmp_path: Path) -> None:
    import netCDF4

    with netCDF4.Dataset(tmp_path / "other.sofa", "w") as file:
        file.createDimension("x", 3)
        file.createVariable("temperature", "f8", ("x",))[:] = 20.0
    refused(tmp_path / "other.sofa", "no conventions")


# --- real files ------------------------------------------------------------------------------

LOADED = [
    ("default_hrtf/MIT_KEMAR_normal_pinna.sofa", (710, 2, 512), 44100, 1.4),
    ("hrtf/hutubs_pp10_original.sofa", (440, 2, 256), 44100, 1.47),
    ("ku100_nearfield/HRIR_L2702.sofa", (2702, 2, 128), 48000, 3.25),
    ("ku100_nearfield/HRIR_CIRC360_NF025.sofa", (360, 2, 128), 48000, 0.25),
    ("mesh/P039_HRIR_SONICOM_grid_48000.sofa", (793, 2, 320), 48000, 1.5),
    ("brir/UniS_Anechoic_BRIR_48k.sofa", (37, 2, 591), 48000, 1.5),
    ("brir/UniS_Room_A_BRIR_16k.sofa", (37, 2, 6259), 16000, 1.5),
    ("brir/3DTI_BRIR_small_44100Hz.sofa", (4, 2, 26138), 44100, 1.0),
    ("sofa_quirks/CIPIC_003_itdInDelayField.sofa", (1250, 2, 226), 44100, 1.0),
    ("sofa_quirks/LISTEN_irc1002_mislabelled48k_swappedReceivers.sofa", (187, 2, 512), 48000, 1.95),
    ("sofa_quirks/Pulse.sofa", (1250, 2, 256), 48000, 1.0),
    ("sofa_quirks/tester.sofa", (1250, 2, 256), 48000, 1.0),
]


@pytest.mark.parametrize(("name", "shape", "rate", "radius_m"), LOADED)
def test_real_files_load(
    data_dir: Path, name: str, shape: tuple[int, ...], rate: int, radius_m: float
) -> None:
    hrtf = HrtfSet.load(data_dir / name)
    assert (hrtf.ir.shape, hrtf.sample_rate) == (shape, rate)
    assert hrtf.radius_m == pytest.approx(radius_m, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fail-issue-130.sofa", "damaged or cut short"),
        ("fail-issue-96.sofa", "damaged or cut short"),
        ("testfile.sofa", "2 emitters at once"),
    ],
)
def test_real_files_that_hold_no_set_are_refused(data_dir: Path, name: str, message: str) -> None:
    refused(data_dir / "sofa_quirks" / name, message)


def test_cipics_delays_agree_with_its_responses(data_dir: Path) -> None:
    """The same subject from two files: arrival times in the responses, and in Data.Delay."""
    h5py = pytest.importorskip("h5py")
    from auricle.dsp.metrics.interaural import itd_correlation_seconds

    hrtf = HrtfSet.load(data_dir / "sofa_quirks/CIPIC_003_itdInDelayField.sofa")
    with h5py.File(data_dir / "hrtf/cipic.h5") as packed:
        ir = packed["ir_i16"][0].astype(float)
    off = hrtf.positions[:, 1] ** 2 < 0.9  # at the sides an estimate may pick another peak
    difference = itd_correlation_seconds(hrtf.ir, 44100) - itd_correlation_seconds(ir, 44100)
    # The delays are whole samples of 23 us, one an ear.
    assert np.quantile(np.abs(difference[off]), 0.99) < 46e-6


def test_real_files_come_back_from_a_save(data_dir: Path, tmp_path: Path) -> None:
    hrtf = HrtfSet.load(data_dir / "default_hrtf/MIT_KEMAR_normal_pinna.sofa")
    hrtf.save(tmp_path / "again.sofa")
    same_directions_and_responses(HrtfSet.load(tmp_path / "again.sofa"), hrtf)
