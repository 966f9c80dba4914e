"""JSON read with the line of every value and key, so that errors can say where.

``json`` itself reads the text first and words what is no JSON; this walks the same text again for
the lines.
"""

import json
import re
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.regular_file import check_regular

MAX_DEPTH = 32
MAX_DIGITS = 400  # of a whole number; with more it is beyond every other number too
MOST_BYTES = 256 * 2**20
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")


class SceneError(AuricleError):
    """A scene that cannot be used; the message names the file, the line and the key."""


@dataclass(frozen=True)
class Node:
    """A JSON value.

    Attributes:
        value: str, int, float, bool, None, a list of nodes, or a dict from keys to nodes.
        line: where it begins, the first line is 1; of a member of an object, where its key stands.
        path: as in ``tracks[2].gain_db``; empty for the whole.
    """

    value: Any
    line: int
    path: str

    def lines(self) -> dict[str, int]:
        """The line of each path in here."""
        found = {self.path: self.line}
        inner: list[Node] = []
        if isinstance(self.value, dict):
            inner = list(self.value.values())
        elif isinstance(self.value, list):
            inner = self.value
        for node in inner:
            found.update(node.lines())
        return found


def read_tree(text: str, name: str) -> Node:
    """The tree of a JSON text; ``name`` is the file in the errors.

    Raises:
        SceneError: no JSON, a number that JSON has not, a key twice, or too deep.
    """
    try:
        json.loads(text, parse_constant=_refuse_constant, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise SceneError(
            f"{name}: line {error.lineno}: not JSON ({error.msg}); correct it there"
        ) from None
    except RecursionError:
        raise SceneError(f"{name}: nested too deep; a scene has {MAX_DEPTH} levels") from None
    except _Constant as error:
        at = re.search(rf"(?<![\w\"])-?{error.args[0].lstrip('-')}", text)
        line = text.count("\n", 0, at.start()) + 1 if at else 1
        raise SceneError(f"{name}: line {line}: {error.args[0]} is no number of JSON") from None
    return _Walk(text, name).value("", 0, 1)[0]


def load_tree(path: Path) -> Node:
    """The tree of a JSON file."""
    check_regular(path, SceneError, MOST_BYTES)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SceneError(f"{path}: not a JSON text file; save it as UTF-8") from None
    return read_tree(text, str(path))


class _Constant(Exception):
    """NaN or Infinity."""


def _refuse_constant(word: str) -> None:
    raise _Constant(word)


def _whole(word: str) -> int | float:
    """A whole number; Python itself refuses long ones, and takes long over them."""
    return int(word) if len(word) <= MAX_DIGITS else float(word)


class _Walk:
    """Goes over a text that is known to be JSON."""

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text, name
        self._line, self._counted = 1, 0  # the line at an offset that only grows

    def value(self, path: str, at: int, depth: int, line: int | None = None) -> tuple[Node, int]:
        at = self._skip(at)
        line = self._line_at(at) if line is None else line
        if depth > MAX_DEPTH:
            raise SceneError(
                f"{self._name}: line {line}: nested too deep; a scene has {MAX_DEPTH} levels"
            )
        kind = self._text[at]
        if kind == "{":
            members, at = self._object(path, at + 1, depth)
            return Node(members, line, path), at
        if kind == "[":
            items, at = self._array(path, at + 1, depth)
            return Node(items, line, path), at
        if kind == '"':
            string, at = scanstring(self._text, at + 1)
            return Node(string, line, path), at
        word = _SCALAR.match(self._text, at)
        assert word is not None, "json.loads has accepted this text"
        return Node(json.loads(word.group(), parse_int=_whole), line, path), word.end()

    def _object(self, path: str, at: int, depth: int) -> tuple[dict[str, Node], int]:
        members: dict[str, Node] = {}
        at = self._skip(at)
        while self._text[at] != "}":
            line = self._line_at(at)
            key, at = scanstring(self._text, at + 1)
            inner = f"{path}.{key}" if path else key
            if key in members:
                raise SceneError(
                    f"{self._name}: line {line}: {inner}: stands here twice, first in line "
                    f"{members[key].line}; remove one"
                )
            members[key], at = self.value(inner, self._skip(at) + 1, depth + 1, line)
            at = self._behind_comma(at)
        return members, at + 1

    def _array(self, path: str, at: int, depth: int) -> tuple[list[Node], int]:
        items: list[Node] = []
        at = self._skip(at)
        while self._text[at] != "]":
            item, at = self.value(f"{path}[{len(items)}]", at, depth + 1)
            items.append(item)
            at = self._behind_comma(at)
        return items, at + 1

    def _behind_comma(self, at: int) -> int:
        at = self._skip(at)
        return self._skip(at + 1) if self._text[at] == "," else at

    def _skip(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return space.end() if space else at

    def _line_at(self, at: int) -> int:
        self._line += self._text.count("\n", self._counted, at)
        self._counted = at
        return self._line
