"""Predicted responses: exact where measured, continuous, and nearer than plain blends."""

import numpy as np
import pytest

from auricle.dsp.errors import HrtfError
from auricle.dsp.interpolation.gaussian_process import fit_process, matern_1_2, matern_9_2
from auricle.dsp.interpolation.gp_mixture import interpolate, smoothed_arrivals
from auricle.dsp.interpolation.mesh_refinement import flat_fit, refine, refined_vertices
from auricle.dsp.interpolation.mixture_weights import (
    error_shares,
    lateral_shares,
    likelihood_shares,
    select_judges,
)
from auricle.dsp.sphere.grids import chords, fibonacci_sphere
from auricle.dsp.sphere.mesh import triangulate

SIZE, LEAD = 96, 16


def field(positions):
    """Aligned responses (M, 2, N) and arrival times (M, 2) of a head-like field, smooth everywhere.

    A direct sound that is louder on the ear's side, and an echo that moves with elevation.
    """
    x, y, z = np.asarray(positions).T
    n = np.arange(SIZE)
    side = np.stack([y, -y], axis=1)
    direct = np.exp(0.8 * side)[..., None] * np.exp(-0.5 * ((n - LEAD) / 1.5) ** 2)
    late = LEAD + 8.0 + 3.0 * z + 2.0 * x
    echo = -0.5 * np.exp(-0.5 * ((n - late[:, None, None]) / 1.8) ** 2)
    return direct + echo * (1.2 + z)[:, None, None], 30.0 - 14.0 * side - 3.0 * side**2


def error_db(found, true):
    return 20.0 * np.log10(np.linalg.norm(found - true) / np.linalg.norm(true))


