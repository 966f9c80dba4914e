"""Locations in a scene: errors that name the file, the line and the key path."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from auricle.dsp.errors import AuricleError, MissingDependencyError
from auricle.plugin_core.scene.format.json_tree import SceneError
from auricle.plugin_core.scene.format.schema import KeyProblem


@dataclass(frozen=True)
class Place:
    """A scene file, or the lack of one for scenes made in Python.

    Attributes:
        file: the scene file; None: made in Python.
        lines: the line of each key path; empty for an ADM master, which has none.
    """

    file: Path | None = None
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder of the scene file; the working folder without one."""
        return self.file.parent if self.file is not None else Path()

    def error(self, path: str, text: str) -> SceneError:
        """An error for a key path, to be raised."""
        if self.file is None:
            return SceneError(f"scene: {path}: {text}")
        if not self.lines:
            return SceneError(f"{self.file}: {path}: {text}")
        nearest = max((each for each in self.lines if path.startswith(each)), key=len, default="")
        return SceneError(f"{self.file}: line {self.lines.get(nearest, 1)}: {path}: {text}")

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Errors of what is done inside belong to a key path."""
        try:
            yield
        except MissingDependencyError as error:
            raise self.error(path, str(error)) from error
        except KeyProblem as problem:
            raise self.error(f"{path}.{problem.key}", problem.text) from problem
        except SceneError:
            raise
        except AuricleError as error:
            raise self.error(path, str(error)) from error
