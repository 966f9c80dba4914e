"""A measured set with its gaps filled: directions between the measured ones."""

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.interpolation.mesh_refinement import refined_vertices
from auricle.dsp.sphere.grids import spacing_deg
from auricle.dsp.sphere.mesh import triangulate
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.sparse.completion.complete import Completed, complete
from auricle.personalization.sparse.method import Method
from auricle.personalization.sparse.registry import method

FEWEST_REFINED = 60  # directions from which on the network is better than the process alone
MOST_DIRECTIONS = 1500  # measured; beyond, the grid is finer than what listeners differ by
_LEAST_STEP_DEG = 2.5
_STEP = 0.7  # of the spacing: every edge of the mesh is halved once


def dense_method(n_measured: int, train: ListenerGroup) -> Method:
    """The method that fills gaps between so many directions best, and the listeners it needs."""
    name = "dense-refiner-across" if n_measured >= FEWEST_REFINED else "listeners-across"
    made = method(name)()
    made.fit(train)
    return made


def densified(
    measured: HrtfSet, upsampler: Method, targets: Array | None = None, about: str = ""
) -> Completed:
    """A set with the measured directions, untouched, and those between them.

    Args:
        measured: the listener's set.
        upsampler: a method that has learned.
        targets: (Q, 3) unit vectors in place of the directions between.
        about: what to add to the name of the set.

    Raises:
        HrtfError: a set that has too many directions for this to help, or that no head can have.
    """
    if measured.n_directions > MOST_DIRECTIONS:
        raise HrtfError(
            f"the set has {measured.n_directions} directions; it is dense enough, "
            f"{MOST_DIRECTIONS} is the most that is filled in"
        )
    wanted = between_measured(measured.positions) if targets is None else targets
    return complete(measured, upsampler, wanted, about)


def between_measured(positions: Array) -> Array:
    """Directions (Q, 3) in the middles between measured ones, and in the holes of the grid."""
    mesh = triangulate(positions)
    step_deg = max(_STEP * float(np.median(spacing_deg(positions))), _LEAST_STEP_DEG)
    vertices = refined_vertices(mesh, step_deg, 4 * len(mesh.vertices))
    return vertices[len(mesh.measured) :]
