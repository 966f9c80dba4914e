"""Scenes: what is drawn, how it is rendered, what training and tests get of it."""

from pathlib import Path

import endtoend_people
import numpy as np
import pytest
import synthetic_set

pytest.importorskip("torch")

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import angle_deg, quaternion_from_ypr_deg
from auricle.personalization.datasets.head_traces import HeadTrace
from auricle.personalization.datasets.subjects import DatasetError
from auricle.personalization.endtoend.listeners.people import (
    LEAD_SAMPLES,
    Listeners,
    led,
    load_listeners,
)
from auricle.personalization.endtoend.physics.poses import RATE, STEP, Poses, step_times
from auricle.personalization.endtoend.scenes.clip_store import kept_pool
from auricle.personalization.endtoend.scenes.dry_sounds import LEVEL, SoundSet, with_noise
from auricle.personalization.endtoend.scenes.head_motion import (
    FARTHEST_M,
    STEP_SECONDS,
    HeadTraces,
    on_step_grid,
    source_way,
)
from auricle.personalization.endtoend.scenes.reference_renderer import ExplicitRenderer, delayed
from auricle.personalization.endtoend.scenes.scenes import SceneSampler, SceneSet, whole_scenes
from auricle.personalization.endtoend.scenes.shoebox import Room, draw_room, images
from auricle.personalization.endtoend.systems.base import CONTEXT_STEPS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("h5py")
    folder = tmp_path_factory.mktemp("data")
    endtoend_people.write_data(folder)
    return folder


