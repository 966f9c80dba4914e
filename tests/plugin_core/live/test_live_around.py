"""Beds, ambisonics and wide sources in live sound are what the offline renderers make of them."""

import numpy as np
import pytest
import soundfile
import synthetic_set
from synthetic_set import level_db

from auricle.dsp.ambisonics.renderer import AmbisonicRenderer
from auricle.dsp.errors import AuricleError
from auricle.dsp.loudspeakers.bed import Bed, bass_gain
from auricle.dsp.loudspeakers.layouts import layout
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.plugin_core.live.live import Live
from auricle.plugin_core.live.sources import Noise, Track, channels, of_role

pytestmark = pytest.mark.filterwarnings("ignore::auricle.dsp.errors.SetWarning")

RATE, FRAMES = 48000, 9000
TURN = {"yaw_deg": 50.0, "pitch_deg": 10.0}


@pytest.fixture(autouse=True)
def sets(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))


@pytest.fixture(scope="module")
def heads():
    return synthetic_set.make_set(n=60, n_taps=160)


def written(path, n_channels):
    audio = 0.1 * np.random.default_rng(n_channels).standard_normal((FRAMES, n_channels))
    soundfile.write(path, audio, RATE, subtype="FLOAT")
    return np.ascontiguousarray(audio.T, dtype=np.float32)


def recorded(heads, tracks, path, **options):
    live = Live(
        heads,
        tracks,
        backend="null",
        unpaced=True,
        record=path,
        rank=8,
        sample_rate=RATE,
        **options,
    )
    live.set_listener(**TURN, position=(0.2, 0.1, 0.0))
    with live:
        live.wait()
    assert not live.troubles
    return np.ascontiguousarray(soundfile.read(path, dtype="float32")[0].T), live


def test_a_bed_is_what_it_is_offline(heads, tmp_path):
    """It goes with the listener and does not turn; its LFE goes to both ears."""
    audio = written(tmp_path / "bed.wav", 6)
    found, live = recorded(heads, [tmp_path / "bed.wav"], tmp_path / "out.wav")
    assert live.n_sources == 5
    bed = Bed(layout("5.1"), RATE, bass_gain=bass_gain(heads, RATE))
    renderer = BinauralRenderer(heads, RATE, n_sources=5, rank=8)
    renderer.set_positions(bed.positions_m + [0.2, 0.1, 0.0])
    renderer.set_listener(**TURN, position=(0.2, 0.1, 0.0))
    wanted = renderer.process(bed.sources(audio)) + bed.lfe(audio)
    assert level_db(found[:, :FRAMES] - wanted, wanted) < -110.0
    meters = live.statistics()["meters"]
    assert (len(meters["sources"]), len(meters["around"])) == (5, 1)


@pytest.mark.parametrize("kind", ["sn3d", "n3d"])
def test_ambisonics_turn_against_the_head(heads, tmp_path, kind):
    audio = written(tmp_path / "field.wav", 4)
    track = Track(tmp_path / "field.wav", normalisation=kind)
    found, live = recorded(heads, [track], tmp_path / "out.wav")
    renderer = AmbisonicRenderer(heads, RATE, order=1, normalisation=kind)
    renderer.set_listener(**TURN)
    wanted = renderer.process(audio)
    assert level_db(found[:, :FRAMES] - wanted, wanted) < -110.0
    assert live.n_sources == 1  # silent: a renderer has at least one


def test_sources_wait_for_ambisonics(heads, tmp_path):
    """A decoder is some samples late: what stands beside it is as late."""
    voice = written(tmp_path / "voice.wav", 1)
    soundfile.write(tmp_path / "field.wav", np.zeros((FRAMES, 4)), RATE, subtype="FLOAT")
    field = Track(tmp_path / "field.wav", type="ambisonic")
    found, _ = recorded(heads, [tmp_path / "voice.wav", field], tmp_path / "out.wav")
    late = AmbisonicRenderer(heads, RATE, order=1).latency_samples
    renderer = BinauralRenderer(heads, RATE, rank=8)
    renderer.set_listener(**TURN, position=(0.2, 0.1, 0.0))
    wanted = np.pad(renderer.process(voice), ((0, 0), (late, 0)))[:, :FRAMES]
    assert late > 0
    assert level_db(found[:, :FRAMES] - wanted, wanted) < -100.0


