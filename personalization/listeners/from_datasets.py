"""Data sets as what methods learn from: features of all listeners, kept on disk."""

from pathlib import Path

import numpy as np

from auricle.dsp.preparation.cache import cache_folder, load_archive, save_archive
from auricle.dsp.storage.digests import digest_of
from auricle.personalization.datasets.folder import load_folder
from auricle.personalization.datasets.packed import load_h5
from auricle.personalization.datasets.registry import find
from auricle.personalization.datasets.subjects import DatasetError, Subjects
from auricle.personalization.listeners.features import features
from auricle.personalization.listeners.listener_data import ListenerGroup

_VERSION = 2  # of the features


def subjects_in(data: Path, name: str) -> Subjects:
    """The data set ``name`` (such as "hutubs") in a folder of data sets; DatasetError if not there.

    A folder of SOFA files of that name, or a packed set ``name.h5``, in ``data`` or its ``hrtf``.
    """
    for place in (data, data / "hrtf"):
        if (place / name).is_dir():
            return load_folder(place / name)
        if (place / f"{name}.h5").is_file():
            return load_h5(place / f"{name}.h5")
    raise DatasetError(f"{data}: holds no data set {name}: neither a folder {name} nor {name}.h5")


def people_only(subjects: Subjects) -> Subjects:
    """The listeners without the dummy heads among them."""
    known = find(subjects.dataset)
    dummies = known.dummies if known else ()
    return subjects.take(np.array([each not in dummies for each in subjects.ids]))


def training_of(subjects: Subjects) -> ListenerGroup:
    """Features of all listeners, in ``cache_folder()`` the next time."""
    words = f"{_VERSION} {subjects.sample_rate}"
    name = f"{digest_of(words, subjects.positions, subjects.ir)}.npz"
    path = cache_folder().parent / "features" / name
    arrays = load_archive(path)
    if arrays is None:
        found = features(subjects.ir, subjects.positions, subjects.sample_rate)
        arrays = {"magnitude_db": found.magnitude_db, "arrival_seconds": found.arrival_seconds}
        save_archive(path, arrays)
    return ListenerGroup(
        subjects.positions, arrays["magnitude_db"], arrays["arrival_seconds"], subjects.dataset
    )
