"""Data sets: folders read as published, brought to one form, split by person without leaks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_subjects import RATE, listeners, write_folder

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import angle_deg, unit_vectors
from auricle.dsp.metrics.interaural import ild_db, itd_correlation_seconds
from auricle.dsp.metrics.spectral import MIDDLE, lsd_db
from auricle.dsp.sphere.quadrature import sphere_weights
from auricle.personalization.datasets import folder as folder_module
from auricle.personalization.datasets.collection import load_collection
from auricle.personalization.datasets.folder import ids_of, load_folder
from auricle.personalization.datasets.harmonise import (
    LEVEL_BAND_HZ,
    diffuse_field_magnitude,
    first_sound,
    harmonise,
)
from auricle.personalization.datasets.lap import lap_rows, rows_at, spread_rows
from auricle.personalization.datasets.measures import in_degrees, plain_id, read_measures
from auricle.personalization.datasets.mirror import mirrored
from auricle.personalization.datasets.packed import load_h5
from auricle.personalization.datasets.registry import DATASETS, find
from auricle.personalization.datasets.splits import check_no_leak, folds, split
from auricle.personalization.datasets.subjects import DatasetError, Subjects, people_of


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))


# --- Subjects --------------------------------------------------------------------------------


def test_rows_and_directions_are_taken_in_order() -> None:
    people = listeners(4)
    some = people.take([2, 0]).directions(slice(3, 8))
    assert some.ids == ("3", "1")
    np.testing.assert_array_equal(some.ir, people.ir[[2, 0], 3:8])
    np.testing.assert_array_equal(some.measures, people.measures[[2, 0]])
    assert len(people.take(np.array([True, False, False, True]))) == 2
    assert people.row("3") == people.row(3) == 2
    with pytest.raises(DatasetError, match="no subject 9, it has 1, 2, 3, 4"):
        people.row(9)
    hrtf = people.hrtf_set(1)
    assert (hrtf.name, hrtf.sample_rate) == ("made 2", RATE)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("ids", ("1", "2", "2", "4"), "the ids 2 are there twice"),
        ("ids", ("1", "2"), "ids must have shape 4"),
        ("positions", np.ones((3, 3)), "positions must have shape"),
        ("people", np.zeros(3), "people must have shape"),
        ("measure_names", ("x1",), "measures must have shape"),
        ("ir", np.zeros((4, 5, 3, 8)), "ir must be"),
    ],
)
def test_arrays_that_do_not_fit_are_one_line(field: str, value: object, word: str) -> None:
    with pytest.raises(DatasetError, match=word):
        replace(listeners(4), **{field: value})


def test_positions_must_be_unit_vectors() -> None:
    people = listeners(1)
    with pytest.raises(DatasetError, match="unit vectors"):
        replace(people, positions=2.0 * people.positions)


def test_joining_needs_one_grid_and_rate() -> None:
    people = listeners(3)
    both = people.joined(mirrored(people))
    assert both.ids == ("1", "2", "3", "1m", "2m", "3m")
    with pytest.raises(DatasetError, match="differ in sample rate"):
        people.joined(replace(mirrored(people), sample_rate=48000))


def test_repeats_are_one_person() -> None:
    numbers = people_of(("1", "2", "22", "88", "96"), (("1", "96"), ("22", "88")))
    assert numbers.tolist() == [0, 1, 2, 2, 0]


# --- folders ---------------------------------------------------------------------------------


def test_a_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    people = listeners(3)
    people.measures[1, 1] = np.nan
    found = load_folder(write_folder(people, tmp_path / "lab"))
    assert found.ids == people.ids
    assert (found.dataset, found.sample_rate, found.radius_m) == ("lab", RATE, 1.5)
    np.testing.assert_allclose(found.ir, people.ir, atol=1e-7)
    np.testing.assert_allclose(found.positions, people.positions, atol=1e-9)
    np.testing.assert_allclose(found.measures, people.measures, atol=1e-6)
    assert found.measure_names == people.measure_names
    assert found.findings == ()


def test_the_second_reading_comes_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(listeners(2), tmp_path / "lab")
    first = load_folder(folder)
    assert list((tmp_path / "cache" / "datasets").iterdir())
    monkeypatch.setattr(folder_module, "_read_all", lambda *_: pytest.fail("read again"))
    second = load_folder(folder)
    np.testing.assert_array_equal(first.ir, second.ir)
    for name in ("ids", "measure_names", "dataset", "findings", "sample_rate"):
        assert getattr(first, name) == getattr(second, name)
    np.testing.assert_array_equal(first.people, second.people)


def test_a_changed_or_damaged_cache_is_read_anew(tmp_path: Path) -> None:
    folder = write_folder(listeners(2), tmp_path / "lab")
    load_folder(folder)
    (stored,) = (tmp_path / "cache" / "datasets").iterdir()
    (stored / "ir.npy").write_bytes(b"cut")
    assert len(load_folder(folder)) == 2
    write_folder(listeners(3), folder)
    assert len(load_folder(folder)) == 3


def test_files_that_do_not_fit_are_named_and_left_out(tmp_path: Path) -> None:
    people = listeners(3)
    folder = write_folder(people, tmp_path / "lab")
    (folder / "made_0007.sofa").write_bytes(b"\x89HDF\r\n\x1a\n cut short")
    listeners(1, spacing_deg=45.0).hrtf_set(0).save(folder / "made_0008.sofa")
    replace(people.hrtf_set(0), sample_rate=48000).save(folder / "made_0009.sofa")
    found = load_folder(folder)
    assert found.ids == people.ids
    told = "\n".join(found.findings)
    assert "Left out: made_0007.sofa: is damaged" in told
    assert "made_0008.sofa has another grid" in told
    assert "made_0009.sofa has 48000 Hz, not 44100" in told
    assert str(folder) not in told


def test_another_order_of_the_directions_is_put_right(tmp_path: Path) -> None:
    people = listeners(2)
    folder = write_folder(people, tmp_path / "lab")
    order = np.random.default_rng(1).permutation(people.n_directions)
    people.hrtf_set(1).subset(order).save(folder / "made_0002.sofa")
    np.testing.assert_allclose(load_folder(folder).ir, people.ir, atol=1e-7)


def test_oddities_of_many_files_are_told_once(tmp_path: Path) -> None:
    people = listeners(3)
    swapped = replace(people, ir=people.ir[:, :, ::-1])
    found = load_folder(write_folder(swapped, tmp_path / "lab"))
    assert len(found.findings) == 1
    assert found.findings[0].startswith("3 of 3 files, as made_0001.sofa: ")


def test_a_table_that_is_none_is_told(tmp_path: Path) -> None:
    folder = write_folder(listeners(2), tmp_path / "lab")
    (folder / "anthropometry.csv").write_text("nothing", encoding="utf-8")
    found = load_folder(folder)
    assert found.measures.shape == (2, 0)
    assert "is not a table" in found.findings[0]
    (folder / "anthropometry.csv").write_text("subject,x1\n7,15.0,8\n\n", encoding="utf-8")
    found = load_folder(folder)
    assert np.all(np.isnan(found.measures))
    assert "has none of these listeners" in found.findings[0]


def test_without_a_folder_to_write_there_is_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "file"))
    assert len(load_folder(write_folder(listeners(2), tmp_path / "lab"))) == 2


def test_a_folder_without_files_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no file"):
        load_folder(tmp_path)
    with pytest.raises(DatasetError, match="is no folder"):
        load_folder(tmp_path / "absent")
    (tmp_path / "a.sofa").write_bytes(b"no")
    with pytest.raises(DatasetError, match="none of 1 SOFA files can be read"):
        load_folder(tmp_path)


def test_listeners_in_folders_of_their_own_and_a_pattern(tmp_path: Path) -> None:
    people = listeners(2)
    for row, name in enumerate(("P0001", "P0002")):
        (tmp_path / name).mkdir()
        people.hrtf_set(row).save(tmp_path / name / "Free_44kHz.sofa")
        people.hrtf_set(row).resampled(48000).save(tmp_path / name / "Free_48kHz.sofa")
    found = load_folder(tmp_path, pattern="*44kHz.sofa")
    assert found.ids == ("1", "2")
    np.testing.assert_allclose(found.ir, people.ir, atol=1e-7)


def test_a_known_set_brings_its_name_and_repeats(tmp_path: Path) -> None:
    people = replace(listeners(3), ids=("1", "22", "96"))
    found = load_folder(write_folder(people, tmp_path / "hutubs", "pp{}_HRIRs_measured.sofa"))
    assert found.dataset == "HUTUBS"
    assert dict(zip(found.ids, found.people.tolist(), strict=True))["96"] == found.people[0]


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (["pp1_HRIRs_measured", "pp12_HRIRs_measured"], ("1", "12")),
        (["P0001_FreeFieldComp_44kHz", "P0010_FreeFieldComp_44kHz"], ("1", "10")),
        (["subject_003", "subject_165"], ("3", "165")),
        (["IRC_1002_C_44100", "IRC_1059_C_44100"], ("1002", "1059")),
        (["RIEC_hrir_subject_001", "RIEC_hrir_subject_105"], ("1", "105")),
        (["H3_48K_24bit", "D1_48K_24bit"], ("H3", "D1")),
        (["hrtf_nh10", "hrtf_nh172"], ("10", "172")),
        (["pp7_HRIRs_measured"], ("7",)),
        (["anna", "anton"], ("anna", "anton")),
    ],
)
def test_ids_are_what_differs_between_the_names(names: list[str], ids: tuple[str, ...]) -> None:
    assert ids_of([Path(name + ".sofa") for name in names]) == ids


# --- measures --------------------------------------------------------------------------------


def test_tables_with_other_headings_and_separators(tmp_path: Path) -> None:
    table = tmp_path / "measures.csv"
    table.write_text("SubjectID;x1;note;L_theta1\npp1;15,2;tall;0,5\n2;;;0,25\n", encoding="utf-8")
    names, rows = read_measures(table)
    assert names == ("x1", "L_theta1")
    np.testing.assert_allclose(rows["1"], [15.2, np.rad2deg(0.5)])
    assert np.isnan(rows["2"][0])


def test_radians_are_told_from_degrees() -> None:
    degrees = in_degrees(np.array([[0.4, 14.0], [0.6, 15.0]]), ("R_theta1", "x1"))
    np.testing.assert_allclose(degrees[:, 0], np.rad2deg([0.4, 0.6]))
    np.testing.assert_array_equal(degrees[:, 1], [14.0, 15.0])
    stays = np.array([[24.0], [0.9]])
    np.testing.assert_array_equal(in_degrees(stays, ("R_theta1",)), stays)


def test_cipics_own_table(tmp_path: Path) -> None:
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    parts = {"X": rng.random((2, 17)), "D": rng.random((2, 16)), "theta": rng.random((2, 4))}
    savemat(tmp_path / "anthro.mat", {"id": np.array([[3], [165]]), **parts})
    names, rows = read_measures(tmp_path / "anthro.mat")
    assert len(names) == 37
    assert rows["165"][names.index("x17")] == parts["X"][1, 16]
    assert rows["3"][names.index("R_d1")] == parts["D"][0, 8]
    assert rows["3"][names.index("R_theta1")] == pytest.approx(np.rad2deg(parts["theta"][0, 2]))
    savemat(tmp_path / "anthro.mat", {"id": 1})
    with pytest.raises(DatasetError, match="not laid out as CIPIC"):
        read_measures(tmp_path / "anthro.mat")


def test_plain_ids() -> None:
    assert [plain_id(each) for each in ("pp01", "P0001", "3.0", "H3", " 12 ", "anna")] == [
        "1", "1", "3", "H3", "12", "anna",
    ]  # fmt: skip


# --- harmonise -------------------------------------------------------------------------------


def diffuse_level_db(subjects: Subjects, row: int = 0) -> float:
    weights = sphere_weights(subjects.positions)
    size = 2 * subjects.n_taps
    hz = np.fft.rfftfreq(size, 1.0 / subjects.sample_rate)
    inside = (hz >= LEVEL_BAND_HZ[0]) & (hz <= LEVEL_BAND_HZ[1])
    field = diffuse_field_magnitude(subjects.ir[row], weights, size)[inside]
    return float(10.0 * np.log10(np.mean(field**2)))


def test_levels_become_alike() -> None:
    people = listeners(3)
    gains = np.array([0.1, 1.0, 7.0], dtype=np.float32)[:, None, None, None]
    done = harmonise(replace(people, ir=people.ir * gains))
    plain = harmonise(people)
    np.testing.assert_allclose(done.ir, plain.ir, rtol=1e-4, atol=1e-6)
    assert diffuse_level_db(done) == pytest.approx(0.0, abs=1e-3)


def test_another_rate_keeps_spectra_and_cues() -> None:
    people = listeners(1)
    done = harmonise(people, 48000, 256, level=False)
    assert (done.sample_rate, done.n_taps) == (48000, 256)
    before, after = people.ir[0].astype(np.float64), done.ir[0].astype(np.float64)
    gap = itd_correlation_seconds(before, RATE) - itd_correlation_seconds(after, 48000)
    assert np.abs(gap).max() < 1e-6
    np.testing.assert_allclose(ild_db(before), ild_db(after), atol=0.1)


def test_the_onset_moves_whole_listeners() -> None:
    people = listeners(2)
    done = harmonise(people, onset_seconds=0.0015, level=False, n_taps=200)
    for row in range(2):
        before, after = (each.ir[row].astype(np.float64) for each in (people, done))
        assert first_sound(after) == round(0.0015 * RATE)
        shift = first_sound(after) - first_sound(before)
        np.testing.assert_array_equal(after[..., shift:100], before[..., : 100 - shift])


def test_swapped_ears_of_one_and_clockwise_azimuths_of_all_are_mended() -> None:
    people = listeners(3)
    ir = np.array(people.ir)
    ir[1] = ir[1, :, ::-1]
    done = harmonise(replace(people, ir=ir), level=False)
    np.testing.assert_array_equal(done.ir, people.ir)
    assert done.findings == ("The ears of 2 were exchanged; they were put right.",)
    clockwise = replace(people, positions=people.positions * np.array([1.0, -1.0, 1.0]))
    done = harmonise(clockwise, level=False)
    np.testing.assert_array_equal(done.positions, people.positions)
    assert "clockwise for all listeners" in done.findings[0]


@pytest.mark.parametrize("kind", ["listener", "laboratory"])
def test_equalisation_takes_out_the_loudspeaker(kind: str) -> None:
    """A filter that all directions share is gone; what tells directions apart stays."""
    people = listeners(3, n_taps=256)
    loudspeaker = np.array([1.0, -0.6, 0.3, 0.1])
    coloured = np.apply_along_axis(lambda ir: np.convolve(ir, loudspeaker)[:256], -1, people.ir)
    plain = harmonise(people, diffuse_field=kind)
    done = harmonise(replace(people, ir=coloured), diffuse_field=kind)
    raw = lsd_db(harmonise(replace(people, ir=coloured)).ir, harmonise(people).ir, RATE, MIDDLE)
    left = lsd_db(done.ir, plain.ir, RATE, MIDDLE)
    assert raw.mean() > 3.0
    assert left.mean() < 0.5
    with pytest.raises(DatasetError, match="diffuse_field is none"):
        harmonise(people, diffuse_field="flat")  # type: ignore[arg-type]


def test_silence_is_refused() -> None:
    people = listeners(2)
    ir = np.array(people.ir)
    for value in (0.0, np.nan):
        ir[1] = value
        with pytest.raises(AuricleError, match="responses of 2 are silent or hold NaN"):
            harmonise(replace(people, ir=ir))


# --- mirror ----------------------------------------------------------------------------------


def test_the_mirror_exchanges_ears_sides_and_measures() -> None:
    people = listeners(2)
    seen = mirrored(people)
    left = int(np.argmin(angle_deg(people.positions, unit_vectors(90.0))))
    right = int(np.argmin(angle_deg(people.positions, unit_vectors(-90.0))))
    np.testing.assert_array_equal(seen.ir[:, left, 0], people.ir[:, right, 1])
    np.testing.assert_array_equal(seen.measures, people.measures[:, [0, 2, 1]])
    assert seen.findings == ()
    np.testing.assert_array_equal(seen.people, people.people)
    np.testing.assert_array_equal(mirrored(seen).ir, people.ir)


def test_a_grid_that_is_not_symmetric_says_how_far_off() -> None:
    people = listeners(1)
    turned = people.positions @ np.array([[0.98, -0.199, 0.0], [0.199, 0.98, 0.0], [0.0, 0.0, 1.0]])
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    found = mirrored(replace(people, positions=turned))
    assert "not symmetric" in found.findings[0]


# --- splits ----------------------------------------------------------------------------------


@given(
    people=st.lists(st.integers(0, 30), min_size=10, max_size=80),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 5),
)
def test_folds_test_every_row_once_and_leak_nobody(
    people: list[int], n_folds: int, seed: int
) -> None:
    if len(set(people)) < n_folds:
        with pytest.raises(DatasetError):
            folds(people, n_folds, seed)
        return
    parts = folds(people, n_folds, seed)
    tested = np.concatenate([test for _, test in parts])
    assert sorted(tested) == list(range(len(people)))
    for train, test in parts:
        assert len(train) + len(test) == len(people)
        check_no_leak(people, train, test)
    again = folds(people, n_folds, seed)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(parts, again, strict=True))


def test_mirrored_listeners_stay_with_their_owners() -> None:
    people = listeners(6)
    both = people.joined(mirrored(people))
    for train, test in folds(both.people, 3):
        assert not {both.ids[row].rstrip("m") for row in train} & {
            both.ids[row].rstrip("m") for row in test
        }


def test_a_split_by_row_is_caught() -> None:
    people = people_of(("1", "2", "96"), (("1", "96"),))
    with pytest.raises(DatasetError, match="1 people are in training and in test"):
        check_no_leak(people, [0, 1], [2])


def test_split_counts_people() -> None:
    people = np.array([0, 0, 1, 2, 3, 3, 4])
    train, test = split(people, 2, seed=3)
    assert len(set(people[test])) == 2
    check_no_leak(people, train, test)
    with pytest.raises(DatasetError, match="1 to 4 test"):
        split(people, 5)


# --- sparse directions -----------------------------------------------------------------------


def sonicom_like() -> np.ndarray:
    """793 directions in SONICOM's order: azimuths 0 to 355, elevations -45 to 80, and the top."""
    elevations = (-45, -30, -20, -10, 0, 10, 20, 30, 45, 60, 75)
    rows = [(az, el) for az in range(0, 360, 5) for el in elevations]
    return unit_vectors(*np.array([*rows, (0, 90)], dtype=np.float64).T)


