"""The measured data thinned: what a benchmark's quick form reads, in the folders of the real data.

All people, since some benchmarks name them by row and folds count them; of the directions every
eighth or so, with those of the LAP sets, so that a set is prepared in a second or two.
"""

from pathlib import Path

import numpy as np

from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.personalization.datasets.lap import lap_rows

_EVERY = {"sonicom": 8, "hutubs": 4, "cipic": 12, "sadie1": 2}
_MOST_PEOPLE = {"sonicom": 41, "hutubs": 86, "cipic": 39, "sadie1": 18}


def thinned(data: Path, folder: Path) -> Path:
    """A folder like ``data`` with thin sets; what is no set is linked.

    Args:
        data: the measured data.
        folder: an empty folder, which is filled.
    """
    import h5py

    for each in data.iterdir():
        if each.name not in ("hrtf", "ku100_nearfield", "default_hrtf"):
            (folder / each.name).symlink_to(each)
    for name in ("hrtf", "ku100_nearfield", "default_hrtf"):
        (folder / name).mkdir()
    for path in (data / "hrtf").iterdir():
        target = folder / "hrtf" / path.name
        if path.stem not in _EVERY:
            target.symlink_to(path)
            continue
        with h5py.File(path) as source, h5py.File(target, "w") as out:
            place = source["source_position"][:]
            rows = np.arange(0, len(place), _EVERY[path.stem])
            if path.stem == "sonicom":
                positions = unit_vectors(place[:, 0], place[:, 1])
                rows = np.union1d(
                    rows, np.concatenate([lap_rows(positions, n) for n in (3, 5, 19)])
                )
            most = min(_MOST_PEOPLE[path.stem], len(source["ids"]))
            for key, value in source.items():
                values = value[:]
                if key == "source_position":
                    values = values[rows]
                else:
                    values = values[:most]
                    values = values[:, rows] if key == "ir_i16" else values
                out[key] = values
                for fact, told in value.attrs.items():
                    out[key].attrs[fact] = told
            for fact, told in source.attrs.items():
                out.attrs[fact] = told
    for name in ("ku100_nearfield", "default_hrtf"):
        for path in (data / name).iterdir():
            large = path.suffix == ".sofa" and "CIRC" not in path.stem
            if large:
                whole = HrtfSet.load(path)
                whole.subset(np.arange(0, whole.n_directions, whole.n_directions // 90)).save(
                    folder / name / path.name
                )
            else:
                (folder / name / path.name).symlink_to(path)
    return folder
