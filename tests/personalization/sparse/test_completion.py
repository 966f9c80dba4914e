"""From a measured file to a whole one: what is kept, what is refused, what ships, what is said."""

import sys
from pathlib import Path

import numpy as np
import pytest
from listener_groups import some_listeners
from synthetic_set import make_set, sphere

from auricle.dsp.errors import AuricleError, HrtfError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.personalization.datasets.lap import spread_rows
from auricle.personalization.listeners import shipped
from auricle.personalization.listeners.features import (
    EVALUATED_BINS,
    SAMPLE_RATE,
    Features,
    features,
    features_of,
    to_responses,
)
from auricle.personalization.listeners.from_datasets import people_only, subjects_in
from auricle.personalization.listeners.known_ears import is_among
from auricle.personalization.listeners.listener_data import MeasuredListener, Prediction
from auricle.personalization.sparse.completion import expected_errors
from auricle.personalization.sparse.completion.complete import (
    complete,
    completed_by_interpolation,
)
from auricle.personalization.sparse.completion.densify import (
    FEWEST_REFINED,
    between_measured,
    dense_method,
    densified,
)
from auricle.personalization.sparse.completion.input_checks import checked
from auricle.personalization.sparse.listener_gp.process import ListenersAcross
from auricle.personalization.sparse.method import Method
from auricle.plugin_core.cli import main

CHIRP = np.cos(np.pi * np.arange(760) ** 2 / 1520.0)
ROWS = np.array([0, 20, 45, 70, 95, 119])


@pytest.fixture(scope="module")
def upsampler() -> Method:
    learned = ListenersAcross()
    learned.fit(some_listeners(10))
    return learned


@pytest.fixture(scope="module")
def few() -> HrtfSet:
    return make_set(120, sample_rate=48000).subset(ROWS)


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in args])
    return int(ended.value.code or 0)


# --- features -------------------------------------------------------------------------------


def test_features_and_back() -> None:
    head = make_set(60, sample_rate=44100)
    seen = features_of(head)
    assert seen.magnitude_db.shape == (60, 2, 129)
    assert seen.magnitude_db.dtype == np.float32
    again = to_responses(*seen)
    found = features(again, head.positions, SAMPLE_RATE)
    error = (found.magnitude_db - seen.magnitude_db)[..., EVALUATED_BINS]
    loud = seen.magnitude_db[..., EVALUATED_BINS] > seen.magnitude_db.max() - 50.0
    assert np.sqrt(np.mean(error[loud] ** 2)) < 0.5
    itd = itd_correlation_seconds(again, SAMPLE_RATE) - itd_correlation_seconds(
        head.ir, SAMPLE_RATE
    )
    assert np.abs(itd).mean() < 2e-6


def test_features_do_not_depend_on_rate_or_silence() -> None:
    slow = make_set(40, sample_rate=44100)
    fast = slow.resampled(96000)
    a, b = features_of(slow), features_of(fast)
    low = slice(1, 80)  # the synthetic head ends below
    assert np.abs(a.magnitude_db - b.magnitude_db)[..., low].max() < 0.3
    np.testing.assert_allclose(a.arrival_seconds, b.arrival_seconds, atol=3e-6)
    padded = np.pad(slow.ir, ((0, 0), (0, 0), (500, 300)))
    later = features(padded, slow.positions, SAMPLE_RATE)
    np.testing.assert_allclose(later.arrival_seconds - a.arrival_seconds, 500 / 44100, atol=3e-6)
    both = features(np.stack([slow.ir, slow.ir]), slow.positions, SAMPLE_RATE)
    np.testing.assert_array_equal(both.magnitude_db[1], a.magnitude_db)


# --- completion -----------------------------------------------------------------------------


def test_measured_directions_stay_as_they_are(few: HrtfSet, upsampler: Method) -> None:
    targets = np.concatenate([sphere(50), few.positions[:2]])
    done = complete(few, upsampler, targets, "completed")
    assert (done.n_measured, done.n_predicted) == (6, 50)
    assert done.hrtf.sample_rate == 48000
    assert done.hrtf.name == "synthetic, completed"
    kept = done.hrtf.ir[:6, :, : few.n_taps]
    np.testing.assert_array_equal(kept, few.ir)
    assert not np.any(done.hrtf.ir[:6, :, few.n_taps :])
    true = make_set(120, sample_rate=48000)
    itd = itd_correlation_seconds(done.hrtf.ir, 48000)
    lateral = done.hrtf.positions[:, 1]
    assert np.corrcoef(itd, -lateral)[0, 1] > 0.95
    assert np.abs(itd).max() < 2.0 * np.abs(itd_correlation_seconds(true.ir, 48000)).max()