@pytest.mark.parametrize("n", [3, 5, 19, 100])
def test_lap_sets_are_found(n: int) -> None:
    grid = sonicom_like()
    rows = lap_rows(grid, n)
    assert len(set(rows.tolist())) == n
    shuffled = np.random.default_rng(0).permutation(len(grid))
    np.testing.assert_allclose(grid[rows], grid[shuffled][lap_rows(grid[shuffled], n)], atol=1e-12)


def test_lap_sets_have_the_published_directions() -> None:
    grid = sonicom_like()
    np.testing.assert_allclose(
        grid[lap_rows(grid, 3)], unit_vectors([0.0, 90.0, 0.0], [0.0, 0.0, 90.0]), atol=1e-12
    )
    assert lap_rows(grid, 100)[:3].tolist() == [0, 8, 15]  # the top sorts among azimuth 0
    with pytest.raises(DatasetError, match="3, 5, 19 or 100"):
        lap_rows(grid, 4)
    with pytest.raises(DatasetError, match="793"):
        lap_rows(grid[:500], 100)
    with pytest.raises(DatasetError, match="azimuth 33, elevation 0"):
        rows_at(grid, np.array([[33.0, 0.0]]))


@pytest.mark.parametrize("n", [1, 4, 16, 100])
def test_spread_rows_keep_apart(n: int) -> None:
    grid = sonicom_like()
    rows = spread_rows(grid, n)
    assert len(set(rows.tolist())) == n
    if n > 1:
        cosines = grid[rows] @ grid[rows].T - 2.0 * np.eye(n)
        # Caps of a radius that holds each direction apart would cover a third of the sphere.
        assert np.rad2deg(np.arccos(cosines.max())) > 0.55 * np.rad2deg(np.sqrt(4.0 * np.pi / n))


