import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import sph_harm_y

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_conjugate, quaternion_multiply, rotate, unit_vectors
from auricle.dsp.sphere import harmonics as sh
from auricle.dsp.sphere.grids import fibonacci_sphere

unit_quaternions = st.tuples(*[st.floats(-1.0, 1.0)] * 4).filter(lambda q: np.linalg.norm(q) > 1e-3)
unit_quaternions = unit_quaternions.map(lambda q: np.array(q) / np.linalg.norm(q))
orders = st.integers(0, 10)


def reference(directions, order):
    """N3D from SciPy's complex harmonics, one channel after the other."""
    polar = np.arctan2(np.hypot(directions[:, 0], directions[:, 1]), directions[:, 2])
    azimuth = np.arctan2(directions[:, 1], directions[:, 0])
    columns = []
    for n in range(order + 1):
        for m in range(-n, n + 1):
            y = np.sqrt(4.0 * np.pi) * sph_harm_y(n, abs(m), polar, azimuth)
            if m != 0:
                y = y * np.sqrt(2.0) * (-1.0) ** m  # without the Condon-Shortley phase
            columns.append(y.imag if m < 0 else y.real)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("order", [0, 1, 7, 20, sh.MAX_ORDER])
def test_equals_scipy(order):
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    directions = np.concatenate([axes, fibonacci_sphere(200)])
    wanted = reference(directions, order)
    assert np.abs(sh.encode(directions, order, "n3d") - wanted).max() < 1e-10
    schmidt = wanted / np.sqrt(2.0 * sh.degrees(order) + 1.0)
    assert np.abs(sh.encode(directions, order) - schmidt).max() < 1e-11


def test_first_order_is_w_y_z_x():
    direction = unit_vectors(30.0, 20.0)
    x, y, z = direction
    assert np.allclose(sh.encode(direction, 1), [1.0, y, z, x], atol=1e-15)
    assert np.allclose(sh.encode(7.0 * direction, 1), [1.0, y, z, x], atol=1e-15)


def test_n3d_is_orthonormal_over_the_sphere():
    z, weight = np.polynomial.legendre.leggauss(9)  # exact to degree 17
    azimuth = np.arange(17) * 360.0 / 17.0
    directions = unit_vectors(azimuth[:, None], np.rad2deg(np.arcsin(z)))
    y = sh.encode(directions, 8, "n3d")
    gram = np.einsum("aec,aed,e->cd", y, y, weight) / (2.0 * 17.0)
    assert np.abs(gram - np.eye(81)).max() < 1e-12


def test_conversion_goes_there_and_back():
    there, back = sh.conversion(5, "sn3d", "n3d"), sh.conversion(5, "n3d", "sn3d")
    assert np.allclose(there * back, 1.0)
    assert np.allclose(sh.conversion(5, "n3d", "n3d"), 1.0)
    assert there[1] == pytest.approx(np.sqrt(3.0))


@given(q=unit_quaternions, order=orders)
def test_rotation_law(q, order):
    directions = fibonacci_sphere(40)
    turned = sh.encode(rotate(q, directions), order)
    matrix = sh.rotation_matrix(q, order)
    assert np.abs(sh.encode(directions, order) @ matrix.T - turned).max() < 1e-10


@given(a=unit_quaternions, b=unit_quaternions, order=orders)
def test_rotations_compose_and_are_orthogonal(a, b, order):
    both = sh.rotation_matrix(quaternion_multiply(a, b), order)
    one, other = sh.rotation_matrix(a, order), sh.rotation_matrix(b, order)
    assert np.abs(both - one @ other).max() < 1e-10
    assert np.abs(one @ one.T - np.eye(len(one))).max() < 1e-10
    assert np.abs(sh.rotation_matrix(quaternion_conjugate(a), order) - one.T).max() < 1e-10


@settings(max_examples=5)
@given(q=unit_quaternions)
def test_rotation_kernel_as_plain_python_equals_the_compiled_one(q):
    plain, compiled = np.zeros((25, 9)), np.zeros((25, 9))
    sh.rotation_blocks.py_func(*q.tolist(), plain)
    sh.rotation_blocks(*q.tolist(), compiled)
    assert np.abs(plain - compiled).max() < 1e-14


def test_orders_and_channels():
    assert [sh.n_channels(n) for n in range(4)] == [1, 4, 9, 16]
    assert [sh.order_of(c) for c in (1, 4, 9, 64)] == [0, 1, 2, 7]
    for wrong in (0, 5, -1):
        with pytest.raises(AuricleError, match="no full set"):
            sh.order_of(wrong)


def test_wrong_input_is_named():
    with pytest.raises(AuricleError, match="whole number"):
        sh.encode([1.0, 0.0, 0.0], 1.5)
    with pytest.raises(AuricleError, match="from 0 to"):
        sh.encode([1.0, 0.0, 0.0], -1)
    with pytest.raises(AuricleError, match="fuma"):
        sh.encode([1.0, 0.0, 0.0], 1, "fuma")
    with pytest.raises(AuricleError, match="point somewhere"):
        sh.encode([0.0, 0.0, 0.0], 1)
    with pytest.raises(AuricleError, match=r"\(\.\.\., 3\)"):
        sh.encode([1.0, 0.0], 1)
