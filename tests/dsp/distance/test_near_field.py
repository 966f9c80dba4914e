"""Near-field tables and kernels against the sphere, plain NumPy, and sets measured near a head."""

from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_python import plain_python
from pulse_head import HEAD_RADIUS_M, full_sphere, pulse_head
from synthetic_set import level_db

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.compiled import options
from auricle.dsp.distance import cue_kernels as kernels
from auricle.dsp.distance import near_field
from auricle.dsp.distance.cues import EARS, DistanceCues, distance_gain
from auricle.dsp.distance.near_field import (
    NearFieldTable,
    delay_correction_m,
    near_field_table,
    parallax_cosine,
    parallax_directions,
    variation_db,
)
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters import biquad
from auricle.dsp.geometry import quaternion_from_ypr_deg, rotate, unit_vectors
from auricle.dsp.hrtf.head_radius import MEAN_RADIUS_M, head_radius_m
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render import spatialize
from auricle.dsp.render.binaural import BinauralRenderer

RATE = 48000
FAR_M = 3.0
HERE = np.zeros(3)
STEP = options.STEP


@lru_cache
def made(reference_m: float) -> NearFieldTable:
    return near_field_table(reference_m, HEAD_RADIUS_M, RATE)


@pytest.fixture(scope="module")
def table() -> NearFieldTable:
    return made(FAR_M)


def aimed(table: NearFieldTable, positions: np.ndarray, **options) -> DistanceCues:
    options = {"limit_m": np.inf, **options}
    cues = DistanceCues(len(positions), RATE, table, **options)
    cues.in_use = True  # or far sources are passed over
    cues.aim(np.asarray(positions, dtype=np.float64), np.eye(3), HERE, True)
    return cues


def test_the_variation_vanishes_at_the_sets_distance() -> None:
    hz = np.geomspace(50.0, 16000.0, 20)
    cosine = np.linspace(-1.0, 1.0, 21)
    sizes = [
        np.abs(variation_db(r, cosine, hz, FAR_M, HEAD_RADIUS_M)).max() for r in (0.2, 1.0, 2.9)
    ]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] < 0.15
    assert np.abs(variation_db(FAR_M, cosine, hz, FAR_M, HEAD_RADIUS_M)).max() < 1e-9
    np.testing.assert_allclose(
        delay_correction_m(FAR_M, cosine, FAR_M, HEAD_RADIUS_M), 0, atol=1e-9
    )
    np.testing.assert_allclose(
        parallax_cosine(FAR_M, cosine, FAR_M, HEAD_RADIUS_M), cosine, atol=1e-12
    )


def test_without_parallax_and_spot_it_is_the_ratio_of_spheres() -> None:
    hz, cosine = np.array([200.0, 3000.0, 9000.0]), np.array([1.0, 0.2, -1.0])
    plain = variation_db(0.3, cosine, hz, FAR_M, HEAD_RADIUS_M, parallax=False, spot=False)
    radius = near_field.SHADOW_RADIUS * HEAD_RADIUS_M
    near, far = (near_field.sphere_response(r, cosine, hz, radius) for r in (0.3, FAR_M))
    np.testing.assert_allclose(plain, 20.0 * np.log10(np.abs(near / far)))
    # The faded spot takes level from behind the head alone, and from high frequencies alone.
    faded = variation_db(0.3, cosine, hz, FAR_M, HEAD_RADIUS_M, parallax=False)
    np.testing.assert_allclose(faded[:2], plain[:2])
    assert faded[2, 0] == pytest.approx(plain[2, 0])
    assert faded[2, 2] < plain[2, 2] - 3.0


