"""People for end-to-end systems: roles without leaks, one form whatever the laboratory added."""

from dataclasses import replace
from pathlib import Path

import endtoend_people
import numpy as np
import pytest
import synthetic_set

from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.responses import arrival
from auricle.dsp.sphere.quadrature import sphere_weights
from auricle.personalization.datasets.splits import check_no_leak
from auricle.personalization.datasets.subjects import DatasetError, Subjects, people_of
from auricle.personalization.endtoend.listeners.people import (
    N_TAPS,
    common_phase,
    laboratory_gain,
    led,
    listeners_of,
    load_listeners,
    low_delay_samples,
    role_of,
)
from auricle.personalization.endtoend.physics.poses import RATE


def named(
    dataset: str, ids: tuple[str, ...], repeats: tuple[tuple[str, ...], ...] = ()
) -> Subjects:
    count = len(ids)
    positions = synthetic_set.sphere(12)
    ir = np.random.default_rng(0).normal(size=(count, 12, 2, 8)).astype(np.float32)
    people = people_of(ids, repeats)
    return Subjects(ids, ir, positions, 1.5, RATE, np.empty((count, 0)), (), people, dataset)


def test_roles_follow_from_names_and_no_person_has_two() -> None:
    hutubs = named("HUTUBS", tuple(map(str, range(1, 97))), (("1", "96"), ("22", "88")))
    cipic = named("CIPIC", tuple(map(str, range(40))))
    both = listeners_of([hutubs, cipic])
    rows = [both.rows(role) for role in ("train", "validation", "test")]
    assert sorted(np.concatenate(rows)) == list(range(136))
    assert min(map(len, rows)) >= 4
    for a, b in ((0, 1), (0, 2), (1, 2)):
        check_no_leak(both.people, rows[a], rows[b])
    for one, other in (("1", "96"), ("22", "88")):
        first, second = both.names.index(f"HUTUBS {one}"), both.names.index(f"HUTUBS {other}")
        assert both.people[first] == both.people[second]
        assert both.roles[first] == both.roles[second]
    few = listeners_of([cipic.take([7, 3])])
    assert few.roles == tuple(both.roles[both.names.index(each)] for each in few.names)
    assert len(set(both.people)) == 136 - 2


def test_shippable_weights_learn_from_hutubs_and_cipic_alone() -> None:
    sets = [named(each, tuple(map(str, range(60)))) for each in ("HUTUBS", "SONICOM")]
    free, all_of_them = listeners_of(sets, "shippable"), listeners_of(sets, "all")
    assert {free.laboratory(row) for row in free.rows("train")} == {"HUTUBS"}
    assert {free.laboratory(row) for row in free.rows("validation")} == {"HUTUBS"}
    assert {all_of_them.laboratory(row) for row in all_of_them.rows("train")} == {
        "HUTUBS",
        "SONICOM",
    }
    tested = [[each.names[row] for row in each.rows("test")] for each in (free, all_of_them)]
    assert tested[0] == tested[1]
    assert "SONICOM" in {free.laboratory(row) for row in free.rows("test")}


def test_responses_come_at_the_known_lead() -> None:
    hrtf = synthetic_set.make_set(200)
    moved = led(hrtf.ir, hrtf.positions)
    assert moved.shape == (200, 2, N_TAPS)
    arrivals = arrival.arrival_samples(moved, RATE, hrtf.positions)
    assert abs(low_delay_samples(moved, sphere_weights(hrtf.positions))) < 0.02
    itd = np.diff(arrival.arrival_samples(hrtf.ir, RATE, hrtf.positions), axis=1)
    assert np.max(np.abs(np.diff(arrivals, axis=1) - itd)) < 0.2