def test_sound_before_the_start_moves_all_by_whole_samples(few: HrtfSet, upsampler: Method) -> None:
    early = HrtfSet(few.ir[..., 38:], few.positions, 1.0, 48000)
    done = complete(early, upsampler, sphere(30))
    lead = np.argmax(np.any(done.hrtf.ir[:6] != 0.0, axis=(0, 1)))
    np.testing.assert_array_equal(
        done.hrtf.ir[:6, :, lead : lead + early.n_taps], early.ir[:, :, : done.hrtf.n_taps]
    )


def test_densified_sets_hold_the_measured_directions_and_those_between() -> None:
    head = make_set(24, sample_rate=44100)
    others = ListenersAcross()
    others.fit(some_listeners(4))
    done = densified(head, others)
    assert done.n_predicted > 24
    np.testing.assert_array_equal(done.hrtf.ir[:24, :, : head.n_taps], head.ir)
    distance = np.linalg.norm(done.hrtf.positions[24:, None] - head.positions[None], axis=-1).min(
        axis=1
    )
    assert np.rad2deg(distance.min()) > 3.0
    assert len(between_measured(head.positions)) == done.n_predicted
    with pytest.raises(HrtfError, match="1600 directions; it is dense enough"):
        densified(make_set(1600, n_taps=64), others)


# --- what is refused -------------------------------------------------------------------------


def with_rows(hrtf: HrtfSet, ir: np.ndarray, positions: np.ndarray | None = None) -> HrtfSet:
    where = hrtf.positions if positions is None else positions
    return HrtfSet(ir, where, hrtf.radius_m, hrtf.sample_rate)


def test_a_wrong_side_of_all_is_refused_and_of_one_left_out(few: HrtfSet) -> None:
    with pytest.raises(HrtfError, match=r"--swap-ears\) or the azimuths run clockwise"):
        checked(with_rows(few, few.ir[:, ::-1]))
    with pytest.raises(HrtfError, match="--mirror-azimuth"):
        checked(with_rows(few, few.ir, few.positions * [1.0, -1.0, 1.0]))
    row = int(np.argmax(np.abs(few.positions[:, 1])))
    positions = few.positions.copy()
    positions[row, 1] *= -1.0
    left, findings = checked(with_rows(few, few.ir, positions))
    assert len(left.ir) == len(few.ir) - 1
    assert "1 direction(s) are labelled on the wrong side and were left out" in findings[0]
    assert f"number {row} " in findings[0]


def test_doubles_count_once_and_must_agree(few: HrtfSet) -> None:
    twice = np.r_[0, 1, 2, 2, 3, 4, 5]
    kept, findings = checked(with_rows(few, few.ir[twice], few.positions[twice]))
    np.testing.assert_array_equal(kept.ir, few.ir)
    assert "1 direction(s) are there more than once" in findings[0]
    other = few.ir[twice].copy()
    other[3] *= 3.0
    with pytest.raises(HrtfError, match=r"directions 2 and 3 have one position .* by 9\.5 dB"):
        checked(with_rows(few, other, few.positions[twice]))


def test_noise_silence_and_low_rates_are_refused(few: HrtfSet) -> None:
    long = np.pad(few.ir, ((0, 0), (0, 0), (0, 600)))
    noise = np.random.default_rng(0).normal(size=long.shape)
    loud = with_rows(few, long + 0.5 * np.abs(long).max() * noise)
    with pytest.raises(HrtfError, match="6 of 6 responses are noise more than sound"):
        checked(loud)
    checked(with_rows(few, long + 1e-4 * np.abs(long).max() * noise))
    silent = few.ir.copy()
    silent[[4, 5], 1] = 0.0
    with pytest.raises(HrtfError, match="2 of 6 directions are silent at an ear.*number 4"):
        checked(with_rows(few, silent))
    with pytest.raises(HrtfError, match="at 32000 Hz and has no sound up to 20 kHz"):
        checked(HrtfSet(few.ir, few.positions, 1.0, 32000))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda ir: np.zeros_like(ir), "silent at an ear"),
        (lambda ir: np.clip(ir, -0.2 * np.abs(ir).max(), 0.2 * np.abs(ir).max()), "clipped"),
        (lambda ir: 8.0 * ir, "dB louder or softer than those around"),
        (lambda ir: ir + 0.3 * np.abs(ir).max() * CHIRP, "noise more"),
    ],
)
def test_one_poor_response_is_left_out_and_said(fault: object, reason: str) -> None:
    assert callable(fault)
    head = make_set(90, sample_rate=48000)
    ir = np.pad(head.ir, ((0, 0), (0, 0), (0, 600)))
    # A response wide enough that its top can be cut off.
    ir = np.apply_along_axis(lambda one: np.convolve(one, np.hanning(24), "same"), -1, ir)
    good, findings = checked(with_rows(head, ir))
    assert len(good.ir) == 90
    assert findings == ()
    ir[33] = fault(ir[33])
    kept, findings = checked(with_rows(head, ir))
    np.testing.assert_array_equal(kept.ir, np.delete(ir, 33, axis=0))
    assert len(findings) == 1
    assert reason in findings[0]
    assert "number 33 " in findings[0]


