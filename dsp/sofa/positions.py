"""Positions of the sources of a SOFA file, seen from the listener's head.

The standard leaves coordinates, units and the listener's place and view to the reader of the file.
"""

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.geometry import directions_and_distances, unit_vectors
from auricle.dsp.netcdf.variables import NetcdfFile
from auricle.dsp.sofa.values import has, numbers, variable_attribute

FARTHEST_M = 1e9
ONE_PLACE_M = 0.1  # emitters that are nearer than that are parts of one loudspeaker


def source_points_m(
    sofa: NetcdfFile, n_measurements: int, emitters: tuple[int, ...] | None, findings: list[str]
) -> Array:
    """Places of the sources, in the axes of the listener's head.

    Args:
        sofa: the file.
        n_measurements: M.
        emitters: numbers of the K emitters of the data; None: the data have no axis for them, and K
            is 1.
        findings: sentences are added to it.

    Returns:
        (M, K, 3) metres.
    """
    if not has(sofa, "SourcePosition"):
        raise HrtfError("states no source positions (SourcePosition)")
    offsets = _emitters_m(sofa, n_measurements, emitters)
    points = _cartesian_m(sofa, "SourcePosition", findings, at_origin=bool(np.any(offsets)))
    if points.shape[0] not in (1, n_measurements):
        raise HrtfError(f"has {n_measurements} measurements but {points.shape[0]} source positions")
    # Emitters stand about the source. Files of responses put one there for the sake of form; it
    # counts where the source would be nowhere without it.
    if emitters is None and np.any(points):
        offsets = np.zeros((1, 1, 3))
    places = points[:, None] + offsets
    if places.shape[1] > 1:
        findings.append(
            f"{places.shape[1]} emitters are read as sources; emitter=N picks one of them."
        )
    listener = _optional_points(sofa, "ListenerPosition", findings)
    if listener is not None and np.any(listener):
        places = places - _rows(listener, "ListenerPosition", n_measurements)[:, None]
        findings.append("The listener is not at the origin; directions are taken from the head.")
    axes = _view_axes(sofa, "Listener", n_measurements, findings)
    if axes is not None:
        findings.append("The listener does not look along x; directions are turned into the head.")
        places = np.einsum("mij,mkj->mki", *_same_rows(axes, places))
    places = np.array(np.broadcast_to(places, (n_measurements, *places.shape[1:])))
    if not np.all(np.abs(places) < FARTHEST_M):
        raise HrtfError("SourcePosition holds NaN or infinite values, or places out of this world")
    if np.any(directions_and_distances(places)[1] <= 0.0):
        raise HrtfError("a source position is the centre of the head, which is no direction")
    return places


def _emitters_m(
    sofa: NetcdfFile, n_measurements: int, emitters: tuple[int, ...] | None
) -> Array:  # fmt: skip
    """Where emitters are, seen from the origin: (1 or M, K, 3), their source's view applied."""
    count = 1 if emitters is None else len(emitters)
    if not has(sofa, "EmitterPosition"):
        points = np.zeros((1, 1, 3))
    else:
        points = _moving_m(sofa, "EmitterPosition")
    if points.shape[1] > 1:
        last = max(emitters or (0,))
        if last >= points.shape[1]:
            raise HrtfError(
                f"EmitterPosition has {points.shape[1]} rows, and there is more to hear"
            )
        points = points[:, list(emitters)] if emitters is not None else points[:, :1]
    if points.shape[0] not in (1, n_measurements):
        raise HrtfError(f"EmitterPosition holds {points.shape[0]} times {points.shape[1:]} values")
    if count > 1 and (points.shape[1] == 1 or np.max(np.ptp(points, axis=1)) < ONE_PLACE_M):
        raise HrtfError(
            f"holds the responses of {count} emitters at once, all in one place; emitter=N, "
            f"from 0 to {count - 1}, picks one"
        )
    axes = _view_axes(sofa, "Source", n_measurements, []) if np.any(points) else None
    if axes is not None:
        points = np.einsum("mji,mkj->mki", *_same_rows(axes, points))
    return points


def _moving_m(sofa: NetcdfFile, key: str) -> Array:
    """Points (1 or M, rows, 3) in metres of a variable (rows, C, 1 or M)."""
    values = numbers(sofa, key)
    if values.ndim != 3:
        return _cartesian_m(sofa, key, [])[None]
    return np.stack([_cartesian_m(sofa, key, [], column=k) for k in range(values.shape[2])])


def _view_axes(
    sofa: NetcdfFile, whose: str, n_measurements: int, findings: list[str]
) -> Array | None:
    """Axes (1 or M, 3, 3) of a view, rows front, left, up; None where they are the room's."""
    key = f"{whose}View"
    view = _optional_points(sofa, key, findings)
    if view is None or not np.all(np.isfinite(view)):
        return None
    up = _optional_points(sofa, f"{whose}Up", findings, like=key)
    up = np.array([[0.0, 0.0, 1.0]]) if up is None else up
    view, up = (_rows(each, key, n_measurements) for each in (view, up))
    left = np.cross(up, view)
    if not np.all(directions_and_distances(left)[1] >= 1e-6):
        findings.append(f"{key} and {whose}Up are not at right angles; they were ignored.")
        return None
    front, left = directions_and_distances(view)[0], directions_and_distances(left)[0]
    axes = np.stack(np.broadcast_arrays(front, left, np.cross(front, left)), axis=-2)
    return None if np.max(np.abs(axes - np.eye(3))) < 1e-6 else axes


