"""load_collection: all data sets under one folder, which is what ``--data DIR`` names."""

import os
from pathlib import Path

from auricle.personalization.datasets.folder import load_folder
from auricle.personalization.datasets.packed import load_h5
from auricle.personalization.datasets.registry import find
from auricle.personalization.datasets.subjects import DatasetError, Subjects


def load_collection(path: str | os.PathLike[str]) -> dict[str, Subjects]:
    """Data sets by name, in the order of their folders' names.

    ``path`` holds one folder for each set, with the set's name in the folder's (hutubs, sonicom,
    ...), or is such a folder itself, or holds packed sets (.h5, for development).
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is no folder; name one that holds data sets")
    known = [each for each in sorted(folder.iterdir()) if each.is_dir() and find(each.name)]
    packed = [each for each in sorted(folder.glob("*.h5")) if find(each.stem)]
    if find(folder.resolve().name) or not (known or packed):
        found = [load_folder(folder)]
    else:
        found = [load_folder(each) for each in known] or [load_h5(each) for each in packed]
    return {each.dataset: each for each in found}
