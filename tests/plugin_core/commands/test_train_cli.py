import numpy as np
import pytest
import small_listeners

from auricle.dsp.geometry import azimuth_elevation_deg
from auricle.plugin_core.cli import main

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A packed set of made-up listeners."""
    h5py = pytest.importorskip("h5py")
    from auricle.personalization.listeners.features import to_responses

    people = small_listeners.listeners(10)
    ir = np.stack([
        to_responses(people.magnitude_db[k], people.arrival_seconds[k])[..., :256]
        for k in range(10)
    ])  # fmt: skip
    scale = np.abs(ir).max(axis=(1, 2, 3)) / 32767.0
    path = tmp_path_factory.mktemp("sets")
    with h5py.File(path / "toy.h5", "w") as file:
        file["ir_i16"] = np.round(ir / scale[:, None, None, None]).astype(np.int16)
        file["scale"] = scale.astype(np.float32)
        azimuth, elevation = azimuth_elevation_deg(people.positions)
        file["source_position"] = np.column_stack([azimuth, elevation, np.ones(len(azimuth))])
        file["ids"] = np.arange(10)
        file.attrs["sampling_rate"] = 44100.0
    return path


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache" / "sets"))


def status_and_line(capsys, *args):
    with pytest.raises(SystemExit) as ended:
        main(["train", *map(str, args)])
    printed = capsys.readouterr()
    return ended.value.code, printed.out if ended.value.code == 0 else printed.err


def test_a_network_is_trained_and_kept(folder, tmp_path, capsys):
    from auricle.personalization.sparse.trained import load_trained

    path = tmp_path / "w.safetensors"
    code, line = status_and_line(
        capsys, "fsp-ae", "--data", folder, "--set", "toy", "-o", path, "--minutes", "0.001"
    )
    assert code == 0
    assert "fsp-ae, " in line
    assert "dB of listeners held out" in line
    assert load_trained(path).name == "fsp-ae"


def test_a_network_completes_a_measured_set(folder, tmp_path, capsys):
    from auricle.dsp.hrtf.hrtf_set import HrtfSet
    from auricle.personalization.datasets.packed import load_h5

    weights, given, out = (tmp_path / name for name in ("w.safetensors", "few.sofa", "all.sofa"))
    status_and_line(
        capsys, "fsp-ae", "--data", folder, "--set", "toy", "-o", weights, "--minutes", "0.001"
    )
    people = load_h5(folder / "toy.h5")
    people.directions([0, 7, 20, 33, 41, 60]).hrtf_set(0).save(given)
    with pytest.raises(SystemExit) as ended:
        main(["personalize", "sparse", str(given), "-o", str(out), "--weights", str(weights)])
    assert ended.value.code == 0, capsys.readouterr().err
    assert HrtfSet.load(out).n_directions > 60
    with pytest.raises(SystemExit) as ended:
        main(["personalize", "sparse", str(given), "-o", str(out), "--method", "ranf"])
    assert ended.value.code == 2
    assert "ranf must be trained first: auricle train ranf" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("gan",), "no model 'gan' to train; there are listeners, default, refiner, dense-ref"),
        (("ranf", "-o", "nowhere/at/all"), "there is no folder"),
        (("ranf", "--set", "unknown"), "holds no data set unknown"),
        (("ranf", "--set", "toy", "--minutes", "0"), "seconds of a training plan must be above 0"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    folder, tmp_path, monkeypatch, capsys, args, text
):
    monkeypatch.chdir(tmp_path)
    code, line = status_and_line(capsys, *args, "--data", folder)
    assert code == 2
    assert line.startswith("auricle: error: ")
    assert text in line
    assert line.count("\n") == 1
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize(("model", "file"), [
    ("listeners", "listeners.safetensors"), ("default", "default.npz"),
])  # fmt: skip
def test_what_ships_is_never_written_over_unasked(
    folder, tmp_path, capsys, monkeypatch, model, file
):
    from auricle.dsp.hrtf import default_listener
    from auricle.personalization.listeners import shipped

    before = shipped.PATH.read_bytes(), default_listener.PATH.read_bytes()
    monkeypatch.chdir(tmp_path)
    code, line = status_and_line(capsys, model, "--data", folder, "--set", "toy")
    assert code == 0
    assert line.startswith(f"{file}: 10 listeners of ")
    code, line = status_and_line(capsys, model, "--data", folder, "--set", "toy")
    assert code == 2
    assert "is there already; name the file to write with -o" in line
    assert (shipped.PATH.read_bytes(), default_listener.PATH.read_bytes()) == before