def test_furse_malham_is_converted(heads, tmp_path):
    audio = written(tmp_path / "field.wav", 4)
    soundfile.write(
        tmp_path / "fuma.wav", (audio[[0, 3, 1, 2]] * [[0.5**0.5], [1], [1], [1]]).T, RATE,
        subtype="FLOAT",
    )  # fmt: skip
    first, _ = recorded(
        heads, [Track(tmp_path / "field.wav", type="ambisonic")], tmp_path / "1.wav"
    )
    second, _ = recorded(
        heads, [Track(tmp_path / "fuma.wav", normalisation="fuma")], tmp_path / "2.wav"
    )
    assert level_db(second - first, first) < -100.0


def test_a_wide_source_is_heard_live(heads, tmp_path):
    audio = written(tmp_path / "voice.wav", 1)
    live = Live(
        heads, [tmp_path / "voice.wav"], backend="null", unpaced=True, rank=8, sample_rate=RATE,
        record=tmp_path / "out.wav",
    )  # fmt: skip
    live.set_widths(60.0)
    with live:
        live.wait()
    found = soundfile.read(tmp_path / "out.wav", dtype="float32")[0].T[:, :FRAMES]
    point = BinauralRenderer(heads, RATE, rank=8).process(audio)
    assert level_db(found - point, point) > -30.0
    for ear, beside in zip(found[:, 3000:], point[:, 3000:], strict=True):
        assert abs(level_db(ear, beside)) < 3.0


def test_the_set_is_exchanged_under_beds_and_ambisonics(heads, tmp_path):
    """What follows on the exchange is the other set's, also that of fields and LFE."""
    written(tmp_path / "bed.wav", 6)
    written(tmp_path / "field.wav", 4)
    other = synthetic_set.make_set(n=40, n_taps=300)
    live = Live(
        heads, [Track(tmp_path / "bed.wav", loop=True), Track(tmp_path / "field.wav", loop=True,
        type="ambisonic")], backend="null", rank=8, sample_rate=RATE,
    )  # fmt: skip
    with live:
        live.set_hrtf(other)
        for _ in range(400):
            figures = live.statistics()
            if figures["hrtf"] == prepare(other, RATE, rank=8).report and not figures["exchanging"]:
                break
            live.wait(0.02)
        fields = live._shared.arrays.fields
        assert fields[0, 2] == live._around._kept[-1].filters[0].address
        assert live._shared.arrays.lfe_gain[0] == live._around._kept[-1].lfe_gain
    assert not live.troubles


@pytest.mark.parametrize(
    ("track", "n_channels", "message"),
    [
        ({"type": "cloud"}, 2, "of type object, bed, ambisonic, not 'cloud'"),
        ({"type": "object"}, 6, "6 channels are no object"),
        ({"type": "ambisonic"}, 5, "5 channels are no full set of ambisonics"),
        ({"type": "bed", "layout": "7.1.4"}, 6, "6 channels, and as bed it has 12"),
        ({"layout": "9.9"}, 2, "9.9"),
    ],
)
def test_tracks_that_are_not_of_their_type_are_refused(tmp_path, track, n_channels, message):
    written(tmp_path / "a.wav", n_channels)
    with pytest.raises(AuricleError, match=message):
        Live(None, [Track(tmp_path / "a.wav", **track)], backend="null")


def test_tables_alone_do_for_sources_and_not_for_what_is_around(heads, tmp_path):
    written(tmp_path / "bed.wav", 6)
    live = Live(prepare(heads, RATE, rank=8), [tmp_path / "bed.wav"], backend="null", rank=8)
    with pytest.raises(AuricleError, match="give that, not its tables"):
        live.start()


def test_rows_are_sources_first(tmp_path):
    written(tmp_path / "bed.wav", 6)
    written(tmp_path / "field.wav", 9)
    rows = channels(
        [Track(tmp_path / "field.wav", type="ambisonic"), Track(tmp_path / "bed.wav"), Noise()]
    )
    assert (of_role(rows, "source"), of_role(rows, "lfe")) == (list(range(6)), [6])
    assert of_role(rows, "field") == list(range(7, 16))
    assert [rows[i].follows for i in range(6)] == [True] * 5 + [False]