def test_shelves_follow_the_variation(table: NearFieldTable) -> None:
    hz = np.geomspace(100.0, 16000.0, 40)
    n_angles, n_distances = table.coefficients.shape[:2]
    inverse = np.linspace(1.0 / table.reference_m, 1.0 / table.nearest_m, n_distances)
    distances = 1.0 / (0.5 * (inverse[1:] + inverse[:-1]))  # between rows, where blends are worst
    cosines = np.cos((np.arange(n_angles - 1) + 0.5) * np.pi / (n_angles - 1))
    c = table.coefficients
    mid = 0.25 * (c[1:, 1:] + c[1:, :-1] + c[:-1, 1:] + c[:-1, :-1])
    error = 20.0 * np.log10(np.abs(biquad.response(mid, hz, RATE)))
    error -= variation_db(distances, cosines[:, None], hz, FAR_M, HEAD_RADIUS_M)
    assert np.sqrt(np.mean(error**2)) < 0.35
    assert np.percentile(np.abs(error), 99.0) < 1.5


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
def test_tables_are_stable_at_any_rate(rate: int) -> None:
    c = near_field_table(1.0, 0.075, rate).coefficients
    assert np.all(np.isfinite(c))
    assert np.all(np.abs(c[..., 4]) < 1.0)
    assert np.all(np.abs(c[..., 3]) < 1.0 + c[..., 4])
    np.testing.assert_allclose(np.abs(biquad.response(c[:, 0], [30.0, 5000.0], rate)), 1.0)


def test_a_set_measured_near_is_refused() -> None:
    with pytest.raises(AuricleError, match="measured at 0.25 m, inside the near field"):
        near_field_table(0.25, 0.09, RATE)


def test_the_kernel_is_the_plain_formulas(table: NearFieldTable) -> None:
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    distances = rng.uniform(0.15, 2.9, 200)
    cues = aimed(table, directions * distances[:, None])
    pairs = np.repeat(directions[:, None], 2, axis=1)
    ears = np.broadcast_to(EARS, pairs.shape)
    r = np.repeat(distances[:, None], 2, axis=1)
    wanted = parallax_directions(pairs, r, ears, FAR_M, HEAD_RADIUS_M)
    np.testing.assert_allclose(cues.directions, wanted, atol=1e-12)
    cosine = directions @ EARS.T
    samples = delay_correction_m(r, cosine, FAR_M, HEAD_RADIUS_M) * RATE / 343.0
    np.testing.assert_allclose(cues.delays, samples, atol=1e-9)
    hz = np.geomspace(100.0, 16000.0, 30)
    level = 20.0 * np.log10(np.abs(biquad.response(cues.coefficients[1], hz, RATE)))
    error = level - variation_db(r, cosine, hz, FAR_M, HEAD_RADIUS_M)
    assert np.sqrt(np.mean(error**2)) < 0.4


def test_constants_of_the_kernel_are_those_of_the_model() -> None:
    assert kernels.PARALLAX_RADIUS == near_field.PARALLAX_RADIUS
    assert kernels.FADE_COSINE == near_field.FADE_COSINE