# --- registry and the real sets --------------------------------------------------------------


def test_every_entry_says_what_it_must() -> None:
    names = list(DATASETS)
    assert len(set(names)) == len(names) >= 12
    for each in DATASETS.values():
        assert find(f"data/{each.keys[0]}_files") is each
        assert each.license
        assert each.citation
        assert each.page.startswith(("https://", "http://"))
    assert [find(each) for each in ("nobody's", "variants", "italy")] == [None] * 3
    assert find("SADIE_II").name == "SADIE II"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "shape", "people"),
    [
        ("hutubs", (86, 440, 2, 256), 84),
        ("sonicom", (80, 793, 2, 256), 80),
        ("cipic", (39, 1250, 2, 200), 39),
        ("sadie1", (18, 170, 2, 256), 18),
    ],
)
def test_packed_sets(data_dir: Path, name: str, shape: tuple[int, ...], people: int) -> None:
    pytest.importorskip("h5py")
    found = load_h5(data_dir / "hrtf" / f"{name}.h5")
    assert found.ir.shape == shape
    assert len(set(found.people)) == people
    assert find(name) is not None
    angles = [k for k, each in enumerate(found.measure_names) if "theta" in each]
    if angles:
        assert 10.0 < np.nanmax(found.measures[:, angles]) < 90.0
    assert np.nanmax(np.abs(mirrored(found.take([0])).ir)) > 0.0