def test_what_a_loudspeaker_does_to_phase_is_taken_out() -> None:
    """An all-pass of second order at 400 Hz, in all responses, is gone to -30 dB."""
    hrtf = synthetic_set.make_set(120)
    clean = led(hrtf.ir, hrtf.positions)
    size = 4096
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    radius, angle = 0.97, 2.0 * np.pi * 400.0 / RATE
    a1, a2 = -2.0 * radius * np.cos(angle), radius**2
    all_pass = (a2 + a1 * z + z**2) / (1.0 + a1 * z + a2 * z**2)
    turned = np.fft.irfft(np.fft.rfft(clean, size) * all_pass, size)[..., :512]
    arrivals = arrival.arrival_samples(clean, RATE, hrtf.positions)
    before = common_phase(clean[None], hrtf.positions, arrivals[None])
    phase = common_phase(turned[None], hrtf.positions, arrivals[None]) - before
    mended = led(turned, hrtf.positions, np.exp(-1j * phase))
    low = np.fft.rfft(clean, 1024)[..., 4:60], np.fft.rfft(mended, 1024)[..., 4:60]
    assert synthetic_set.level_db(np.fft.rfft(turned, 1024)[..., 4:60] - low[0], low[0]) > 0.0
    assert synthetic_set.level_db(low[1] - low[0], low[0]) < -25.0


def test_laboratories_are_brought_to_one_mean() -> None:
    """A loudspeaker that falls by 3 dB an octave above 2 kHz is no part of anybody."""
    hrtf = default_hrtf(RATE)
    hz = np.fft.rfftfreq(1024, 1.0 / RATE)
    fall = np.minimum(2000.0 / np.maximum(hz, 1.0), 1.0) ** 0.5
    ir = np.fft.irfft(np.fft.rfft(np.asarray(hrtf.ir), 1024) * fall)[None, ..., :320]
    gain_db = 20.0 * np.log10(laboratory_gain(ir, hrtf.positions) * fall)
    inside = (hz > 300.0) & (hz < 14000.0)
    assert np.max(np.abs(gain_db[inside] - gain_db[inside].mean())) < 1.0


def test_a_folder_is_harmonised_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("h5py")
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache" / "sets"))
    endtoend_people.write_data(tmp_path)
    first = load_listeners(tmp_path)
    assert [len(first.rows(role)) for role in ("train", "validation", "test")] == [4, 1, 2]
    monkeypatch.setattr(
        "auricle.personalization.endtoend.listeners.people.harmonise", lambda *_, **__: 1 / 0
    )
    again = load_listeners(tmp_path)
    assert first.digest(range(7)) == again.digest(range(7))
    hrtf = again.hrtf_set(2)
    assert hrtf.sample_rate == RATE
    level_db = 20 * np.log10(np.abs(np.fft.rfft(hrtf.ir, 1024)))[..., 5:43].mean(axis=1)
    assert abs(np.mean(sphere_weights(hrtf.positions) @ level_db)) < 0.7
    with pytest.raises(DatasetError, match="holds none of hutubs, cipic, sonicom"):
        load_listeners(tmp_path / "speech")
    with pytest.raises(DatasetError, match="no data set sonicom"):
        load_listeners(tmp_path, laboratories=["sonicom"])
    with pytest.raises(DatasetError, match='"shippable" or "all", not \'mine\''):
        load_listeners(tmp_path, "mine")  # type: ignore[arg-type]


def test_roles_stay_what_they_were() -> None:
    # Weights that were trained would know people of the test if these moved.
    tested = [k for k in range(1, 97) if role_of(f"HUTUBS {k}") == "test"]
    assert tested == [18, 19, 23, 31, 33, 34, 36, 38, 42, 53, 68, 70, 71, 82, 91]
    judged = [k for k in range(1, 97) if role_of(f"HUTUBS {k}") == "validation"]
    assert judged == [3, 11, 27, 54, 69, 87]
    shares = [role_of(f"x {k}") for k in range(2000)]
    assert 0.10 < shares.count("test") / 2000 < 0.16
    assert 0.05 < shares.count("validation") / 2000 < 0.11


def test_subjects_of_one_lab_keep_their_rows() -> None:
    two = listeners_of([named("HUTUBS", ("5", "6")), named("CIPIC", ("1",))])
    assert two.hrtf_set(2).name == "CIPIC 1"
    assert two.digest([0]) != two.digest([1])
    with pytest.raises(IndexError):
        two.laboratory(3)
    assert replace(two, roles=("", "", "test")).rows("test").tolist() == [2]
