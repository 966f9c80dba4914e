"""SOFA files as they are met: each a situation of a user, and what must come out of it."""

import resource
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulse_head import full_sphere, itd_seconds, pulse_head
from sofa_files import (
    CARTESIAN,
    EARS,
    ball_spectra,
    coarse_sphere,
    places,
    write_sofa_file,
)

from auricle.dsp.errors import SofaError
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.dsp.responses.time_axis import from_spectra

POSITIONS = coarse_sphere()


def write_head(path: Path, head: HrtfSet | None = None, **more: object) -> Path:
    head = pulse_head(POSITIONS) if head is None else head
    variables = {
        "Data.IR": ("MRN", head.ir, {}),
        "Data.Delay": ("IR", np.zeros((1, 2)), {}),
        "SourcePosition": places(head.positions),
        **more.pop("variables", {}),  # type: ignore[dict-item]
    }
    return write_sofa_file(path, variables, **more)  # type: ignore[arg-type]


# --- spectra ---------------------------------------------------------------------------------


@given(
    st.sampled_from([60.0, 90.0, 125.0, 200.0, 240.0]), st.floats(15000.0, 25000.0), st.booleans()
)
@settings(max_examples=40, deadline=None)
def test_spectra_about_the_centre_keep_the_ears_together(
    step: float, top: float, from_zero: bool
) -> None:
    """Sound reaches the near ear before time 0, the far one after: one delay for all of it."""
    f = np.arange(0.0 if from_zero else step, top, step)
    ir, rate, findings = from_spectra(ball_spectra(POSITIONS, f), f)
    peaks = np.argmax(np.abs(ir), axis=-1) / rate
    lateral = np.abs(POSITIONS[:, 1]) > 0.4
    error = (peaks[:, 0] - peaks[:, 1] - itd_seconds(POSITIONS))[lateral]
    assert np.max(np.abs(error)) < 0.15e-3  # whole samples, and the shelf moves the peak
    assert np.ptp(peaks) < 1.2e-3
    assert any("before time 0" in each for each in findings)


def write_spectra(path: Path, sign: float) -> Path:
    f = np.arange(100.0, 22001.0, 100.0)
    data = ball_spectra(POSITIONS, f)
    variables = {
        "Data.Real": ("MRN", data.real, {}),
        "Data.Imag": ("MRN", sign * data.imag, {}),
        "N": ("N", f, {"Units": "hertz"}),
        "SourcePosition": places(POSITIONS),
    }
    return write_sofa_file(path, variables, conventions="SimpleFreeFieldHRTF", kind="TF")


def test_spectra_of_the_other_sign_of_time_are_named_and_turned_round(tmp_path: Path) -> None:
    right = HrtfSet.load(write_spectra(tmp_path / "right.sofa", 1.0))
    path = write_spectra(tmp_path / "other.sofa", -1.0)
    assert any("conjugate=True" in each for each in HrtfSet.load(path).findings)
    turned = HrtfSet.load(path, conjugate=True)
    np.testing.assert_array_equal(turned.ir, right.ir)
    assert not any("conjugate" in each for each in turned.findings + right.findings)


def test_responses_are_not_conjugated(tmp_path: Path) -> None:
    with pytest.raises(SofaError, match="conjugate .* this file holds responses"):
        HrtfSet.load(write_head(tmp_path / "a.sofa"), conjugate=True)


# --- several distances -----------------------------------------------------------------------


def load_shells(path: Path, shells: list[tuple[np.ndarray, float]], **options: float) -> HrtfSet:
    positions = np.concatenate([each for each, _ in shells])
    metres = np.concatenate([np.full(len(each), metres) for each, metres in shells])
    head = pulse_head(positions)
    return HrtfSet.load(
        write_head(path, head, variables={"SourcePosition": places(positions, metres)}), **options
    )