def random_directions(count, seed=1):
    x = np.random.default_rng(seed).standard_normal((count, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


GRID = fibonacci_sphere(250)
IR, ARRIVALS = field(GRID)


def blend(mesh, values, targets):
    triangle, weights = mesh.locate(targets)
    return np.einsum("qi,qi...->q...", weights, values[mesh.triangles[triangle]])


def test_measured_directions_come_back():
    ir, arrivals = interpolate(IR, ARRIVALS, GRID, GRID[::7])
    # nugget of 1e-6 of the variance, and the -80 dB floor of the minimum-phase spectra
    assert error_db(ir, IR[::7]) < -60.0
    np.testing.assert_allclose(arrivals, ARRIVALS[::7], atol=2e-3)  # samples, the nugget again


def test_smooth_field_is_predicted_better_than_by_barycentric_blends():
    targets = random_directions(200)
    true_ir, true_arrivals = field(targets)
    ir, arrivals = interpolate(IR, ARRIVALS, GRID, targets)
    mesh = triangulate(GRID)
    assert error_db(ir, true_ir) < error_db(blend(mesh, IR, targets), true_ir) - 10.0
    plain = np.abs(blend(mesh, ARRIVALS, targets) - true_arrivals).max()
    assert np.abs(arrivals - true_arrivals).max() < 0.2 * plain


def test_prediction_is_continuous():
    targets = random_directions(50)
    near = targets + 1e-4 * random_directions(50, seed=2)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    ir, _ = interpolate(IR, ARRIVALS, GRID, np.concatenate([targets, near]))
    assert error_db(ir[50:], ir[:50]) < -60.0  # steps of 1e-4 rad


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
def test_few_directions(count):
    grid = fibonacci_sphere(12)[:count]
    ir, arrivals = interpolate(*field(grid), grid, random_directions(4))
    assert ir.shape == (4, 2, SIZE)
    assert np.all(np.isfinite(ir))
    assert np.all(np.isfinite(arrivals))


def test_rings_with_noise_do_not_overshoot_into_the_gaps():
    azimuth, elevation = np.meshgrid(np.arange(0, 360, 3.0), [-60.0, -20.0, 20.0, 60.0])
    a, e = np.deg2rad(azimuth.ravel()), np.deg2rad(elevation.ravel())
    grid = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    ir, arrivals = field(grid)
    noise = 0.05 * np.random.default_rng(5).standard_normal(ir.shape)
    found, _ = interpolate(ir + noise, arrivals, grid, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    assert np.linalg.norm(found) < 1.5 * np.linalg.norm(field([[0, 0, 1.0], [1, 0, 0]])[0])


def test_silent_ear_stays_silent():
    ir = IR.copy()
    ir[:, 1] = 0.0
    found, _ = interpolate(ir, ARRIVALS, GRID, random_directions(5))
    assert np.all(np.isfinite(found))
    assert np.abs(found[:, 1]).max() < 1e-3 * np.abs(found[:, 0]).max()  # the -80 dB floor


def test_steady_arrivals_lose_jitter_and_keep_the_field():
    noise = 0.3 * np.random.default_rng(3).standard_normal(ARRIVALS.shape)
    steady = smoothed_arrivals(ARRIVALS + noise, GRID)
    left = np.sqrt(np.mean((steady - ARRIVALS) ** 2))
    assert left < 0.6 * 0.3  # samples


def test_shapes_that_do_not_belong_together_are_named():
    with pytest.raises(HrtfError, match="do not belong together"):
        interpolate(IR, ARRIVALS[:-1], GRID, GRID)
    with pytest.raises(HrtfError, match="targets"):
        interpolate(IR, ARRIVALS, GRID, GRID[0])
    bad = IR.copy()
    bad[3, 0, 5] = np.nan
    with pytest.raises(HrtfError, match="finite"):
        interpolate(bad, ARRIVALS, GRID, GRID)


def test_shares_follow_the_lateral_position():
    judges = select_judges(GRID, len(GRID), 2)
    assert judges.quadrature.sum() == pytest.approx(1.0)
    side = np.stack([GRID[:, 1], -GRID[:, 1]], axis=1)[judges.rows]
    rng = np.random.default_rng(6)
    errors = [
        np.where(side > 0.0, near, far)[..., None] * rng.standard_normal((*side.shape, 20))
        for near, far in ((0.1, 1.0), (1.0, 0.1))  # the first is good on the ear's own side
    ]
    shares = error_shares(errors, judges)
    np.testing.assert_allclose(shares.sum(axis=2), 1.0)
    assert np.all(shares[-1, :, 0] > 0.8)
    assert np.all(shares[0, :, 1] > 0.8)
    near = lateral_shares(np.array([[0.0, 1.0, 0.0], [0.6, -0.8, 0.0]]), 2)
    np.testing.assert_allclose(near.sum(axis=2), 1.0)
    assert near[0, 0, -1] == near[0, 1, 0] == 1.0


def test_likelihood_is_that_of_the_definition_and_tells_smooth_from_rough():
    smooth, noise = GRID[:, :1] ** 2, np.random.default_rng(8).standard_normal((len(GRID), 1))
    kernels = [matern_1_2(2.0), matern_9_2(0.5)]
    processes = [fit_process(kernel, GRID, 1e-6) for kernel in kernels]
    for values, best in ((smooth, 1), (noise, 0)):
        found = [process.solve(values).log_likelihood(values) for process in processes]
        assert np.argmax(found, axis=0)[0] == best
        assert likelihood_shares(found)[best, 0] > 0.95
        for kernel, likelihood in zip(kernels, found, strict=True):
            matrix = kernel(chords(GRID, GRID)) + 1e-6 * np.eye(len(GRID))
            inverse = np.linalg.inv(matrix)
            rest = values[:, 0] - inverse.sum(axis=0) @ values[:, 0] / inverse.sum()
            variance = rest @ inverse @ rest / len(GRID)
            expected = -np.log(variance) - np.linalg.slogdet(matrix)[1] / len(GRID)
            assert likelihood[0] == pytest.approx(expected, abs=1e-4)


def test_flat_fit_halves_the_error_between_vertices_and_keeps_the_fixed():
    mesh = triangulate(fibonacci_sphere(600))
    values = mesh.vertices[:, :1] * mesh.vertices[:, 1:2]
    targets = random_directions(4000)
    true = targets[:, :1] * targets[:, 1:2]
    fitted = values.copy()
    flat_fit(mesh, 100)(fitted)
    np.testing.assert_array_equal(fitted[:100], values[:100])
    before, after = (np.mean((blend(mesh, v, targets) - true) ** 2) for v in (values, fitted))
    assert after < 0.6 * before  # half a step to the least: 3/4 of the bias's square, not of all
    flat = np.ones((len(values), 1))
    flat_fit(mesh, 100)(flat)
    np.testing.assert_allclose(flat, 1.0, atol=1e-12)


def test_refined_mesh_keeps_measured_responses_and_comes_nearer_between_them():
    mesh = triangulate(GRID)
    finer, ir, arrivals = refine(mesh, IR, ARRIVALS, max_edge_deg=8.0)
    assert len(finer.vertices) == len(ir) == len(arrivals) > 2 * len(GRID)
    np.testing.assert_allclose(finer.vertices[: len(GRID)], GRID, atol=1e-15)
    omega = np.pi * np.arange(257) / 256

    def whole(ir, arrivals):  # below 0.8 of Nyquist: above, a fractional shift fades out
        return (np.fft.rfft(ir, 512) * np.exp(-1j * omega * arrivals[..., None]))[..., :205]

    kept = whole(ir[: len(GRID)], arrivals[: len(GRID)])
    assert error_db(kept, whole(IR, ARRIVALS)) < -60.0
    targets = random_directions(200)
    true = whole(*field(targets))
    plain = whole(blend(mesh, IR, targets), blend(mesh, ARRIVALS, targets))
    fine = whole(blend(finer, ir, targets), blend(finer, arrivals, targets))
    assert error_db(fine, true) < error_db(plain, true) - 6.0  # edges halved: 12 dB of curvature


def test_refined_edges_are_short_or_the_vertices_used_up():
    mesh = triangulate(GRID)
    vertices = refined_vertices(mesh, 8.0, 5000)
    finer = triangulate(vertices)
    edges = vertices[finer.triangles] - vertices[finer.triangles[:, [1, 2, 0]]]
    assert np.rad2deg(np.linalg.norm(edges, axis=2)).max() < 9.0  # some middles would crowd others
    assert len(refined_vertices(mesh, 2.0, 900)) <= 900
    assert len(refined_vertices(mesh, 60.0, 900)) == len(mesh.vertices)
    assert len(refined_vertices(mesh, 2.0, 10)) == len(mesh.vertices)


def test_refined_mesh_still_blends_measured_values():
    ring = GRID[GRID[:, 2] > -0.6]  # a hole below
    mesh = triangulate(ring)
    finer, _, _ = refine(mesh, *field(ring), max_edge_deg=8.0)
    filled = finer.fill(ring[:, 0])
    assert filled.shape == (len(finer.vertices),)
    above = finer.vertices[:, 2] > -0.5
    assert np.abs(filled - finer.vertices[:, 0])[above].max() < 0.05  # flat triangles of 14 degrees