def test_left_is_the_mirror_of_right(table: NearFieldTable) -> None:
    positions = np.array([[0.2, 0.3, 0.1], [-0.4, 0.1, -0.2], [0.0, 0.25, 0.0]])
    mirror = np.array([1.0, -1.0, 1.0])
    one, other = aimed(table, positions), aimed(table, positions * mirror)
    np.testing.assert_allclose(one.directions, other.directions[:, ::-1] * mirror, atol=1e-14)
    np.testing.assert_allclose(one.delays, other.delays[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(one.coefficients, other.coefficients[:, :, ::-1], atol=1e-12)


def test_turned_and_moved_heads_hear_what_stands_relative_to_them(table: NearFieldTable) -> None:
    q = quaternion_from_ypr_deg(70.0, -20.0, 35.0)
    origin = np.array([4.0, -2.0, 1.7])
    local = np.array([[0.3, 0.2, 0.1], [0.0, -0.5, 0.2]])
    turn = rotate(q, np.eye(3))  # rows: head axes in the world, so this goes from world to head
    plain, moved = aimed(table, local), DistanceCues(2, RATE, table, limit_m=np.inf)
    moved.aim(rotate(q, local) + origin, turn, origin, True)
    np.testing.assert_allclose(moved.directions, plain.directions, atol=1e-9)
    np.testing.assert_allclose(moved.coefficients, plain.coefficients, atol=1e-9)


@pytest.mark.parametrize(("limit_m", "edge_m"), [(2.0, 2.0), (2.0, 1.0), (np.inf, 3.0), (5.0, 3.0)])
@pytest.mark.parametrize("air", [None, Air()])
def test_cues_begin_without_a_step(limit_m: float, edge_m: float, air: Air | None) -> None:
    table = made(edge_m if edge_m < limit_m else FAR_M)
    way = unit_vectors(np.arange(0.0, 360.0, 30.0), 10.0)
    inside, outside = (
        aimed(table, way * edge_m * scale, limit_m=limit_m, air=air) for scale in (0.9989, 1.0001)
    )
    assert np.all(inside.near)
    assert not np.any(outside.near)
    np.testing.assert_allclose(inside.directions, outside.directions, atol=5e-4)
    assert np.abs(inside.delays).max() < 2e-3
    hz = np.geomspace(50.0, 16000.0, 20)
    for cues in (inside, outside):
        level = np.abs(biquad.response(cues.coefficients[1], hz, RATE))
        np.testing.assert_allclose(level, 1.0, atol=3e-3)


@given(st.lists(st.floats(-5.0, 5.0), min_size=3, max_size=3), st.sampled_from([None, Air()]))
def test_any_place_gives_stable_filters(place: list[float], air: Air | None) -> None:
    cues = aimed(made(2.0), np.array([place]), air=air)
    c = cues.coefficients[1]
    assert np.all(np.isfinite(c))
    assert np.all(np.isfinite(cues.delays))
    assert np.all(np.abs(cues.delays) < 15.0)
    np.testing.assert_allclose(np.linalg.norm(cues.directions, axis=-1), 1.0)
    assert np.all(np.abs(c[..., 4]) < 1.0)
    assert np.all(np.abs(c[..., 3]) < 1.0 + c[..., 4])


def test_states_tell_when_a_filter_may_be_left_out(table: NearFieldTable) -> None:
    cues = DistanceCues(1, RATE, table, limit_m=2.0)
    near, far = np.array([[0.3, 0.1, 0.0]]), np.array([[2.5, 0.0, 0.0]])
    cues.aim(far, np.eye(3), HERE, True)
    assert cues.state[0] == kernels.BYPASS
    cues.aim(near, np.eye(3), HERE, False)
    assert cues.state[0] == kernels.CHANGE
    cues.aim(near, np.eye(3), HERE, False)
    assert cues.state[0] == kernels.CONSTANT
    cues.memory[:] = 1.0
    cues.aim(far, np.eye(3), HERE, False)
    assert cues.state[0] == kernels.CHANGE
    cues.aim(far, np.eye(3), HERE, False)
    assert cues.state[0] == kernels.BYPASS
    assert not np.any(cues.memory)


def test_air_alone_takes_from_both_ears_alike() -> None:
    cues = DistanceCues(2, RATE, air=Air())
    cues.aim(np.array([[50.0, 0, 0], [0, 1e5, 0]]), np.eye(3), HERE, True)
    assert not np.any(cues.near)
    np.testing.assert_array_equal(cues.coefficients[1, :, 0], cues.coefficients[1, :, 1])
    assert np.all(np.isfinite(cues.coefficients))
    level = 20.0 * np.log10(np.abs(biquad.response(cues.coefficients[1, 0, 0], [8000.0], RATE)))
    assert level[0] == pytest.approx(-0.1055 * 50.0, abs=0.3)


def blends(rng: np.random.Generator, table: NearFieldTable) -> tuple[np.ndarray, np.ndarray]:
    c = table.coefficients.reshape(-1, 5)
    return c[rng.integers(len(c))].copy(), c[rng.integers(len(c))].copy()


def slow_filter(x: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Steps of ramped coefficients, direct form I written out."""
    padded, out = np.concatenate([np.zeros(2), x]), np.zeros(len(x) + 2)
    for t in range(2, len(out)):
        b0, b1, b2, a1, a2 = old + (new - old) * ((t - 2) % STEP + 1) / STEP
        past = np.array([b0, b1, b2]) @ padded[t : t - 3 if t > 2 else None : -1]
        out[t] = past - a1 * out[t - 1] - a2 * out[t - 2]
    return out[2:]


@pytest.mark.parametrize("kernel", ["filter_row", "py_func"])
def test_ramped_filters_in_calls_of_any_size(kernel: str, table: NearFieldTable) -> None:
    rng = np.random.default_rng(8)
    old, new = blends(rng, table)
    x = rng.normal(size=STEP).astype(np.float32)
    row = np.concatenate([np.ones(7, dtype=np.float32), x, np.ones(5, dtype=np.float32)])
    memory = np.zeros(4)
    done = 0
    while done < STEP:
        count = min(int(rng.integers(0, 50)), STEP - done)
        with nullcontext() if kernel == "filter_row" else plain_python(spatialize):
            spatialize.filter_row(row, 7 + done, count, done, old, new, memory)
        done += count
    np.testing.assert_allclose(row[7:-5], slow_filter(x, old, new), atol=2e-6)
    assert np.all(row[:7] == 1.0)
    assert np.all(row[-5:] == 1.0)


def test_a_filter_at_rest_is_its_response(table: NearFieldTable) -> None:
    cues = aimed(table, np.array([[0.1, 0.2, 0.05]]))
    impulse = np.zeros(64 * STEP, dtype=np.float32)
    impulse[0] = 1.0
    for begin in range(0, len(impulse), STEP):
        spatialize.filter_row(
            impulse, begin, STEP, 0, *cues.coefficients[:, 0, 1], cues.memory[0, 1]
        )
    hz = np.fft.rfftfreq(len(impulse), 1.0 / RATE)
    wanted = biquad.response(cues.coefficients[1, 0, 1], hz, RATE)
    error = np.abs(np.fft.rfft(impulse) - wanted) / np.abs(wanted)
    assert 20.0 * np.log10(error.max()) < -100.0
    cues.reset()
    assert not np.any(cues.memory)


def test_jitted_and_plain_aim_agree(table: NearFieldTable) -> None:
    positions = np.array([[0.2, 0.1, 0.0], [5.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.5, 0.3, 0.1]])
    cues = [aimed(table, positions, limit_m=2.0, air=Air()) for _ in range(2)]
    with plain_python(kernels):
        cues[1].aim(positions, np.eye(3), HERE, True)
    for name in ("directions", "delays", "coefficients", "near", "state"):
        np.testing.assert_allclose(getattr(cues[0], name), getattr(cues[1], name), atol=1e-12)


def test_the_level_law() -> None:
    np.testing.assert_allclose(distance_gain([0.0, 0.05, 0.1, 1.0, 4.0]), [10, 10, 10, 1, 0.25])
    assert distance_gain(4.0, reference_m=2.0, floor_m=0.5) == 0.5
    with pytest.raises(AuricleError, match="are positive"):
        distance_gain(1.0, floor_m=0.0)


def test_head_radius_from_arrivals() -> None:
    assert head_radius_m(pulse_head()) == pytest.approx(HEAD_RADIUS_M, abs=0.0015)
    flat = np.zeros((8, 2, 64))
    flat[:, :, 10] = 1.0
    silent_about_it = HrtfSet(flat, unit_vectors(np.arange(8) * 45.0), 1.5, RATE)
    assert head_radius_m(silent_about_it) == MEAN_RADIUS_M
    middle = np.abs(full_sphere()[:, 1]) < 0.1
    assert head_radius_m(pulse_head(full_sphere()[middle])) == MEAN_RADIUS_M


ILD_FILES = {0.25: "NF025", 0.5: "NF050", 1.0: "NF100", 1.5: "NF150"}


def test_level_differences_near_a_dummy_head(data_dir: Path) -> None:
    """At 90 degrees both ears read the far set right there: only level and filters count."""
    folder = data_dir / "ku100_nearfield"
    far = HrtfSet.load(folder / "HRIR_CIRC360.sofa")
    table = near_field_table(far.radius_m, head_radius_m(far), RATE)
    hz = np.fft.rfftfreq(512, 1.0 / RATE)
    for distance, name in ILD_FILES.items():
        cues = aimed(table, distance * far.positions[[90]])
        np.testing.assert_allclose(cues.directions[0], far.positions[[90, 90]], atol=1e-6)
        spectra = np.fft.rfft(far.ir[90], 512)
        found = spectra * biquad.response(cues.coefficients[1, 0], hz, RATE)
        measured = np.fft.rfft(HrtfSet.load(folder / f"HRIR_CIRC360_{name}.sofa").ir[90], 512)
        for (low, high), limit in {(0, 24000): 1.5, (2000, 8000): 3.5}.items():
            bins = slice(*np.searchsorted(hz, [low, high]))
            ild = [
                10.0 * np.log10(np.divide(*np.sum(np.abs(x[:, bins]) ** 2, axis=-1)))
                for x in (found, measured)
            ]
            assert abs(ild[0] - ild[1]) < limit


@pytest.mark.slow
def test_rendered_level_differences_near_a_dummy_head(data_dir: Path) -> None:
    folder = data_dir / "ku100_nearfield"
    far = HrtfSet.load(folder / "HRIR_CIRC360.sofa")
    prepared = prepare(far, RATE, rank=24)
    impulse = np.zeros((1, 1024), dtype=np.float32)
    impulse[0, 0] = 1.0
    for distance, name in ILD_FILES.items():
        renderer = BinauralRenderer(prepared, RATE, distance_gain=True)
        renderer.set_positions(distance * far.positions[[90]])
        measured = HrtfSet.load(folder / f"HRIR_CIRC360_{name}.sofa").ir[90]
        found, wanted = (
            10.0 * np.log10(np.divide(*np.sum(x.astype(np.float64) ** 2, axis=-1)))
            for x in (renderer.process(impulse), measured)
        )
        assert abs(found - wanted) < 1.5


@pytest.mark.parametrize("rank", [12, "full"])
def test_call_sizes_do_not_matter_near_the_head(rank: int | str) -> None:
    """A source comes in from 1.6 m to 0.2 m, passes, and goes, half of it with air."""
    x = np.random.default_rng(1).standard_normal((2, 4000)).astype(np.float32)
    x[1, 1000:2500] = 0.0
    prepared = prepare(pulse_head(), RATE, rank=rank)

    def run(sizes):
        renderer = BinauralRenderer(prepared, RATE, n_sources=2, air=Air())
        parts, at, step = [], 0, 0
        while at < x.shape[1]:
            n = min(sizes(), x.shape[1] - at)
            steps = renderer.steps_beginning(n)
            way = np.linspace(-1.6, 1.6, 33)[step : step + steps, None]
            places = np.concatenate([way, 0.2 + 0.0 * way, 0.0 * way], axis=1)
            path = np.stack([places, 30.0 * places], axis=1)
            parts.append(renderer.process_path(x[:, at : at + n], path))
            at, step = at + n, step + steps
        return np.concatenate(parts, axis=1)

    whole = run(lambda: 4000)
    assert np.all(np.isfinite(whole))
    rng = np.random.default_rng(5)
    for sizes in (lambda: 128, lambda: 1, lambda: int(rng.integers(0, 300))):
        assert level_db(run(sizes) - whole, whole) < -110.0


def test_from_one_metre_on_positions_are_directions_alone() -> None:
    prepared = prepare(pulse_head(), RATE, rank=12)
    x = np.random.default_rng(2).standard_normal((1, 400)).astype(np.float32)
    outputs = []
    for distance_m in (1.0, 7.0, 0.4):
        renderer = BinauralRenderer(prepared, RATE)
        renderer.set_positions([[0.0, distance_m, 0.0]])
        outputs.append(renderer.process(x))
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-6)
    assert level_db(outputs[2] - outputs[1], outputs[1]) > -20.0
    with pytest.raises(AuricleError, match="near_field_m"):
        BinauralRenderer(prepared, RATE, near_field_m=-1.0)
