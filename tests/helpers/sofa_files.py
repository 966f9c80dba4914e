"""SOFA files for tests, written variable by variable, as other programs write them."""

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from pulse_head import HEAD_RADIUS_M, SOUND_SPEED_M_S, full_sphere

CARTESIAN = {"Type": "cartesian", "Units": "metre"}
EARS = np.array([[0.0, 0.09, 0.0], [0.0, -0.09, 0.0]])
TEXTS = {
    "Conventions": "SOFA", "Version": "1.0", "RoomType": "free field", "Title": "t",
    "License": "CC0", "DateCreated": "2020-01-01 00:00:00", "ListenerShortName": "ball",
    "DateModified": "2020-01-01 00:00:00", "APIName": "x", "APIVersion": "1",
    "AuthorContact": "a", "Organization": "o", "DatabaseName": "d",
}  # fmt: skip


def write_sofa_file(
    path: Path, variables: dict[str, tuple[str, Any, dict[str, str]]], *,
    conventions: str = "SimpleFreeFieldHRIR", kind: str = "FIR", version: str = "1.0",
    fill: float | None = None, kind_of_file: str = "NETCDF4",
) -> Path:  # fmt: skip
    """``variables`` are axes, values and attributes by name; the usual ones are added."""
    table = {
        "ListenerPosition": ("IC", np.zeros((1, 3)), CARTESIAN),
        "ListenerView": ("IC", [[1.0, 0.0, 0.0]], CARTESIAN),
        "ListenerUp": ("IC", [[0.0, 0.0, 1.0]], {}),
        "ReceiverPosition": ("RCI", EARS[..., None], CARTESIAN),
        "EmitterPosition": ("ECI", np.zeros((1, 3, 1)), CARTESIAN),
        **variables,
    }
    if kind.startswith("FIR"):
        table.setdefault("Data.SamplingRate", ("I", [48000.0], {"Units": "hertz"}))
    sizes = {"I": 1, "C": 3}
    for axes, values, _ in table.values():
        sizes |= dict(zip(axes, np.shape(values), strict=True))
    with netCDF4.Dataset(path, "w", format=kind_of_file) as file:
        file.setncatts(TEXTS | {"SOFAConventions": conventions, "DataType": kind,
                                "SOFAConventionsVersion": version})  # fmt: skip
        for name, size in sizes.items():
            file.createDimension(name, size)
        for name, (axes, values, attributes) in table.items():
            made = file.createVariable(name, "f8", tuple(axes), fill_value=fill)
            made[...] = values
            made.setncatts(attributes)
    return path


def places(positions: np.ndarray, metres: float | np.ndarray = 1.5) -> tuple[str, Any, Any]:
    """SourcePosition of unit vectors (M, 3)."""
    return "MC", positions * np.reshape(metres, (-1, 1)), CARTESIAN


def ball_spectra(positions: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Transfer functions (M, 2, F) about the centre: times round a ball, and a shelf an ear."""
    out = []
    for side in (1.0, -1.0):
        c = np.clip(side * positions[:, 1:2], -1.0, 1.0)
        way = np.where(c > 0.0, -c, np.arccos(c) - np.pi / 2)
        corner = 1j * f / 1200.0
        shelf = (1.0 + (1.0 + 0.9 * c) * corner) / (1.0 + corner)
        out.append(shelf * np.exp(-2j * np.pi * f * HEAD_RADIUS_M / SOUND_SPEED_M_S * way))
    return np.stack(out, axis=1)


def coarse_sphere() -> np.ndarray:
    """44 directions (M, 3), both poles among them."""
    return full_sphere(30.0)
