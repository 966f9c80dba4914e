"""The mesh closes over every grid; the walk finds what trying every triangle finds."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.dsp.errors import HrtfError
from auricle.dsp.geometry import rotate, unit_vectors
from auricle.dsp.sphere import mesh as sphere
from auricle.dsp.sphere import walk
from auricle.dsp.sphere.grids import fibonacci_sphere
from auricle.dsp.sphere.mesh import triangulate
from auricle.dsp.sphere.walk import locate_triangles


def rings(elevations, step):
    grid = [(a, e) for e in elevations for a in np.arange(0.0, 360.0, step)]
    return unit_vectors(*np.array(grid).T)


def interaural_polar():
    lateral = np.array([-80, -65, -55, *range(-45, 46, 5), 55, 65, 80])
    polar = -45.0 + 5.625 * np.arange(50)
    side, up = np.deg2rad([(a, b) for a in lateral for b in polar]).T
    return np.stack([np.cos(side) * np.cos(up), np.sin(side), np.cos(side) * np.sin(up)], axis=1)


TILT = np.array([0.8, 0.4, 0.2, 0.4])
CIRCLE = unit_vectors(np.arange(0.0, 360.0, 1.0))
GRIDS = {
    "full sphere": fibonacci_sphere(440),
    "rings, poles many times": rings(range(-90, 91, 10), 15.0),
    "rings, hole below": rings(range(-45, 91, 15), 10.0),
    "upper half": rings(range(0, 91, 10), 20.0),
    "interaural-polar": interaural_polar(),
    "circle": CIRCLE,
    "tilted circle": rotate(TILT, CIRCLE),
    "half circle": unit_vectors(np.arange(-90.0, 91.0, 5.0)),
    "axes": np.concatenate([np.eye(3), -np.eye(3)]),
    "nearly doubled": np.repeat(fibonacci_sphere(60), 3, axis=0)
    + 1e-7 * np.random.default_rng(3).standard_normal((180, 3)),
    "two": unit_vectors([30.0, -30.0]),
    "opposite": unit_vectors([90.0, -90.0]),
    "one": unit_vectors([10.0], [20.0]),
}


@pytest.fixture(scope="module", params=GRIDS, ids=lambda name: name.replace(" ", "-"))
def grid(request):
    return GRIDS[request.param]


def random_directions(count, seed=1):
    x = np.random.default_rng(seed).standard_normal((count, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_mesh_is_closed_and_faces_outside(grid):
    mesh = triangulate(grid)
    n_vertices, n_triangles = len(mesh.vertices), len(mesh.triangles)
    edges = {(t[i], t[(i + 1) % 3]) for t in mesh.triangles.tolist() for i in range(3)}
    assert len(edges) == 3 * n_triangles  # each directed edge once
    assert all((b, a) in edges for a, b in edges)
    assert n_vertices - 3 * n_triangles // 2 + n_triangles == 2
    assert set(mesh.triangles.ravel()) == set(range(n_vertices))
    assert np.linalg.det(mesh.vertices[mesh.triangles]).min() > 1e-7
    for t in range(n_triangles):
        for i in range(3):
            across = mesh.neighbours[t, i]
            shared = set(mesh.triangles[t]) & set(mesh.triangles[across])
            assert shared == set(np.delete(mesh.triangles[t], i))


def test_walk_finds_what_trying_every_triangle_finds(grid):
    mesh = triangulate(grid)
    directions = random_directions(2000)
    triangle, weights = mesh.locate(3.0 * directions)
    raw = np.einsum("tij,sj->sti", mesh.inverse, directions)
    best = raw.min(axis=2)
    # float64 inverse of triangles whose smallest height is 1e-4
    assert np.all(best[np.arange(2000), triangle] >= best.max(axis=1) - 1e-9)
    expected = np.maximum(raw[np.arange(2000), triangle], 0.0)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights, expected, atol=1e-6)  # float32 weights
    assert np.all(np.sum(raw.min(axis=2) > 1e-9, axis=1) <= 1)  # in one triangle only


def test_slow_walk_and_jump_agree(grid):
    mesh = triangulate(grid)
    directions = random_directions(300)
    triangle, weights = mesh.locate(directions)
    moved = directions + 0.02 * random_directions(300, seed=2)
    for target in (moved, directions, -directions, directions):
        arguments = mesh.inverse, mesh.neighbours, mesh.start_table
        locate_triangles(target.astype(np.float32), triangle, weights, *arguments)
    _, expected = mesh.locate(directions.astype(np.float32))
    values = random_directions(len(mesh.vertices), seed=4)
    found = np.einsum("si,sij->sj", weights, values[mesh.triangles[triangle]])
    fresh_triangle, _ = mesh.locate(directions.astype(np.float32))
    again = np.einsum("si,sij->sj", expected, values[mesh.triangles[fresh_triangle]])
    np.testing.assert_allclose(found, again, atol=1e-5)  # either side of an edge gives the same


def test_measured_directions_are_exact(grid):
    mesh = triangulate(grid)
    triangle, weights = mesh.locate(grid)
    rows = np.arange(len(grid), dtype=np.float64)
    values = np.concatenate([rows[mesh.measured], np.full(len(mesh.blend_weights), 1e3)])
    found = np.sum(weights * values[mesh.triangles[triangle]], axis=1)
    # doubles within 0.01 degrees play the first; 1e-3 of 1e3: float32 weights
    np.testing.assert_allclose(found, mesh.measured[mesh.vertex_of_row], atol=0.1)


def test_every_triangle_tried_when_the_walk_ends_early(monkeypatch):
    mesh = triangulate(GRIDS["interaural-polar"])
    directions = random_directions(20)
    expected, expected_weights = mesh.locate(directions)
    monkeypatch.setattr(sphere, "MAX_STEPS", 1)
    far = replace(mesh, start_table=np.zeros_like(mesh.start_table))  # all begin at one triangle
    triangle, weights = far.locate(directions)
    np.testing.assert_array_equal(triangle, expected)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)  # float32


def test_what_has_no_direction_gets_the_middle_of_a_triangle():
    mesh = triangulate(GRIDS["axes"])
    triangle, weights = mesh.locate([[0, 0, 0], [np.nan, 1, 0], [np.inf, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(triangle[:3], 0)
    np.testing.assert_allclose(weights[:3], 1.0 / 3.0, atol=1e-6)  # float32
    assert 0 <= triangle[3] < len(mesh.triangles)
    assert weights[3].max() == pytest.approx(1.0)


def test_start_table_holds_the_middles_of_its_cells(grid):
    mesh = triangulate(grid)
    n = mesh.start_table.shape[1]
    cell = np.array([1.0, (2 * 5 + 1) / n - 1.0, (2 * 20 + 1) / n - 1.0])
    assert (mesh.inverse[mesh.start_table[0, 5, 20]] @ cell).min() > -1e-8


def test_kernel_tries_every_triangle_when_the_walk_ends_early(monkeypatch):
    mesh = triangulate(GRIDS["interaural-polar"])
    directions = random_directions(20)
    triangle, weights = np.zeros(20, np.int32), np.zeros((20, 3), np.float32)
    monkeypatch.setattr(walk, "MAX_STEPS", 1)
    kernel = locate_triangles.py_func
    steps = kernel(directions, triangle, weights, mesh.inverse, mesh.neighbours, mesh.start_table)
    assert steps > 20 * len(mesh.triangles) / 2
    expected, expected_weights = mesh.locate(directions)
    np.testing.assert_array_equal(triangle, expected)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)  # float32


@pytest.mark.parametrize("kernel", [locate_triangles, locate_triangles.py_func])
def test_no_direction_keeps_the_last_triangle(kernel):
    mesh = triangulate(GRIDS["axes"])
    bad = np.array([[0, 0, 0], [np.nan, 1, 0], [np.inf, 0, 0], [0, 1, 0]], dtype=np.float32)
    triangle = np.array([3, 2, -1, 99], dtype=np.int32)
    weights = np.full((4, 3), np.nan, dtype=np.float32)
    weights[0] = [0.5, 0.25, 0.25]
    kernel(bad, triangle, weights, mesh.inverse, mesh.neighbours, mesh.start_table)
    np.testing.assert_array_equal(triangle[:3], [3, 2, 0])
    np.testing.assert_allclose(weights[0], [0.5, 0.25, 0.25])
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)  # float32
    assert 0 <= triangle[3] < len(mesh.triangles)


MESH = triangulate(GRIDS["rings, hole below"])


@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_field_is_continuous_over_edges(seed, along):
    rng = np.random.default_rng(seed)
    t, i = rng.integers(len(MESH.triangles)), rng.integers(3)
    a, b = MESH.vertices[np.delete(MESH.triangles[t], i)]
    on_edge = (1.0 - along) * a + along * b
    inward = MESH.vertices[MESH.triangles[t, i]] - on_edge
    values = rng.standard_normal(len(MESH.vertices))
    triangle, weights = MESH.locate([on_edge + 1e-6 * inward, on_edge - 1e-6 * inward])
    inside, outside = np.sum(weights * values[MESH.triangles[triangle]], axis=1)
    assert abs(inside - outside) < 1e-4  # values of 1, a step of 1e-6, triangles of 0.1 and more


def test_added_vertices_are_convex_blends(grid):
    mesh = triangulate(grid)
    assert np.all(mesh.blend_weights >= 0.0)
    np.testing.assert_allclose(mesh.blend_weights.sum(axis=1), 1.0, atol=1e-12)
    filled = mesh.fill(np.asarray(grid)[:, None, :] * np.ones((1, 2, 1)))
    assert filled.shape == (len(mesh.vertices), 2, 3)
    np.testing.assert_array_equal(filled[: len(mesh.measured), 1], np.asarray(grid)[mesh.measured])


def test_above_a_circle_the_side_component_falls_with_the_cosine():
    for turn in (np.array([1.0, 0.0, 0.0, 0.0]), TILT / np.linalg.norm(TILT)):
        mesh = triangulate(rotate(turn, CIRCLE))
        side = mesh.fill(CIRCLE[:, 1])
        expected = rotate(turn * [1, -1, -1, -1], mesh.vertices)[:, 1]
        assert np.abs(side - expected).max() < 0.06  # of 1: the blend is not far off a projection


def test_hole_below_goes_on_with_what_is_near():
    grid = GRIDS["rings, hole below"]
    mesh = triangulate(grid)
    below = mesh.vertices[len(mesh.measured) :]
    assert len(below) >= 3
    assert np.all(below[:, 2] < -0.8)
    assert np.abs(mesh.fill(grid[:, :2])[len(mesh.measured) :] - below[:, :2]).max() < 0.1


@pytest.mark.parametrize(
    ("positions", "words"),
    [
        (np.zeros((0, 3)), "M > 0"),
        (np.zeros((3, 2)), "must be"),
        ([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], "position 1"),
        ([[1.0, np.nan, 0.0]], "position 0"),
    ],
)
def test_bad_positions_are_named(positions, words):
    with pytest.raises(HrtfError, match=words):
        triangulate(positions)


@pytest.mark.parametrize("name", ["hutubs", "sonicom", "cipic", "sadie1"])
def test_real_grids(data_dir, name):
    with h5py.File(data_dir / "hrtf" / f"{name}.h5") as file:
        azimuth_deg, elevation_deg = file["source_position"][:, :2].T
    grid = unit_vectors(azimuth_deg, elevation_deg)
    test_mesh_is_closed_and_faces_outside(grid)
    test_walk_finds_what_trying_every_triangle_finds(grid)
    test_measured_directions_are_exact(grid)
