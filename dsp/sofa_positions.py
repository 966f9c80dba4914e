"""Where the sources of a SOFA file are, seen from the listener's head.

The standard leaves coordinates, units and the listener's place and view to the reader of the file.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import HrtfError
from auricle.dsp.geometry import directions_and_distances, unit_vectors
from auricle.dsp.sofa_values import has, numbers, variable_attribute

Array: TypeAlias = NDArray[np.float64]


def source_points_m(sofa: Any, n_measurements: int, findings: list[str]) -> Array:
    """Sources (M, 3) in metres, in the axes of the listener's head."""
    if not has(sofa, "SourcePosition"):
        raise HrtfError("states no source positions (SourcePosition)")
    points = _cartesian_m(sofa, "SourcePosition", findings)
    if points.shape[0] not in (1, n_measurements):
        raise HrtfError(f"has {n_measurements} measurements but {points.shape[0]} source positions")
    emitters = _optional_points(sofa, "EmitterPosition", findings)
    if emitters is not None and emitters.shape == points.shape and np.any(emitters):
        # Emitters are given about the source; one that is beside it (GeneralFIR) counts.
        points = points + emitters if points.shape[0] == n_measurements else points
    listener = _optional_points(sofa, "ListenerPosition", findings)
    if listener is not None and np.any(listener):
        points = points - _rows(listener, "ListenerPosition", n_measurements)
        findings.append("The listener is not at the origin; directions are taken from the head.")
    points = _into_head(sofa, points, n_measurements, findings)
    points = np.array(np.broadcast_to(points, (n_measurements, 3)))
    if not np.all(np.isfinite(points)):
        raise HrtfError("SourcePosition holds NaN or infinite values")
    if np.any(directions_and_distances(points)[1] <= 0.0):
        raise HrtfError("a source position is the centre of the head, which is no direction")
    return points


def _into_head(sofa: Any, points: Array, n_measurements: int, findings: list[str]) -> Array:
    """Points in the axes of ListenerView and ListenerUp; as they are where those say nothing."""
    view = _optional_points(sofa, "ListenerView", findings)
    if view is None or not np.all(np.isfinite(view)):
        return points
    up = _optional_points(sofa, "ListenerUp", findings, like="ListenerView")
    up = np.array([[0.0, 0.0, 1.0]]) if up is None else up
    view, up = (_rows(each, "ListenerView", n_measurements) for each in (view, up))
    left = np.cross(up, view)
    if np.any(directions_and_distances(left)[1] < 1e-6):
        findings.append("ListenerView and ListenerUp are not at right angles; they were ignored.")
        return points
    front, left = directions_and_distances(view)[0], directions_and_distances(left)[0]
    axes = np.stack([front, left, np.cross(front, left)], axis=-2)  # rows: front, left, up
    if np.max(np.abs(axes - np.eye(3))) < 1e-6:
        return points
    findings.append("The listener does not look along x; directions are turned into the head.")
    return np.asarray(np.einsum("mij,mj->mi", *_broadcast_rows(axes, points)))


def one_shell(
    ir: Array, points_m: Array, distance_m: float | None, findings: list[str]
) -> tuple[Array, Array]:
    """The measurements of one distance, where the same directions were measured at several."""
    positions, distances = directions_and_distances(points_m)
    shells = np.round(np.log(distances) / np.log(1.02))  # 2 % apart is another shell
    values, counts = np.unique(shells, return_counts=True)
    n_directions = len(np.unique(np.round(positions, 3), axis=0))
    several = len(values) > 1 and n_directions <= 0.75 * len(positions)
    if not several:
        if distances.max() > 1.05 * distances.min():
            findings.append(
                f"The sources are {distances.min():.2f} to {distances.max():.2f} m away, "
                "one distance to a direction."
            )
        return ir, points_m
    middles = np.array([np.median(distances[shells == value]) for value in values])
    if distance_m is None:
        chosen = np.lexsort((middles, counts))[-1]
    else:
        chosen = int(np.argmin(np.abs(middles - distance_m)))
    listed = ", ".join(f"{middle:.2f}" for middle in middles)
    findings.append(
        f"Measured at several distances ({listed} m); the set holds those at "
        f"{middles[chosen]:.2f} m, HrtfSet.load(path, distance_m=...) picks others."
    )
    keep = shells == values[chosen]
    return ir[keep], points_m[keep]


def _cartesian_m(sofa: Any, key: str, findings: list[str], like: str | None = None) -> Array:
    """Points (rows, 3) of a SOFA variable in metres, from its Type and Units."""
    values = numbers(sofa, key)
    if values.ndim == 3:  # (rows, C, M) with one measurement
        values = values[..., 0]
    values = np.atleast_2d(values)
    if values.ndim != 2 or values.shape[1] != 3:
        raise HrtfError(f"{key} has shape {values.shape}, not (rows, 3)")
    kind = variable_attribute(sofa, f"{like or key}_Type").lower()
    units = variable_attribute(sofa, f"{like or key}_Units").lower()
    if kind.startswith("cart") or (not kind and key != "SourcePosition"):
        return values / _units_per_metre(units)
    if kind and not kind.startswith("spher"):
        raise HrtfError(f"{key} has the unknown coordinates {kind!r}")
    return _from_spherical(values, key, units, findings)


def _from_spherical(values: Array, key: str, units: str, findings: list[str]) -> Array:
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
    if key == "SourcePosition" and np.any(unknown):
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
    sofa: Any, key: str, findings: list[str], like: str | None = None
) -> Array | None:
    return _cartesian_m(sofa, key, findings, like) if has(sofa, key) else None


def _rows(values: Array, key: str, n_measurements: int) -> Array:
    if values.shape[0] not in (1, n_measurements):
        raise HrtfError(f"{key} has {values.shape[0]} rows for {n_measurements} measurements")
    return values


def _broadcast_rows(axes: Array, points: Array) -> tuple[Array, Array]:
    n_rows = max(len(axes), len(points))
    return np.broadcast_to(axes, (n_rows, 3, 3)), np.broadcast_to(points, (n_rows, 3))


def compare_receivers(sofa: Any, findings: list[str]) -> None:
    """Receiver positions are wrong so often that they decide nothing; what they say is told."""
    try:
        receivers = _optional_points(sofa, "ReceiverPosition", [])
    except HrtfError:
        receivers = None
    if receivers is None or receivers.shape != (2, 3):
        return
    left, right = receivers[:, 1]
    if left < 0.0 < right:
        findings.append(
            "ReceiverPosition puts receiver 0 at the right ear; it was read as the left, which "
            "ITD and ILD show it to be in most such files."
        )
    if left == right:
        findings.append("ReceiverPosition puts both ears in one place.")
    elif not 0.1 <= abs(left - right) <= 0.3:
        findings.append(f"ReceiverPosition puts the ears {abs(left - right):.2g} m apart.")