def turned(positions: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return positions @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    "near",
    [
        unit_vectors(np.arange(0.0, 360.0, 24.0)),
        unit_vectors(np.arange(-90.0, 91.0, 15.0), 30.0),
        turned(full_sphere(36.0), 7.0),
    ],
    ids=["a circle", "half a circle above", "another sphere"],
)
def test_each_shell_has_a_grid_of_its_own(tmp_path: Path, near: np.ndarray) -> None:
    far = full_sphere(20.0)
    shells = [(far, 1.2), (near, 0.3)]
    for options, wanted in (({}, far), ({"distance_m": 0.35}, near), ({"distance_m": 9.0}, far)):
        got = load_shells(tmp_path / "a.sofa", shells, **options)
        np.testing.assert_allclose(got.positions, wanted, atol=1e-9)
        assert any("several distances (0.30, 1.20 m)" in each for each in got.findings)


def test_an_arc_whose_rings_have_distances_of_their_own_is_one_set(tmp_path: Path) -> None:
    rings = [
        (unit_vectors(np.arange(0.0, 360.0, 15.0), elevation), 1.0 + 0.08 * k)
        for k, elevation in enumerate((-30.0, 0.0, 30.0, 60.0))
    ]
    got = load_shells(tmp_path / "a.sofa", rings)
    assert got.n_directions == 4 * 24
    assert any("one distance to a direction" in each for each in got.findings)


def test_a_distance_that_picks_nothing_is_said(tmp_path: Path) -> None:
    got = load_shells(tmp_path / "a.sofa", [(POSITIONS, 1.0)], distance_m=0.3)
    assert got.n_directions == len(POSITIONS)
    assert any("distance_m=0.3 picks nothing" in each for each in got.findings)


# --- what writers do -------------------------------------------------------------------------


@pytest.mark.parametrize("fill", [0.0, -999.0, None])
def test_zeros_are_zeros_whatever_stands_for_nothing(tmp_path: Path, fill: float | None) -> None:
    head = pulse_head(POSITIONS)
    head.ir[:, :, :9] = 0.0
    got = HrtfSet.load(write_head(tmp_path / "a.sofa", head, fill=fill))
    np.testing.assert_array_equal(got.ir, head.ir)
    np.testing.assert_allclose(got.positions, head.positions, atol=1e-12)


@pytest.mark.parametrize("rate", [24414.0625, 48828.125, 97656.25, 44100.0004])
def test_rates_that_are_no_whole_number_are_rounded(tmp_path: Path, rate: float) -> None:
    variables = {"Data.SamplingRate": ("I", [rate], {"Units": "hertz"})}
    path = write_head(tmp_path / "a.sofa", variables=variables)
    got = HrtfSet.load(path)
    assert got.sample_rate == round(rate)
    assert any("was rounded" in each for each in got.findings)
    assert HrtfSet.load(path, true_sample_rate=50000.4).sample_rate == 50000


def test_a_file_of_the_classic_form_loads(tmp_path: Path) -> None:
    path = write_head(tmp_path / "a.sofa", kind_of_file="NETCDF3_CLASSIC")
    np.testing.assert_array_equal(HrtfSet.load(path).ir, pulse_head(POSITIONS).ir)


@pytest.mark.parametrize("taps", [1, 2, 16, 40])
@pytest.mark.parametrize("rate", [44100, 192000, 768000])
def test_short_responses_load(tmp_path: Path, taps: int, rate: int) -> None:
    ir = np.random.default_rng(taps).standard_normal((len(POSITIONS), 2, taps))
    HrtfSet(ir, POSITIONS, 1.0, rate).save(tmp_path / "a.sofa")
    np.testing.assert_array_equal(HrtfSet.load(tmp_path / "a.sofa").ir, ir)


@given(st.integers(-20, 20), st.sampled_from([8, 20, 60]), st.sampled_from([44100, 384000]))
def test_lags_of_short_responses(lag: int, taps: int, rate: int) -> None:
    ir = np.zeros((1, 2, taps))
    place = np.clip([lag, 0], 0, taps - 1) if lag > 0 else np.clip([0, -lag], 0, taps - 1)
    ir[0, [0, 1], place] = 1.0
    expected = (place[0] - place[1]) / rate
    assert itd_correlation_seconds(ir, rate)[0] == pytest.approx(expected, abs=0.2 / rate)


