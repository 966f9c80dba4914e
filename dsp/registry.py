"""One table a family of things: Auricle's own, what a program registers, what packages bring.

    METHODS.register(MethodInfo("toy", "my_package.toy:Toy", "a toy"))

A package that is installed names its things in its pyproject.toml, under the group of the family
(``Registry.group``), and they are there without a call:

    [project.entry-points."auricle.sparse_methods"]
    toy = "my_package.toy:INFO"

An entry point is loaded when its name is asked for, not before; one that cannot be loaded is one
error that names it, and leaves all others as they are.
"""

import difflib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from auricle.dsp.errors import AuricleError, MissingDependencyError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Entry = TypeVar("Entry")


class PackageWarning(UserWarning):
    """An entry of another package is left out, since it cannot be loaded."""


class Registry(Mapping[str, Entry], Generic[Entry]):
    """Entries by name, in the order in which they came; each has an attribute ``name``.

    Args:
        what: a word for one of them, for messages: "method".
        group: of entry points of installed packages.
        kind: the class of entries.
        own: Auricle's.

    Attributes:
        own: the names of Auricle's own.
    """

    def __init__(self, what: str, group: str, kind: type[Entry], own: Iterable[Entry]) -> None:
        self.what, self.group, self._kind = what, group, kind
        self._entries: dict[str, Entry] = {}
        self._failed: dict[str, str] = {}  # why entry points are none, by name
        self._told: set[str] = set()
        for entry in own:
            self.register(entry)
        self.own = tuple(self._entries)

    def register(self, entry: Entry) -> None:
        """Add an entry; AuricleError if it is none, or its name is taken."""
        if not isinstance(entry, self._kind):
            raise AuricleError(f"a {self.what} is a {self._kind.__name__}, got {entry!r}")
        name = self._name(entry)
        if name in self._entries:
            raise AuricleError(f"there is a {self.what} {name!r} already; take another name")
        self._entries[name] = entry

    def unregister(self, name: str) -> None:
        """Take an entry that a program registered away again; AuricleError for any other."""
        if name in getattr(self, "own", ()) or name not in self._entries:
            raise AuricleError(f"no program has registered a {self.what} {name!r}")
        del self._entries[name]

    def find(self, name: str) -> Entry:
        """The entry of that name; AuricleError, with the names there are, for another name."""
        if name in self._entries:
            return self._entries[name]
        found = _brought(self.group).get(name)
        if found is None:
            close = difflib.get_close_matches(name, list(self), 1)
            meant = f"did you mean {close[0]}? " if close else ""
            raise AuricleError(
                f"there is no {self.what} {name!r}; {meant}there are {', '.join(self)}"
            )
        entry: Entry = self._loaded(found)
        self.register(entry)
        return entry

    def _loaded(self, point: "EntryPoint") -> Any:
        """What an entry point names; AuricleError, the same each time, if it is no entry."""
        brought = f"the {self.what} {point.name!r} of another package ({point.value})"
        if point.name not in self._failed:
            try:
                entry = point.load()
            except Exception as error:  # whatever a package of somebody else does
                why = f"cannot be loaded: {type(error).__name__}: {error}"
            else:
                if isinstance(entry, self._kind) and self._name(entry) == point.name:
                    return entry
                why = f"is no {self._kind.__name__}, got {entry!r}"
                if isinstance(entry, self._kind):
                    why = f"calls itself {self._name(entry)!r}; give both the same name"
            self._failed[point.name] = " ".join(f"{brought} {why}".split())
        raise AuricleError(self._failed[point.name])

    @staticmethod
    def _name(entry: Any) -> str:
        name: str = entry.name
        return name

    def loaded(self) -> list[tuple[str, Entry]]:
        """Names and entries that are there without loading a package."""
        return list(self._entries.items())

    def usable(self) -> list[Entry]:
        """All entries, but for those of packages that cannot be loaded."""
        found = []
        for name in self:
            try:
                found.append(self.find(name))
            except AuricleError as error:
                self._tell(name, str(error))
        return found

    def _tell(self, name: str, why: str) -> None:
        """A warning of one line, once for each entry that is left out."""
        if name not in self._told:
            self._told.add(name)
            warnings.warn_explicit(f"{why}; it is left out", PackageWarning, self.group, 0)

    def __getitem__(self, name: str) -> Entry:
        try:
            return self.find(name)
        except AuricleError:
            if name in _brought(self.group):
                raise
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in _brought(self.group)

    def __iter__(self) -> Iterator[str]:
        yield from self._entries
        yield from (name for name in _brought(self.group) if name not in self._entries)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@cache
def _brought(group: str) -> "dict[str, EntryPoint]":
    """Entry points by name; of several with one name the first."""
    from importlib.metadata import entry_points  # 20 ms

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, point)
    return found


def placed(place: str, name: str, needs: str = "torch") -> Any:
    """The object at "module:attribute", imported now.

    Args:
        place: "module:attribute".
        name: of the entry, for messages.
        needs: a package that may be missing.

    Raises:
        MissingDependencyError: the package that ``name`` needs is not installed.
        AuricleError: there is no such module or attribute, or the module fails on loading.
    """
    module, _, attribute = place.partition(":")
    try:
        there = import_module(module)
    except ModuleNotFoundError as error:
        if error.name == needs:
            raise MissingDependencyError(f"{name} needs {needs}: pip install {needs}") from None
        raise AuricleError(f"{name}: {place} cannot be imported: {error}") from error
    except Exception as error:
        if module.startswith("auricle."):  # a fault of ours, which keeps its traceback
            raise
        why = f"{type(error).__name__}: {error}"
        raise AuricleError(f"{name}: {place} cannot be imported: {why}") from error
    if not hasattr(there, attribute):
        raise AuricleError(f"{name}: {module} holds no {attribute}")
    return getattr(there, attribute)
