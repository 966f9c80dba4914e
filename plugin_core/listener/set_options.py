"""Options by which a listener's set is read, and its findings told."""

import os
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auricle.dsp.hrtf.hrtf_set import HrtfSet

Say = Callable[[str], None]


@dataclass(frozen=True)
class SetOptions:
    """The options of ``HrtfSet.load``, which says what each does, by its names."""

    swap_ears: bool = False
    mirror_azimuth: bool = False
    distance_m: float | None = None
    true_sample_rate: float | None = None
    receivers: tuple[int, int] | None = None
    emitter: int | None = None
    conjugate: bool = False
    bass: str = "auto"

    @property
    def given(self) -> dict[str, Any]:
        """The options that differ from their defaults."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }

    def load(self, path: str | os.PathLike[str], say: Say | None = None) -> "HrtfSet":
        """The set of a file; each of its findings is said, or is a warning where nobody listens.

        Raises:
            SofaError: the file cannot be used so.
        """
        from auricle.dsp.errors import SetWarning
        from auricle.dsp.hrtf.hrtf_set import HrtfSet

        hrtf = HrtfSet.load(path, **asdict(self))
        for finding in hrtf.findings:
            if say is not None:
                say(f"{os.fspath(path)}: {finding}")
            else:
                warnings.warn(f"{os.fspath(path)}: {finding}", SetWarning, stacklevel=3)
        return hrtf
