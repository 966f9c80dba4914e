"""Scenes kept on disk as arrays that are read where they lie, so a batch costs milliseconds.

Each person has a folder of their own, so whoever is there already is never rendered again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from auricle.dsp.arrays import Float32
from auricle.dsp.errors import AuricleError
from auricle.dsp.storage.part_files import forget, unfinished
from auricle.personalization.endtoend.physics.poses import STEP

Say: TypeAlias = Callable[[str], None]
Clip: TypeAlias = tuple[Float32, Float32, Float32]


@dataclass(frozen=True)
class Pool:
    """Scenes of one person: N scenes of K steps.

    Attributes:
        mono: (N, T) float16, T = K STEP.
        apparent_m: (N, K + 1, 3) float32.
        binaural: (N, 2, T) float16: -70 dB beside each sample.
    """

    mono: NDArray[np.float16]
    apparent_m: Float32
    binaural: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.mono)


def kept_pool(
    folder: Path, count: int, n_steps: int, scenes: Callable[[], Iterable[Clip]]
) -> tuple[Pool, bool]:
    """The pool in ``folder``, and whether it had to be made.

    Args:
        folder: appears whole or not at all.
        count: N.
        n_steps: K.
        scenes: gives sound, places and both ears of each scene; asked only where there are none.
    """
    shapes: dict[str, tuple[type, tuple[int, ...]]] = {
        "mono": (np.float16, (n_steps * STEP,)),
        "apparent_m": (np.float32, (n_steps + 1, 3)),
        "binaural": (np.float16, (2, n_steps * STEP)),
    }
    made = not folder.is_dir()
    if made:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            part = unfinished(folder)
            part.mkdir()
            try:
                arrays = [
                    open_memmap(part / f"{name}.npy", "w+", dtype=kind, shape=(count, *shape))
                    for name, (kind, shape) in shapes.items()
                ]
                for index, scene in enumerate(scenes()):
                    for array, values in zip(arrays, scene, strict=True):
                        array[index] = values
                del arrays
                if not folder.is_dir():  # another process may have been quicker
                    part.rename(folder)
            finally:
                forget(part)
        except OSError as error:
            raise AuricleError(
                f"{folder}: scenes cannot be written ({error.strerror or error}); make room, or "
                "set AURICLE_CACHE to another folder"
            ) from None
    try:
        read = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in shapes}
    except (OSError, ValueError) as error:
        raise AuricleError(f"{folder}: is damaged ({error}); delete that folder") from None
    return Pool(**read), made