@pytest.fixture(scope="module")
def people(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Listeners:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AURICLE_CACHE", str(tmp_path_factory.mktemp("cache") / "sets"))
        return load_listeners(data)


@pytest.fixture(scope="module", autouse=True)
def soon_prepared():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auricle.personalization.endtoend.scenes.reference_renderer.EDGE_DEG", 30.0)
        yield


# Sounds.


def test_sounds_are_drawn_by_role_and_licence(data: Path) -> None:
    names = {}
    for role, licence in (
        ("train", "all"),
        ("train", "shippable"),
        ("validation", "all"),
        ("test", "all"),
    ):
        sounds = SoundSet(data, role, licence)  # type: ignore[arg-type]
        names[role, licence] = {each.stem for each in sum(sounds.files.values(), [])}
    assert names["train", "all"] == {"a", "b", "song"}
    assert names["train", "shippable"] == {"a", "b"}
    assert names["validation", "all"] == {"asterisk_ru_16k_120s"}
    assert names["test", "all"] == {"asterisk_en_16k_120s", "singing"}


def test_a_sound_is_the_same_for_the_same_seed_and_as_loud_as_said(data: Path) -> None:
    sounds, rng = SoundSet(data, "train"), np.random.default_rng(3)
    drawn = [sounds.draw(rng, 48000) for _ in range(40)]
    assert {each.kind for each in drawn} == {"speech", "music", "synthetic"}
    assert len({each.name for each in drawn}) >= 6
    for each in drawn:
        assert each.mono.shape == (48000,)
        assert np.sqrt(np.mean(each.mono.astype(float) ** 2)) == pytest.approx(LEVEL, rel=1e-4)
    again = sounds.draw(np.random.default_rng(3), 48000)
    assert np.array_equal(again.mono, drawn[0].mono)
    assert not np.array_equal(sounds.draw(np.random.default_rng(4), 48000).mono, drawn[0].mono)


def test_noise_is_as_far_below_as_asked_for(data: Path) -> None:
    sound = SoundSet(None, "train").draw(np.random.default_rng(0), 48000).mono
    noisy = with_noise(sound, 20.0, np.random.default_rng(1))
    assert synthetic_set.level_db(noisy - sound, sound) == pytest.approx(-20.0, abs=0.01)


def test_without_sounds_of_a_kind_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no sounds of speech for test"):
        SoundSet(tmp_path, "test", shares={"speech": 1.0})


# Heads and ways.


def test_heads_are_split_by_user_and_follow_their_recording(data: Path) -> None:
    by_role = {
        role: set(HeadTraces(data, role).names)  # type: ignore[arg-type]
        for role in ("train", "validation", "test")
    }
    assert by_role["train"] == {"multiviewpoint 1", "multiviewpoint 2"}
    assert by_role["validation"] == {"multiviewpoint 3"}
    assert by_role["test"] == {"multiviewpoint 4"}
    q, places, name = HeadTraces(data, "test").draw(np.random.default_rng(2), 500)
    assert (q.shape, places.shape, name) == ((501, 4), (501, 3), "multiviewpoint 4")
    # 60 degrees of sine at 1 rad a second: at most 60 degrees a second, and never a flip.
    turned = angle_deg(q[1:], q[:-1])  # half the angle of rotation
    assert 2.0 * turned.max() / STEP_SECONDS < 66.0


def test_a_trace_with_uneven_times_lands_on_the_grid() -> None:
    rng = np.random.default_rng(0)
    seconds = np.concatenate([[0.0], np.cumsum(rng.uniform(0.005, 0.03, 200))])
    yaw = 40.0 * np.sin(2.0 * seconds)
    trace = HeadTrace(
        seconds, quaternion_from_ypr_deg(yaw), np.stack([seconds, -seconds, 0 * seconds], 1)
    )
    q, places = on_step_grid(trace)
    times = np.arange(len(q)) * STEP_SECONDS
    wanted = quaternion_from_ypr_deg(np.interp(times, seconds, yaw))
    assert np.max(angle_deg(q, wanted)) < 0.01
    assert np.allclose(places[:, 0], times, atol=1e-9)


def test_sources_move_within_what_is_said() -> None:
    rng = np.random.default_rng(5)
    seen = set()
    speeds = []
    for _ in range(300):
        way, kind = source_way(rng, 750)
        seen.add(kind)
        assert way.shape == (751, 3)
        distance = np.linalg.norm(way, axis=1)
        assert distance.min() > 0.49
        assert distance.max() < FARTHEST_M + 2.0
        speeds.append(np.linalg.norm(np.diff(way, axis=0), axis=1).max() / STEP_SECONDS)
    assert seen == {"rest", "pass_by", "orbit", "wander_about"}
    assert np.max(speeds) < 20.1
    assert 0.0 < np.mean(np.array(speeds) > 4.0) < 0.1


# Rooms.


def test_images_are_mirrored_in_the_walls() -> None:
    room = Room(
        np.array([-1.0, -2.0, 0.0]), np.array([4.0, 5.0, 3.0]),
        np.array([[0.5, 0.6], [0.7, 0.8], [0.9, 0.3]]),
    )  # fmt: skip
    source = np.array([0.5, 1.0, 1.2])
    ways, gains = images(source[None], room, 2)
    assert ways.shape == (25, 1, 3)
    assert np.array_equal(ways[0, 0], source)
    assert gains[0] == 1.0
    slow = {(): (source, 1.0)}
    for _ in range(2):  # every chain of reflections, wall by wall
        for chain, (place, gain) in list(slow.items()):
            for axis in range(3):
                for side in (0, 1):
                    wall = room.corner_m[axis] + side * room.size_m[axis]
                    mirrored = place.copy()
                    mirrored[axis] = 2.0 * wall - place[axis]
                    key = (*chain, (axis, side))
                    if len(key) <= 2 and not (chain and chain[-1] == (axis, side)):
                        slow[key] = (mirrored, gain * room.reflection[axis, side])
    for place, gain in slow.values():
        near = np.linalg.norm(ways[:, 0] - place, axis=1)
        assert near.min() < 1e-12
        assert gains[np.argmin(near)] == pytest.approx(gain)


def test_a_room_holds_what_is_in_it() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        places = rng.normal(size=(30, 3)) * 2.0
        room = draw_room(rng, places)
        assert np.all(places > room.corner_m + 0.39)
        assert np.all(places < room.corner_m + room.size_m - 0.39)
        assert np.all((room.reflection > 0.5) & (room.reflection < 1.0))


# Rendering.


def test_a_delay_is_exact_also_below_nothing() -> None:
    rng = np.random.default_rng(0)
    size = 8192
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum[int(0.37 * size) :] = 0.0  # up to 17.8 kHz
    mono = np.fft.irfft(spectrum)
    mono *= np.hanning(size)
    for late in (0.0, 3.3, -9.4, 211.77):
        turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size * late)
        wanted = np.fft.irfft(np.fft.rfft(mono) * turn)
        found = delayed(mono.astype(np.float32), np.full(size // STEP + 1, late))
        inside = np.s_[300:-300]
        assert synthetic_set.level_db((found - wanted)[inside], wanted[inside]) < -75.0


def test_a_moving_delay_runs_along_straight_lines() -> None:
    late = np.array([20.0, 24.0, 30.0])
    mono = np.sin(0.2 * np.arange(2 * STEP)).astype(np.float32)
    share = np.arange(1, STEP + 1) / STEP
    line = np.concatenate([20.0 + 4.0 * share, 24.0 + 6.0 * share])
    wanted = np.sin(0.2 * (np.arange(2 * STEP) - line))
    assert np.max(np.abs(delayed(mono, late) - wanted)[60:]) < 1e-3


def test_a_resting_source_is_convolution_with_the_measured_response() -> None:
    """Slowly and directly: late by r / c less the lead, softer by 1 / r, 1 kHz to 18 kHz."""
    hrtf = synthetic_set.make_set(60)
    hrtf = type(hrtf)(led(hrtf.ir, hrtf.positions), hrtf.positions, 1.0, RATE, "led")
    renderer = ExplicitRenderer(hrtf)
    mono = np.random.default_rng(0).standard_normal(60 * STEP).astype(np.float32)
    size = 4 * len(mono)
    hz = np.fft.rfftfreq(size, 1.0 / RATE)
    for row, distance in ((3, 1.3), (40, 0.45)):
        poses = Poses(np.tile(distance * hrtf.positions[row], (61, 1)))
        found = renderer.render(mono, [poses])
        late = distance / SOUND_SPEED_M_S - LEAD_SAMPLES / RATE
        for ear in range(2):
            slow = np.convolve(mono.astype(np.float64), hrtf.ir[row, ear])
            turn = np.exp(-2j * np.pi * hz * late) / distance
            wanted = np.fft.irfft(np.fft.rfft(slow, size) * turn, size)[: len(mono)]
            inside = np.s_[300:-300]
            assert synthetic_set.level_db((found[ear] - wanted)[inside], wanted[inside]) < -60.0
    with pytest.raises(AuricleError, match="whole steps of 128"):
        renderer.render(mono[:-1], [poses])
    with pytest.raises(AuricleError, match="must be at 48000 Hz, not 44100"):
        ExplicitRenderer(synthetic_set.make_set(20, sample_rate=44100))


def test_images_add_up() -> None:
    hrtf = synthetic_set.make_set(30)
    renderer = ExplicitRenderer(hrtf)
    mono = np.random.default_rng(0).standard_normal(20 * STEP).astype(np.float32)
    both = [Poses(np.tile(place, (21, 1))) for place in ([1.0, 0.5, 0.0], [0.2, -2.0, 1.0])]
    alone = [renderer.render(mono, [each]) for each in both]
    together = renderer.render(mono, both, [1.0, 0.4])
    assert synthetic_set.level_db(together - alone[0] - 0.4 * alone[1], together) < -100.0


# Sets of scenes.


@pytest.fixture(scope="module")
def scenes(data: Path, people: Listeners, tmp_path_factory: pytest.TempPathFactory) -> SceneSet:
    codes = np.arange(len(people) * 2 * 3, dtype=np.float32).reshape(-1, 2, 3) + 1.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AURICLE_CACHE", str(tmp_path_factory.mktemp("pool") / "sets"))
        said: list[str] = []
        made = SceneSet(people, data, codes=codes, scenes_each=2, most_people=2, say=said.append)
        assert not said  # rendered when they are first needed
        made.batch(np.random.default_rng(0))
        made.judges()
        assert len(said) == 3
        again = SceneSet(people, data, scenes_each=2, most_people=1, say=said.append)
        again.batch(np.random.default_rng(0))
        assert len(said) == 3  # nobody is rendered twice
    return made


def test_batches_are_pieces_of_scenes_by_seed(scenes: SceneSet) -> None:
    one, other = (scenes.batch(np.random.default_rng(7)) for _ in range(2))
    steps = scenes.piece_steps
    assert one.mono.shape == (8, steps * STEP)
    assert one.apparent_m.shape == (8, steps + 1, 3)
    assert one.binaural.shape == (8, 2, steps * STEP)
    assert one.code.shape == (8, scenes.code_size) == (8, 3)
    for name in ("mono", "apparent_m", "binaural", "code"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert one.warmup_samples == CONTEXT_STEPS * STEP


def test_a_batch_is_what_the_listener_hears_also_in_the_mirror(
    scenes: SceneSet, people: Listeners
) -> None:
    """Each piece rendered again, through the ears that its code names, mirrored or not."""
    rng = np.random.default_rng(1)
    codes = scenes._codes  # what was handed in
    renderers: dict[int, ExplicitRenderer] = {}
    sides, unknown, n_checked = set(), 0, 0
    for _ in range(6):
        batch = scenes.batch(rng)
        for k in range(8):
            if not batch.code[k].any():
                unknown += 1
                continue
            row, side = map(int, np.argwhere((codes == batch.code[k].numpy()).all(-1))[0])
            sides.add(side)
            if n_checked >= 6:
                continue
            n_checked += 1
            if row not in renderers:
                renderers[row] = ExplicitRenderer(people.hrtf_set(row))
            places = batch.apparent_m[k].numpy().astype(np.float64)
            if side:
                places = places * [1.0, -1.0, 1.0]
            heard = renderers[row].render(batch.mono[k].numpy(), [Poses(places)])
            wanted = batch.judged(batch.binaural)[k].numpy()
            found = heard[:: 1 - 2 * side, batch.warmup_samples :]
            assert synthetic_set.level_db(found - wanted, wanted) < -50.0
            assert synthetic_set.level_db(found[::-1] - wanted, wanted) > -20.0
    assert sides == {0, 1}
    assert 2 <= unknown <= 20


def test_judges_are_the_same_each_time_and_other_people(
    scenes: SceneSet, people: Listeners
) -> None:
    first, again = scenes.judges(), scenes.judges()
    assert all(np.array_equal(a.mono, b.mono) for a, b in zip(first, again, strict=True))
    who = {float(each) for batch in first for each in batch.code[:, 0]}
    assert who <= {float(scenes._codes[row, 0, 0]) for row in people.rows("validation")}
    assert not set(scenes.train_rows) & set(scenes.validation_rows)


def test_whole_scenes_are_the_same_for_each_listener(
    data: Path, people: Listeners, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "sets"))
    stage = SceneSampler.of(data, "test", noise_share=0.0)
    one, other = (list(whole_scenes(people, stage, row, 2)) for row in people.rows("test").tolist())
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.mono, b.mono)
        assert np.array_equal(a.poses.apparent_m, b.poses.apparent_m)
        assert synthetic_set.level_db(a.binaural - b.binaural, a.binaural) > -20.0
        assert a.binaural.shape == (2, len(a.mono)) == (2, 192000)
    monkeypatch.setattr("auricle.personalization.endtoend.scenes.scenes.ExplicitRenderer", None)
    kept = list(whole_scenes(people, stage, one[0].listener, 2))
    assert np.array_equal(kept[1].binaural, one[1].binaural)


def test_what_cannot_be_drawn_is_said(data: Path, people: Listeners) -> None:
    with pytest.raises(AuricleError, match=r"codes are \(7, D\) or \(7, 2, D\), got \(3, 4\)"):
        SceneSet(people, data, codes=np.zeros((3, 4), np.float32))
    with pytest.raises(AuricleError, match="a piece has 33 to 750 steps, got 20"):
        SceneSet(people, data, piece_steps=20)
    with pytest.raises(AuricleError, match="room_share is a share from 0 to 1, got 2"):
        SceneSampler.of(data, "train", room_share=2.0)


def test_rooms_have_images_and_the_systems_are_told_of_none(data: Path) -> None:
    stage = SceneSampler.of(data, "test", room_share=1.0, noise_share=0.0)
    dry = stage.draw([0, 1], 300)
    assert len(dry.sources) == len(dry.gains) == 25
    nearest = [each.distance_m.min() for each in dry.sources]
    assert np.argmin(nearest) == 0
    again = stage.draw([0, 1], 300)
    assert np.array_equal(again.sources[7].apparent_m, dry.sources[7].apparent_m)
    assert len(step_times(300 * STEP)) == len(dry.sources[0].apparent_m)


def test_a_pool_that_broke_off_is_not_there(tmp_path: Path) -> None:
    def broken():
        yield np.zeros(STEP, np.float32), np.zeros((2, 3), np.float32), np.zeros((2, STEP), "f")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept_pool(tmp_path / "x", 2, 1, broken)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x").mkdir()
    with pytest.raises(AuricleError, match="is damaged .* delete that folder"):
        kept_pool(tmp_path / "x", 2, 1, broken)