# --- emitters --------------------------------------------------------------------------------

YAW = np.arange(0.0, 360.0, 15.0)
SPEAKERS = unit_vectors([35.0, -35.0, 0.0, 120.0], [0.0, 0.0, 10.0, 0.0])


def in_the_room(speakers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions (M, E, 3) of loudspeakers for a head that turns, and responses (M, E, 2, N)."""
    directions = np.stack([turned(speakers, -yaw) for yaw in YAW])
    ir = pulse_head(directions.reshape(-1, 3)).ir
    return directions, ir.reshape(len(YAW), len(speakers), 2, -1)


@pytest.mark.parametrize("order", ["MREN", "MRNE"])
@pytest.mark.parametrize("n_speakers", [1, 4])
def test_loudspeakers_as_emitters(tmp_path: Path, order: str, n_speakers: int) -> None:
    speakers = SPEAKERS[:n_speakers]
    directions, ir = in_the_room(speakers)
    axes = [("MERN").index(letter) for letter in order]
    late = np.arange(2.0 * n_speakers).reshape(1, 2, n_speakers)
    variables = {
        "Data.IR": (order, ir.transpose(axes), {}),
        "Data.Delay": ("IRE", late, {}),
        "SourcePosition": ("IC", np.zeros((1, 3)), CARTESIAN),
        "ListenerView": ("MC", unit_vectors(YAW), CARTESIAN),
        "EmitterPosition": ("ECI", 2.5 * speakers[..., None], CARTESIAN),
    }
    conventions = ("MultiSpeakerBRIR", "0.3", "FIRE") if order == "MREN" else (
        "GeneralFIR-E", "2.0", "FIR-E")  # fmt: skip
    name, version, kind = conventions
    path = write_sofa_file(
        tmp_path / "a.sofa", variables, conventions=name, version=version, kind=kind
    )
    got = HrtfSet.load(path)
    np.testing.assert_allclose(got.positions, directions.reshape(-1, 3), atol=1e-9)
    assert got.radius_m == pytest.approx(2.5)
    last = HrtfSet.load(path, emitter=n_speakers - 1)
    np.testing.assert_allclose(last.positions, directions[:, -1], atol=1e-9)
    n = ir.shape[-1]
    for ear in (0, 1):
        shift = int(late[0, ear, -1])
        np.testing.assert_array_equal(last.ir[:, ear, shift : shift + n], ir[:, -1, ear])
        np.testing.assert_array_equal(
            got.ir[n_speakers - 1 :: n_speakers, ear, shift : shift + n], ir[:, -1, ear]
        )
    with pytest.raises(SofaError, match=f"emitters 0 to {n_speakers - 1}, not emitter=7"):
        HrtfSet.load(path, emitter=7)


def test_one_measurement_of_many_emitters_is_a_set(tmp_path: Path) -> None:
    head = pulse_head(POSITIONS)
    variables = {
        "Data.IR": ("MRNE", head.ir.transpose(1, 2, 0)[None], {}),
        "SourcePosition": ("IC", np.zeros((1, 3)), CARTESIAN),
        "EmitterPosition": ("ECI", 1.2 * POSITIONS[..., None], CARTESIAN),
    }
    path = write_sofa_file(
        tmp_path / "a.sofa", variables, conventions="GeneralFIR-E", version="2.0", kind="FIR-E"
    )
    got = HrtfSet.load(path)
    np.testing.assert_allclose(got.positions, POSITIONS, atol=1e-9)
    np.testing.assert_array_equal(got.ir, head.ir)


def test_emitters_turn_with_their_source(tmp_path: Path) -> None:
    """The array stands at the side and looks along y: its front is the head's left."""
    head = pulse_head(POSITIONS)
    variables = {
        "Data.IR": ("MRNE", head.ir.transpose(1, 2, 0)[None], {}),
        "SourcePosition": ("IC", np.zeros((1, 3)), CARTESIAN),
        "SourceView": ("IC", [[0.0, 1.0, 0.0]], CARTESIAN),
        "SourceUp": ("IC", [[0.0, 0.0, 1.0]], {}),
        "EmitterPosition": ("ECI", turned(POSITIONS, -90.0)[..., None], CARTESIAN),
    }
    path = write_sofa_file(
        tmp_path / "a.sofa", variables, conventions="GeneralFIR-E", version="2.0", kind="FIR-E"
    )
    np.testing.assert_allclose(HrtfSet.load(path).positions, POSITIONS, atol=1e-9)


# --- receivers -------------------------------------------------------------------------------


@pytest.mark.parametrize("n_receivers", [3, 6])
def test_two_of_more_receivers(tmp_path: Path, n_receivers: int) -> None:
    head = pulse_head(POSITIONS)
    ir = np.stack([head.ir[:, k % 2] * (1.0 + k // 2) for k in range(n_receivers)], axis=1)
    middle = np.zeros((n_receivers, 3, 1))
    variables = {
        "Data.IR": ("MRN", ir, {}),
        "Data.Delay": ("IR", np.arange(n_receivers, dtype=float)[None], {}),
        "ReceiverPosition": ("RCI", middle, CARTESIAN),
    }
    path = write_head(tmp_path / "a.sofa", head, variables=variables)
    with pytest.raises(SofaError, match=r"receivers=\(LEFT, RIGHT\) picks two; .*2 at \(0, 0, 0\)"):
        HrtfSet.load(path)
    got = HrtfSet.load(path, receivers=(2, 1))
    n = head.n_taps
    np.testing.assert_array_equal(got.ir[:, 0, 2 : 2 + n], ir[:, 2])
    np.testing.assert_array_equal(got.ir[:, 1, 1 : 1 + n], ir[:, 1])
    for pair in ((0, 0), (0, n_receivers), (-1, 0)):
        with pytest.raises(SofaError, match="two different numbers from 0 to"):
            HrtfSet.load(path, receivers=pair)


def test_the_first_two_of_more_receivers_are_ears_where_the_file_says_so(tmp_path: Path) -> None:
    head = pulse_head(POSITIONS)
    variables = {
        "Data.IR": ("MRN", np.concatenate([head.ir, 0.5 * head.ir], axis=1), {}),
        "Data.Delay": ("IR", np.zeros((1, 4)), {}),
        "ReceiverPosition": ("RCI", np.concatenate([EARS, EARS])[..., None], CARTESIAN),
    }
    got = HrtfSet.load(write_head(tmp_path / "a.sofa", head, variables=variables))
    np.testing.assert_array_equal(got.ir, head.ir)
    assert any("Of 4 receivers 0 and 1 are the ears" in each for each in got.findings)


def test_one_receiver_is_refused_with_a_way_out(tmp_path: Path) -> None:
    head = pulse_head(POSITIONS)
    variables = {
        "Data.IR": ("MRN", head.ir[:, :1], {}),
        "Data.Delay": ("IR", np.zeros((1, 1)), {}),
        "ReceiverPosition": ("RCI", EARS[:1, :, None], CARTESIAN),
    }
    with pytest.raises(SofaError, match="1 receiver, .*mirrored direction"):
        HrtfSet.load(write_head(tmp_path / "a.sofa", head, variables=variables))


RIGHT_FIRST = {"ReceiverPosition": ("RCI", EARS[::-1, :, None], CARTESIAN)}


def test_a_right_ear_that_comes_first_is_obeyed_where_all_agree(tmp_path: Path) -> None:
    head = pulse_head(POSITIONS)
    exchanged = HrtfSet(head.ir[:, ::-1], POSITIONS, 1.5, 48000)
    path = write_head(tmp_path / "a.sofa", exchanged, variables=RIGHT_FIRST)
    for options in ({}, {"swap_ears": True}):
        np.testing.assert_array_equal(HrtfSet.load(path, **options).ir, head.ir)
    assert any("so it is read" in each for each in HrtfSet.load(path).findings)
    mirrored = HrtfSet.load(path, mirror_azimuth=True)  # then ITD and ILD do not agree
    np.testing.assert_array_equal(mirrored.ir, exchanged.ir)


def test_receivers_alone_decide_nothing(tmp_path: Path) -> None:
    head = pulse_head(POSITIONS)
    got = HrtfSet.load(write_head(tmp_path / "a.sofa", head, variables=RIGHT_FIRST))
    np.testing.assert_array_equal(got.ir, head.ir)
    assert any("ReceiverPosition puts receiver 0 at the right" in each for each in got.findings)


# --- claims and values -----------------------------------------------------------------------


@pytest.mark.parametrize("delay", [48000.0, 12001.0, 1e300])
def test_delays_are_bounded_before_memory_is_taken(tmp_path: Path, delay: float) -> None:
    late = np.zeros((len(POSITIONS), 2))
    late[3, 1] = delay
    path = write_head(tmp_path / "a.sofa", variables={"Data.Delay": ("MR", late, {})})
    with pytest.raises(SofaError, match=r"Data.Delay goes up to .* samples, over 0.25 s"):
        HrtfSet.load(path)


@pytest.mark.parametrize("n_taps", [60_000, 50_000_000])
def test_what_was_never_written_takes_no_memory(tmp_path: Path, n_taps: int) -> None:
    path = tmp_path / "a.sofa"
    write_head(path)
    with netCDF4.Dataset(path) as old, netCDF4.Dataset(tmp_path / "b.sofa", "w") as new:
        new.setncatts({name: old.getncattr(name) for name in old.ncattrs()})
        for name, axis in old.dimensions.items():
            new.createDimension(name, n_taps if name == "N" else len(axis))
        for name, variable in old.variables.items():
            chunks = [min(64, len(new.dimensions[axis])) for axis in variable.dimensions]
            made = new.createVariable(name, "f8", variable.dimensions, zlib=True, chunksizes=chunks)
            if "N" not in variable.dimensions:
                made[:] = variable[:]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SofaError, match="claims"):
        HrtfSet.load(tmp_path / "b.sofa")
    # 44 x 2 x 60000 values would be 42 MB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


@pytest.mark.parametrize("name", ["Data.IR", "Data.Delay", "SourcePosition", "ListenerPosition"])
def test_single_numbers_in_place_of_arrays_are_refused(tmp_path: Path, name: str) -> None:
    path = write_head(tmp_path / "a.sofa", variables={name: ("", 3e5, CARTESIAN)})
    with pytest.raises(SofaError, match=r"a.sofa: (holds 1 receiver|.*(Data.Delay|Position))"):
        HrtfSet.load(path)


@pytest.mark.parametrize("peak", [1e200, 1e-200])
def test_samples_beyond_all_responses_are_refused(tmp_path: Path, peak: float) -> None:
    head = pulse_head(POSITIONS)
    variables = {"Data.IR": ("MRN", peak * head.ir, {})}
    with pytest.raises(SofaError, match="largest sample is .*which is no response"):
        HrtfSet.load(write_head(tmp_path / "a.sofa", head, variables=variables))


@pytest.mark.parametrize(
    "name", ["SOFAConventions", "SOFAConventionsVersion", "License", "ListenerShortName", "Title"]
)
def test_attributes_that_are_numbers_do_no_harm(tmp_path: Path, name: str) -> None:
    path = write_head(tmp_path / "a.sofa")
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(name, np.arange(4.0))
    np.testing.assert_array_equal(HrtfSet.load(path).ir, pulse_head(POSITIONS).ir)