def test_nobody_of_four_laboratories_loses_a_response_to_its_level(data_dir: Path) -> None:
    for name in ("sonicom", "sadie1", "hutubs", "cipic"):
        people = people_only(subjects_in(data_dir, name))
        for row in range(0, len(people), 6):
            for finding in checked(people.hrtf_set(row))[1]:
                assert "around" not in finding
                assert "clipped" not in finding
                assert "noise" not in finding


# --- what ships ------------------------------------------------------------------------------


def test_listeners_are_stored_small_and_come_back(tmp_path: Path) -> None:
    train = some_listeners(6)
    path = tmp_path / "some.safetensors"
    shipped.save(train, path)
    back = shipped.load(path)
    error = (back.magnitude_db - train.magnitude_db)[..., EVALUATED_BINS]
    assert np.sqrt(np.mean(error**2)) < 0.1
    np.testing.assert_allclose(back.arrival_seconds, train.arrival_seconds, atol=2e-6)
    path.write_bytes(b"not a model")
    with pytest.raises(AuricleError, match=r"some\.safetensors: is no file of listeners"):
        shipped.load(path)
    with pytest.raises(AuricleError, match="there is no such file"):
        shipped.load(tmp_path / "none.safetensors")


def test_what_ships_is_small_and_whole() -> None:
    assert shipped.PATH.stat().st_size < 5e6
    train = shipped.shipped_training()
    assert len(train) == 123
    assert train.dataset == "HUTUBS + CIPIC"
    std_db = train.magnitude_db[..., EVALUATED_BINS].std(axis=0).mean()
    assert 3.0 < std_db < 6.0


def test_what_to_expect_falls_with_the_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = {"lsd_db": 4.0, "itd_error_us": 20.0, "ild_error_db": 1.0}
    half = {name: value / 2.0 for name, value in cell.items()}
    table = {"of": "measured on X", "methods": {"a": {"4": cell, "100": half}}}
    monkeypatch.setattr(expected_errors, "_table", lambda path: table)
    assert expected_errors.best_method(20) == "a"
    assert expected_errors.expected("a", 20)["lsd_db"] == pytest.approx(3.0, abs=1e-6)
    assert expected_errors.expected("a", 1) == cell
    other = {name: value * 0.9 for name, value in cell.items()}
    table["methods"]["b"] = {"4": {name: 2.0 * value for name, value in other.items()}}
    assert expected_errors.best_method(100) == "a"  # b was not measured there


@pytest.mark.parametrize("rows", [[0, 60, 150, 300, 430], list(range(0, 440, 20))])
def test_who_ships_is_known_by_the_responses(rows: list[int]) -> None:
    train = shipped.shipped_training()
    where = train.positions[rows]
    rng = np.random.default_rng(3)
    for row in (4, 100):
        own = train.take([row]).listener(0, np.array(rows))
        noise = rng.normal(0.0, 1.5, own.magnitude_db.shape).astype(np.float32)
        louder = own.magnitude_db + noise + 7.0
        assert is_among(Features(louder, own.arrival_seconds), where, train)
    others = train.take([row for row in range(0, 123) if row != 4])
    own = train.take([4]).listener(0, np.array(rows))
    assert not is_among(own.features, where, others)