def _cartesian_m(
    sofa: NetcdfFile, key: str, findings: list[str], like: str | None = None, *,
    column: int = 0, at_origin: bool = False,
) -> Array:  # fmt: skip
    """Points (rows, 3) of a SOFA variable in metres, from its Type and Units.

    ``column`` picks a measurement where rows move with it; ``at_origin``: distance 0 is meant.
    """
    values = numbers(sofa, key)
    if values.ndim == 3:  # (rows, C, 1 or M)
        values = values[..., column]
    values = np.atleast_2d(values)
    if values.ndim != 2 or values.shape[1] != 3:
        raise HrtfError(f"{key} has shape {values.shape}, not (rows, 3)")
    told_by = like if like is not None and has(sofa, like) else key
    kind = variable_attribute(sofa, told_by, "Type").lower()
    units = variable_attribute(sofa, told_by, "Units").lower()
    if kind.startswith("cart") or (not kind and key != "SourcePosition"):
        return values / _units_per_metre(units)
    if kind and not kind.startswith("spher"):
        raise HrtfError(f"{key} has the unknown coordinates {kind!r}")
    return _from_spherical(values, key, units, findings, at_origin)


def _from_spherical(
    values: Array, key: str, units: str, findings: list[str], at_origin: bool
) -> Array:
    angles = values[:, :2]
    if "rad" in units and "deg" not in units:
        angles = np.rad2deg(angles)
    elif key == "SourcePosition" and len(values) > 8 and np.abs(angles).max() <= 6.3:
        findings.append(
            "All source angles are below 6.3 degrees: radians labelled as degrees, or a tiny grid."
        )
    elevation = angles[:, 1]
    if np.any(np.abs(elevation) > 90.0 + 1e-3):
        raise HrtfError(
            f"{key} has elevations of {elevation.min():g} to {elevation.max():g} degrees, "
            "beyond -90 to 90"
        )
    elevation = np.clip(elevation, -90.0, 90.0)  # files round the poles to 90.0000025
    distance = values[:, 2:] / _units_per_metre(units.split(",")[-1])
    unknown = distance == 0.0
    if key == "SourcePosition" and np.any(unknown) and not at_origin:
        assumed = float(np.median(distance[~unknown])) if not np.all(unknown) else 1.0
        findings.append(
            f"The file puts {np.count_nonzero(unknown)} of {len(distance)} sources at distance 0; "
            f"{assumed:g} m was assumed."
        )
        distance = np.where(unknown, assumed, distance)
    if np.any(distance < 0.0):
        raise HrtfError(f"{key} has negative distances")
    return unit_vectors(angles[:, 0], elevation) * distance


def _units_per_metre(units: str) -> float:
    if "millimet" in units or units.strip() == "mm":
        return 1000.0
    return 100.0 if "centimet" in units or units.strip() == "cm" else 1.0


def _optional_points(
    sofa: NetcdfFile, key: str, findings: list[str], like: str | None = None
) -> Array | None:
    return _cartesian_m(sofa, key, findings, like) if has(sofa, key) else None


def _rows(values: Array, key: str, n_measurements: int) -> Array:
    if values.shape[0] not in (1, n_measurements):
        raise HrtfError(f"{key} has {values.shape[0]} rows for {n_measurements} measurements")
    return values


def _same_rows(axes: Array, points: Array) -> tuple[Array, Array]:
    n_rows = max(len(axes), len(points))
    return (
        np.broadcast_to(axes, (n_rows, 3, 3)),
        np.broadcast_to(points, (n_rows, *points.shape[1:])),
    )


def receivers_say(sofa: NetcdfFile, receivers: tuple[int, int], findings: list[str]) -> int:
    """The side on which ReceiverPosition puts the first of two receivers.

    It is wrong so often that alone it decides nothing.

    Args:
        sofa: the file.
        receivers: numbers of the two.
        findings: sentences are added to it.

    Returns:
        +1 for the left, -1 for the right, else 0.
    """
    try:
        places = _optional_points(sofa, "ReceiverPosition", [])
    except HrtfError:
        places = None
    if places is None or len(places) <= max(receivers) or not np.all(np.isfinite(places)):
        return 0
    left, right = (float(places[each, 1]) for each in receivers)
    if left == right:
        findings.append("ReceiverPosition puts both ears in one place.")
    elif not 0.1 <= abs(left - right) <= 0.3:
        findings.append(f"ReceiverPosition puts the ears {abs(left - right):.2g} m apart.")
    return int(left > 0.0 > right) - int(left < 0.0 < right)
