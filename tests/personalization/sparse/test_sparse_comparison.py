"""Methods on listeners left out: resumed, by fold, with networks and with simulated listeners."""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from listener_groups import some_listeners

from auricle.dsp.errors import AuricleError
from auricle.personalization.datasets.subjects import Subjects
from auricle.personalization.learning.weights import WeightsError
from auricle.personalization.listeners.features import SAMPLE_RATE, to_responses
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.sparse.evaluation import comparison, lazy_fit, localisation
from auricle.personalization.sparse.evaluation.comparison import OWN_EARS, Request, Result
from auricle.personalization.sparse.evaluation.lazy_fit import Fitted
from auricle.plugin_core.cli import main
from auricle.plugin_core.tables import sparse


@pytest.fixture(scope="module")
def whole() -> ListenerGroup:
    return some_listeners(6)


@pytest.fixture(scope="module")
def subjects(whole: ListenerGroup) -> Subjects:
    ir = np.stack([to_responses(*whole.listener(row).features) for row in range(6)])
    people = np.array([0, 0, 1, 2, 3, 4])
    return Subjects(
        tuple("abcdef"), ir, whole.positions, 1.0, SAMPLE_RATE, np.empty((6, 0)), (), people, "X"
    )


def test_comparisons_are_resumed_not_repeated(
    subjects: Subjects, whole: ListenerGroup, tmp_path: Path
) -> None:
    said: list[str] = []
    request = Request(["mean", "nearest"], tmp_path, said.append)
    first = list(comparison.compare_folds(subjects, whole, request, 2))
    assert len(said) == len(first) == 2 * 2 * 4
    again = list(comparison.compare_folds(subjects, whole, request, 2))
    assert len(said) == 16
    assert again == first
    text = sparse.as_markdown(first)
    assert "| X, 6 listeners of 2 folds: LSD dB | 4 | 9 | 16 | 100 |" in text
    assert json.loads(sparse.as_expected(first))["methods"]["mean"]["4"]["lsd_db"] > 0.5
    near = {r.n_measured: np.mean(r.listeners["lsd_db"]) for r in first if r.method == "nearest"}
    assert near[100] < near[16] < near[4]


def test_one_fold_is_the_same_as_among_all_and_the_table_says_so(
    subjects: Subjects, whole: ListenerGroup, tmp_path: Path
) -> None:
    request = Request(["nearest"], tmp_path / "all", lambda _: None)
    both = list(comparison.compare_folds(subjects, whole, request, 2))
    alone = Request(["nearest"], tmp_path / "one", lambda _: None)
    second = list(comparison.compare_folds(subjects, whole, alone, 2, only=[2]))
    assert [each.fold for each in second] == [1] * 4
    wanted = [each.listeners for each in both if each.fold == 1]
    assert [each.listeners for each in second] == wanted
    count = len(wanted[0]["lsd_db"])
    assert f"| X, {count} listeners of fold 2 of 2: LSD dB |" in sparse.as_markdown(second)


def test_results_kept_before_folds_were_named_are_read(
    subjects: Subjects, whole: ListenerGroup, tmp_path: Path
) -> None:
    request = Request(["mean"], tmp_path, lambda _: None)
    first = list(comparison.compare_folds(subjects, whole, request, 2, only=[1]))
    for path in tmp_path.glob("*.json"):
        facts = json.loads(path.read_text())
        del facts["n_folds"]
        path.write_text(json.dumps(facts))
    assert list(comparison.compare_folds(subjects, whole, request, 2, only=[1])) == first


def test_listeners_localise_best_with_their_own_ears(
    subjects: Subjects, whole: ListenerGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "counts_of", lambda dataset: (4, 60))
    monkeypatch.setattr(localisation, "DIRECTIONS", 60)
    said: list[str] = []
    request = Request(["random"], tmp_path, said.append, n_observed=2)
    found = list(comparison.compare_folds(subjects, whole, request, 2, only=[1]))
    assert len(said) == 2 * 2 + 1
    heard = {(r.method, r.n_measured): r for r in found if "lateral_rms_deg" in r.listeners}
    assert set(heard) == {("random", 4), ("random", 60), (OWN_EARS, 4), (OWN_EARS, 60)}
    assert {len(each) for r in heard.values() for each in r.listeners.values()} == {2}
    own, other = heard[OWN_EARS, 4].listeners, heard["random", 4].listeners
    assert heard[OWN_EARS, 60].listeners == own
    for name in ("polar_rms_deg", "quadrant_error_percent"):
        assert np.mean(own[name]) < np.mean(other[name])
    text = sparse.as_markdown(found)
    assert "2 listeners of fold 1 of 2: quadrant errors % | 4 | 60 |\n" in text
    assert text.count(f"| {OWN_EARS} |") == 3  # not among LSD, ITD, ILD, nor the costs
    assert list(json.loads(sparse.as_expected(found))["methods"]) == ["random"]


def test_what_is_measured_is_heard_as_measured(whole: ListenerGroup) -> None:
    rows = np.array([3, 8])
    guess = whole.listener(1)
    found = comparison.with_measured(guess, whole, 0, rows)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.magnitude_db[rows], whole.magnitude_db[0][rows])
    np.testing.assert_array_equal(found.arrival_seconds[rows], whole.arrival_seconds[0][rows])
    np.testing.assert_array_equal(found.magnitude_db[4], guess.magnitude_db[4])