def test_strangers_are_not_among_those_that_ship(data_dir: Path) -> None:
    train = shipped.shipped_training()
    for name in ("sonicom", "sadie1", "hutubs", "cipic"):
        people = people_only(subjects_in(data_dir, name))
        rows = spread_rows(people.positions, 7)
        for row in range(0, len(people), len(people) // 5):
            few = people.hrtf_set(row).subset(rows)
            known = is_among(features_of(few), few.positions, train)
            assert known == (name in ("hutubs", "cipic")), (name, people.ids[row])


def test_the_engine_interpolates_where_prediction_does_not_help() -> None:
    class Wrong:
        """Predicts the same for all directions."""

        name, n_parameters = "wrong", 0

        def fit(self, train: object) -> None:
            """Nothing."""

        def predict(self, measured: MeasuredListener, targets: np.ndarray) -> Prediction:
            shape = (len(targets), 2)
            return Prediction(
                np.full((*shape, 129), float(measured.magnitude_db.mean()), np.float32),
                np.full(shape, float(measured.arrival_seconds.mean())),
            )

    head = make_set(90, sample_rate=48000)
    done = densified(head, Wrong())
    assert done.by == "interpolation"
    assert done.taken.startswith("Taken: interpolation. At ")
    assert "wrong had LSD" in done.taken
    np.testing.assert_array_equal(done.hrtf.ir[:90], head.ir)
    assert done.hrtf.n_measured == 90
    plain = completed_by_interpolation(head, done.hrtf.positions[90:])
    np.testing.assert_array_equal(plain.hrtf.ir, done.hrtf.ir)


# --- the command line ------------------------------------------------------------------------


def test_from_a_measured_file_to_a_whole_one(
    few: HrtfSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, grid, out = (tmp_path / name for name in ("few.sofa", "grid.sofa", "out.sofa"))
    few.save(source)
    make_set(30).save(grid)
    assert run("personalize", "sparse", source, "-o", out, "--positions", grid) == 0
    said = capsys.readouterr().out
    assert "6 measured directions as they were" in said
    assert "predicted by listeners-across" in said
    assert f"Next: auricle render SOUND.wav -o OUT.wav --hrtf {out}" in said
    whole = HrtfSet.load(out)
    assert whole.n_directions == 36
    assert whole.n_measured == 6
    assert whole.predicted is not None
    np.testing.assert_array_equal(whole.predicted, np.arange(36) >= 6)
    np.testing.assert_allclose(whole.ir[:6, :, : few.n_taps], few.ir, atol=1e-12)


def test_dense_sets_are_filled_by_the_network_that_ships_without_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    source, grid, out = (tmp_path / name for name in ("set.sofa", "grid.sofa", "out.sofa"))
    head = make_set(90, sample_rate=48000)
    head.save(source)
    make_set(25).save(grid)
    assert run("personalize", "densify", source, "-o", out, "--positions", grid) == 0
    said = capsys.readouterr().out
    assert "25 predicted by " in said
    assert "\nTaken: " in said
    whole = HrtfSet.load(out)
    np.testing.assert_allclose(whole.ir[: len(head.ir), :, : head.n_taps], head.ir, atol=1e-12)


def test_errors_between_fewer_directions_than_were_measured_are_not_made_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = {"lsd_db": 2.0, "itd_error_us": 10.0, "ild_error_db": 0.5}
    table = {"of": "measured on X", "methods": {"a": {"80": cell}}}
    monkeypatch.setattr(expected_errors, "_table", lambda path: table)
    assert "To expect between 80 directions: LSD 2.0 dB (345 Hz" in (
        expected_errors.sentence_between("a", 80)
    )
    assert expected_errors.sentence_between("a", 70) == (
        "Between fewer than 80 directions errors of a were not measured."
    )
    assert expected_errors.sentence_between("a", 200).startswith(
        "Between more than 80 directions errors were not measured. To expect between 80 directions"
    )
    assert expected_errors.sentence_between("b", 70) == "No errors of b were measured."


def test_few_directions_are_filled_without_the_network() -> None:
    train = shipped.shipped_training()
    assert dense_method(FEWEST_REFINED - 1, train).name == "listeners-across"
    assert dense_method(FEWEST_REFINED, train).name == "dense-refiner-across"


def test_bad_input_is_one_line(
    few: HrtfSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "few.sofa", tmp_path / "out.sofa"
    few.save(source)
    assert run("personalize", "sparse", source, "-o", out, "--method", "magic") == 2
    assert capsys.readouterr().err.startswith("auricle: error: there is no method 'magic'")
    assert run("personalize", "sparse", source, "-o", out, "--swap-ears") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "the ears are exchanged" in lines[0]
    assert not out.exists()
    before = source.read_bytes()
    assert run("personalize", "sparse", source, "-o", source) == 2
    assert "is an input; choose another output" in capsys.readouterr().err
    assert run("personalize", "densify", source, "-o", tmp_path / "out.wav") == 2
    assert "must end in .sofa" in capsys.readouterr().err
    assert source.read_bytes() == before
    assert run("train", "nothing", "--data", tmp_path) == 2
    assert run("compare", "--data", tmp_path) == 2
    assert "holds no data set sonicom" in capsys.readouterr().err
    assert run("render", "x.wav", "-o", tmp_path / "x2.wav", "--densify") == 2
