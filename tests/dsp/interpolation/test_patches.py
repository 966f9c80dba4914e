"""Patches hold each point once, with what is measured around it, and predict as the whole does."""

import numpy as np
import pytest

from auricle.dsp.interpolation import patches as module
from auricle.dsp.interpolation.gaussian_process import fit_process, matern_5_2
from auricle.dsp.interpolation.patches import patches
from auricle.dsp.sphere.grids import chords, fibonacci_sphere

KNOWN = fibonacci_sphere(1500)


def directions(count: int, seed: int = 3) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, 3))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("count", [1, 2, 700, 4000])
def test_each_point_is_in_one_patch_with_its_nearest_measurements(count: int) -> None:
    points = directions(count)
    found = patches(points, KNOWN)
    rows = np.concatenate([patch.points for patch in found])
    np.testing.assert_array_equal(np.sort(rows), np.arange(count))
    for patch in found:
        assert np.all(np.diff(patch.known) > 0)
        nearest = np.argsort(chords(points[patch.points], KNOWN), axis=1)[:, :12]
        assert np.isin(nearest, patch.known).all()


def test_few_directions_are_one_patch_of_all() -> None:
    (patch,) = patches(directions(30), KNOWN[:200])
    assert len(patch.points) == 30
    assert len(patch.known) == 200


def test_weights_of_a_patch_predict_as_those_of_the_whole() -> None:
    points, kernel = directions(300), matern_5_2(0.6)
    values = KNOWN[:, 0] * KNOWN[:, 1] + np.sin(6.0 * KNOWN[:, 2])
    whole = fit_process(kernel, KNOWN, 1e-6).weights(kernel(chords(points, KNOWN))) @ values
    for patch in patches(points, KNOWN):
        own = KNOWN[patch.known]
        weights = fit_process(kernel, own, 1e-6).weights(kernel(chords(points[patch.points], own)))
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
        # -60 dB: what the nugget leaves
        np.testing.assert_allclose(weights @ values[patch.known], whole[patch.points], atol=1e-3)
    assert len(patches(points, KNOWN)) == -(-1500 // module._OWN)


def test_left_out_weights_are_the_error_without_the_block() -> None:
    known, kernel = KNOWN[::10], matern_5_2(0.6)
    values = np.cos(4.0 * known[:, 0]) + known[:, 1]
    block = np.array([20, 3, 41])
    error = fit_process(kernel, known, 1e-6).left_out_weights([block]) @ values
    rest = np.delete(np.arange(len(known)), block)
    shared = kernel(chords(known[20:21], known[rest]))
    predicted = fit_process(kernel, known[rest], 1e-6).weights(shared) @ values[rest]
    assert error[0] == pytest.approx(values[20] - predicted[0], abs=1e-6)