def test_the_lap_sets_are_in_sonicoms_grid(data_dir: Path) -> None:
    pytest.importorskip("h5py")
    found = load_h5(data_dir / "hrtf" / "sonicom.h5")
    for n in (3, 5, 19, 100):
        assert len(set(lap_rows(found.positions, n).tolist())) == n


def test_a_packed_set_that_is_none_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    (tmp_path / "x.h5").write_bytes(b"no")
    with pytest.raises(DatasetError, match="is not a packed set"):
        load_h5(tmp_path / "x.h5")
    with pytest.raises(DatasetError, match="no such file"):
        load_h5(tmp_path / "y.h5")


def test_a_collection_is_one_folder_for_each_set(tmp_path: Path) -> None:
    write_folder(listeners(2), tmp_path / "data" / "cipic")
    write_folder(listeners(2, seed=1), tmp_path / "data" / "hutubs_measured")
    assert list(load_collection(tmp_path / "data")) == ["CIPIC", "HUTUBS"]
    assert list(load_collection(tmp_path / "data" / "cipic")) == ["CIPIC"]
    write_folder(listeners(2), tmp_path / "mine")
    assert list(load_collection(tmp_path / "mine")) == ["mine"]
    with pytest.raises(DatasetError, match="is no folder"):
        load_collection(tmp_path / "absent")
