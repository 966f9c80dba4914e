"""The packed development sets (data/hrtf/*.h5), read into Subjects without a detour over SOFA."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from auricle.dsp.errors import MissingDependencyError
from auricle.dsp.geometry import unit_vectors
from auricle.personalization.datasets.measures import in_degrees
from auricle.personalization.datasets.registry import find
from auricle.personalization.datasets.subjects import DatasetError, Subjects, people_of


def load_h5(path: str | os.PathLike[str]) -> Subjects:
    """The listeners of a packed set; the names of its file choose the entry of the registry.

    Layout: ``ir_i16`` (B, M, 2, N) int16 times ``scale`` (B,), ``source_position`` (M, 3) azimuth
    and elevation in degrees and radius in metres, ``ids`` (B,), and ``anthropometry`` (B, A) with
    its ``names`` where the set has measures.
    """
    h5py = _h5py()
    file = Path(path)
    if not file.is_file():
        raise DatasetError(f"{file}: there is no such file")
    known = find(file.stem)
    try:
        with h5py.File(file) as packed:
            ir = packed["ir_i16"][...].astype(np.float32)
            ir *= packed["scale"][...].astype(np.float32)[:, None, None, None]
            source = packed["source_position"][...].astype(np.float64)
            ids = tuple(str(int(each)) for each in packed["ids"][...])
            rate = round(float(packed.attrs["sampling_rate"]))
            names, measures = _measures(packed, len(ids))
    except (OSError, KeyError) as error:
        raise DatasetError(f"{file}: is not a packed set ({error})") from None
    return Subjects(
        ids,
        ir,
        unit_vectors(source[:, 0], source[:, 1]),
        float(np.median(source[:, 2])),
        rate,
        in_degrees(measures, names),
        names,
        people_of(ids, known.repeats if known else ()),
        known.name if known else file.stem,
    )


def _measures(packed: Any, n_subjects: int) -> tuple[tuple[str, ...], np.ndarray]:
    if "anthropometry" not in packed:
        return (), np.empty((n_subjects, 0))
    table = packed["anthropometry"]
    names = (n.decode() if isinstance(n, bytes) else str(n) for n in table.attrs["names"])
    return tuple(names), table[...].astype(np.float64)


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise MissingDependencyError("packed sets need h5py: pip install h5py") from None
    return h5py
