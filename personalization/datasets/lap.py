"""The measured directions of the LAP challenge 2024, task 2: 3, 5, 19 and 100 of SONICOM's grid."""

import numpy as np
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array, Int64
from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors
from auricle.personalization.datasets.subjects import DatasetError

COUNTS = (3, 5, 19, 100)
# Azimuth (counter-clockwise) and elevation in degrees, as the challenge's code lists them.
_SETS_DEG = {
    3: [(0, 0), (90, 0), (0, 90)],
    5: [(315, 0), (0, -45), (0, 0), (0, 45), (45, 0)],
    19: [(0, 90), *((az, el) for az in range(0, 360, 60) for el in (-45, 0, 45))],
}
TOLERANCE_DEG = 0.5


def lap_rows(positions: Array, n_measured: int) -> Int64:
    """Rows (n_measured,) of the challenge's directions in SONICOM's grid (M, 3), in its order.

    3, 5 and 19 are found on any grid that has those directions; 100 is every eighth of the grid
    sorted by azimuth, then elevation, so it needs SONICOM's 793 directions.
    """
    if n_measured not in COUNTS:
        raise DatasetError(f"the LAP sets have 3, 5, 19 or 100 directions, not {n_measured}")
    if n_measured == 100:
        if len(positions) != 793:
            raise DatasetError(
                f"the LAP set of 100 directions is of SONICOM's 793, this grid has {len(positions)}"
            )
        azimuth, elevation = azimuth_elevation_deg(positions)
        order = np.lexsort((np.round(elevation, 2), np.round(azimuth % 360.0, 2) % 360.0))
        return order[::8].astype(np.int64)
    return rows_at(positions, np.array(_SETS_DEG[n_measured], dtype=np.float64))


def rows_at(positions: Array, wanted_deg: Array, tolerance_deg: float = TOLERANCE_DEG) -> Int64:
    """Rows of a grid for given directions.

    Args:
        positions: (M, 3) unit vectors of the grid.
        wanted_deg: (K, 2) azimuth and elevation in degrees.
        tolerance_deg: angle up to which a direction counts as there.

    Returns:
        (K,) rows.
    """
    wanted = unit_vectors(wanted_deg[:, 0], wanted_deg[:, 1])
    chord, rows = cKDTree(positions).query(wanted)
    far = chord > 2.0 * np.sin(np.deg2rad(tolerance_deg) / 2.0)
    if np.any(far):
        azimuth, elevation = wanted_deg[np.argmax(far)]
        raise DatasetError(
            f"the grid has no direction within {tolerance_deg:g} degrees of azimuth {azimuth:g}, "
            f"elevation {elevation:g}"
        )
    return rows.astype(np.int64)


def spread_rows(positions: Array, n_measured: int) -> Int64:
    """Rows (n_measured,) spread evenly over a grid (M, 3), for grids without LAP sets.

    Farthest points one after the other (Gonzalez 1985), the first nearest to the front; then each
    is moved to where the smallest angle between any two grows, until none can.
    """
    n_directions = len(positions)
    if not 1 <= n_measured <= n_directions:
        raise DatasetError(f"of {n_directions} directions 1 to {n_directions}, not {n_measured}")
    rows = [int(np.argmax(positions[:, 0]))]
    near = positions @ positions[rows[0]]
    while len(rows) < n_measured:
        rows.append(int(np.argmin(near)))
        near = np.maximum(near, positions @ positions[rows[-1]])
    for _ in range(20):
        before = list(rows)
        for k in range(1, len(rows)):
            others = positions[[row for i, row in enumerate(rows) if i != k]]
            nearest = np.max(positions @ others.T, axis=1)
            best = int(np.argmin(nearest))
            if nearest[best] < nearest[rows[k]] - 1e-9:
                rows[k] = best
        if rows == before:
            break
    return np.array(rows, dtype=np.int64)