def test_networks_keep_their_weights_by_how_long_they_trained(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    import small_listeners

    people = small_listeners.listeners()
    first = Fitted("fsp-ae", people, tmp_path, "here", 1e-4)
    made = first()
    assert first.seconds > 0.0
    assert first.label == "fsp-ae-0.0001min"
    assert [each.name for each in tmp_path.iterdir()] == ["fsp-ae-0.0001min-here.safetensors"]
    again = Fitted("fsp-ae", people.take([0]), tmp_path, "here", 1e-4)  # it need not learn
    measured, targets = people.listener(0, np.array([0, 7, 20])), people.positions[:5]
    np.testing.assert_array_equal(
        made.predict(measured, targets).magnitude_db,
        again().predict(measured, targets).magnitude_db,
    )
    assert again.seconds == first.seconds


def test_tables_hold_what_was_run() -> None:
    errors = dict.fromkeys(comparison.ERRORS, [1.0, 3.0])
    one = Result("X", "a", 4, 0, errors, 1.0, 60.0, 1000)
    text = sparse.as_markdown([one])
    assert "| X, 2 listeners: LSD dB | 4 |\n|---|---|\n| a | 2.00 (1.00) |" in text
    assert "| a | 1.0 | 1,000 | 1.0 |" in text
    three = [replace(one, fold=k, n_folds=5) for k in (0, 2)]
    text = sparse.as_markdown(three)
    assert "| X, 4 listeners of folds 1, 3 of 5: LSD dB |" in text


def test_tables_pair_the_same_listeners() -> None:
    errors = dict.fromkeys(comparison.ERRORS, [1.0, 3.0])
    one = Result("X", "a", 4, 0, errors, 1.0, 60.0, 1000)
    other = replace(one, method="b", listeners=dict.fromkeys(comparison.ERRORS, [1.5, 2.0]))
    text = sparse.as_markdown([one, other], "a")
    assert "LSD dB, less that of a (standard error); listeners with less | 4 |\n" in text
    assert "| b | -0.250 (0.750); 1 of 2 |" in text
    fewer = replace(other, listeners=dict.fromkeys(comparison.ERRORS, [1.5]))
    assert "| b | not the same listeners |" in sparse.as_markdown([one, fewer], "a")
    assert "less that" not in sparse.as_markdown([one, other])


def test_every_second_direction_of_another_laboratory(
    subjects: Subjects, whole: ListenerGroup, tmp_path: Path
) -> None:
    said: list[str] = []
    request = Request(["nearest", "barycentric", "listeners-across"], tmp_path, said.append)
    found = list(comparison.compare_between_across(some_listeners(5, 3), subjects, whole, request))
    errors = {each.method: np.mean(each.listeners["lsd_db"]) for each in found}
    assert [each.n_measured for each in found] == [(len(whole.positions) + 1) // 2] * 3
    assert {len(each.listeners["lsd_db"]) for each in found} == {6}
    assert errors["listeners-across"] < errors["barycentric"] < errors["nearest"]
    again = list(comparison.compare_between_across(some_listeners(5, 3), subjects, whole, request))
    assert again == found
    assert len(said) == 3
    assert (tmp_path / "across-between-X-6-nearest.json").is_file()
    np.testing.assert_array_equal(comparison.some_rows(80, 3), [0, 39, 79])
    np.testing.assert_array_equal(comparison.some_rows(3, 9), [0, 1, 2])


def test_networks_for_other_laboratories_are_not_trained_for_a_comparison(
    tmp_path: Path, whole: ListenerGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(lazy_fit, "shipped_weights", lambda name: tmp_path / "none.safetensors")
    with pytest.raises(AuricleError, match="then give --weights W"):
        Fitted("dense-refiner-across", whole, tmp_path, "across")
    given = tmp_path / "fsp-ae.safetensors"
    given.write_bytes(b"no weights")
    request = Request(["fsp-ae"], tmp_path, print, weights=tmp_path)
    made = request.fitted("fsp-ae", whole, "across")
    assert made.label == f"fsp-ae-{hashlib.sha256(b'no weights').hexdigest()[:8]}"
    with pytest.raises(WeightsError, match="damaged"):
        made()
    assert request.fitted("ranf", whole, "across").label == "ranf-5min"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--listeners", "3"), "--listeners goes with --across"),
        (("--listeners", "0", "--across"), "--listeners is at least 1, got 0"),
        (("--weights", "nowhere"), "nowhere: is no folder"),
        (("--against", "sh", "--method", "mean"), "--against sh: is not compared; there are mean"),
        (("--fold", "6"), "there is no --fold 6; there are 1 to 5"),
        (("--fold", "1", "--across"), "leave it out with --across"),
        (("--observer", "-1"), "--observer takes a number of listeners, got -1"),
        (("--observer", "4", "--densify"), "leave it out with --densify"),
        (("--minutes", "0"), "--minutes must be above 0, got 0"),
    ],
)
def test_what_cannot_be_compared_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], text: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--data", str(tmp_path), *args])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("auricle: error: ")
    assert text in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", [("compare", "--method", "ranf"), ("train", "ranf")])
def test_networks_without_torch_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "auricle.personalization.sparse.models.ranf", raising=False)
    with pytest.raises(SystemExit) as ended:
        main([*command, "--data", str(tmp_path)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == ("auricle: error: ranf needs torch: pip install torch\n")
