"""The triangle of a mesh that holds a direction, found on the audio path.

``SphereMesh.locate`` does the same for many directions at once, without anything compiled.
"""

import numpy as np

from auricle.dsp.compiled.options import approximate_kernel
from auricle.dsp.sphere.mesh import ROUNDING

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled

MAX_STEPS = 64  # of the walk, before every triangle is tried


@approximate_kernel
def _raw_weights(x, y, z, inverse):  # type: ignore[no-untyped-def]
    return (
        inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z,
        inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z,
        inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z,
    )


@approximate_kernel
def _start(x, y, z, start_table):  # type: ignore[no-untyped-def]
    """The triangle in the cell of the cube: face by the largest axis, then the other two."""
    ax, ay, az = abs(x), abs(y), abs(z)
    if ax >= ay and ax >= az:
        face, u, v, largest = 0 if x > 0 else 1, y, z, ax
    elif ay >= az:
        face, u, v, largest = 2 if y > 0 else 3, x, z, ay
    else:
        face, u, v, largest = 4 if z > 0 else 5, x, y, az
    size = start_table.shape[1]
    i = min(int((u / largest + 1.0) * (0.5 * size)), size - 1)
    j = min(int((v / largest + 1.0) * (0.5 * size)), size - 1)
    return start_table[face, i, j]


@approximate_kernel
def locate_triangles(  # type: ignore[no-untyped-def]
    directions, triangle, weights, inverse, neighbours, start_table
):
    """Writes the triangle and the weights of each direction; returns the number of steps made.

    Args:
        directions: (S, 3) of any length; zero or not finite keeps the last triangle.
        triangle: (S,) int32, in: the last triangle or -1, out: the one that holds the direction.
        weights: (S, 3) float32, out: of the triangle's vertices, none negative, sum 1.
        inverse: of the ``SphereMesh``, like the next two.
        neighbours: (T, 3).
        start_table: (6, n, n).

    The walk starts at the last triangle and crosses the edge of the most negative weight. Where
    the last triangle is far (the direction well outside its circumcircle) the table is the start.
    """
    steps = 0
    count = inverse.shape[0]
    for s in range(directions.shape[0]):
        x = np.float64(directions[s, 0])
        y = np.float64(directions[s, 1])
        z = np.float64(directions[s, 2])
        square = x * x + y * y + z * z
        t = triangle[s]
        fresh = t < 0 or t >= count
        if not (square > 1e-30 and square < 1e30):
            triangle[s] = 0 if fresh else t
            total = weights[s, 0] + weights[s, 1] + weights[s, 2]
            if not (total > 0.99 and total < 1.01):
                weights[s, 0] = weights[s, 1] = weights[s, 2] = 1.0 / 3.0
            continue
        length = np.sqrt(square)
        x, y, z = x / length, y / length, z / length
        w0 = w1 = w2 = 0.0
        found = False
        for step in range(MAX_STEPS):
            if fresh:
                t = _start(x, y, z, start_table)
            w0, w1, w2 = _raw_weights(x, y, z, inverse[t])
            steps += 1
            found = w0 >= -ROUNDING and w1 >= -ROUNDING and w2 >= -ROUNDING
            if found:
                break
            far = step == 0 and not fresh and w0 + w1 + w2 < 0.97
            fresh = far
            if far:
                continue
            if w0 <= w1 and w0 <= w2:
                t = neighbours[t, 0]
            elif w1 <= w2:
                t = neighbours[t, 1]
            else:
                t = neighbours[t, 2]
        if not found:
            least = -np.inf
            for k in range(count):
                w0, w1, w2 = _raw_weights(x, y, z, inverse[k])
                if min(w0, w1, w2) > least and w0 + w1 + w2 > 0.0:
                    least = min(w0, w1, w2)
                    t = k
            w0, w1, w2 = _raw_weights(x, y, z, inverse[t])
            steps += count
        w0, w1, w2 = max(w0, 0.0), max(w1, 0.0), max(w2, 0.0)
        total = w0 + w1 + w2
        triangle[s] = t
        weights[s, 0] = w0 / total
        weights[s, 1] = w1 / total
        weights[s, 2] = w2 / total
    return steps
