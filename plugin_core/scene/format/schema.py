"""Dataclasses as the schema of a JSON file: reading, writing, and the tables of the documentation.

A field made with ``key`` says what a value means and which ones are allowed; ``read`` turns a tree
of JSON into dataclasses by their types, ``to_json`` goes the other way, ``tables`` writes Markdown.
"""

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Collection, Iterator
from typing import Any, TypeVar

from auricle.dsp.registry import Registry
from auricle.plugin_core.scene.format.json_tree import Node, SceneError

T = TypeVar("T")
Kind: typing.TypeAlias = type  # some dataclasses have a key "type"
Field: typing.TypeAlias = "dataclasses.Field[Any]"
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_MOST_WHOLE = 10**18
_WORDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}


class KeyProblem(SceneError):
    """A value that a key cannot have.

    Attributes:
        key: of the object that was being made, perhaps with more: ``keyframes[2].time_seconds``.
    """

    def __init__(self, key: str, text: str) -> None:
        super().__init__(f"{key}: {text}")
        self.key, self.text = key, text


def key(
    default: Any = dataclasses.MISSING, doc: str = "", *, low: float | None = None,
    high: float | None = None, choices: Collection[Any] = (), always: bool = False,
) -> Any:  # fmt: skip
    """A field of a dataclass of the schema.

    Args:
        default: without one the key must be given.
        doc: a sentence for the documentation.
        low: least value; high: largest; choices: the only ones.
        always: the key must stand in the file, and is written, whatever its value.
    """
    metadata = {"doc": doc, "low": low, "high": high, "choices": choices, "always": always}
    return dataclasses.field(default=default, metadata=metadata)


class Extended:
    """A dataclass of the schema that may have more keys, by what its object says.

    Its field ``own``, which is no key, holds a dataclass of them, or None.
    """

    @classmethod
    def more_keys(cls, members: dict[str, Node]) -> Kind | None:
        """The dataclass of further keys of an object."""
        raise NotImplementedError


def _keys(kind: Any) -> "dict[str, Field]":
    """The fields that are keys."""
    return {each.name: each for each in dataclasses.fields(kind) if each.init and each.metadata}


def check_values(thing: Any) -> None:
    """Compare the fields of a dataclass with their limits and choices.

    Raises:
        KeyProblem: the first that is outside.
    """
    for field in dataclasses.fields(thing):
        rules = field.metadata
        value = getattr(thing, field.name) if rules else None
        if value is None:
            continue
        if rules["choices"] and value not in rules["choices"]:
            close = difflib.get_close_matches(str(value), map(str, rules["choices"]), 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            allowed = ", ".join(map(str, rules["choices"]))
            raise KeyProblem(field.name, f"is one of {allowed}, got {value!r}{meant}")
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                _check_range(field.name, number, rules["low"], rules["high"])


def _check_range(name: str, number: float, low: float | None, high: float | None) -> None:
    if isinstance(number, int) and abs(number) > _MOST_WHOLE:
        raise KeyProblem(name, "is too large for a number")
    if not math.isfinite(number):
        raise KeyProblem(name, f"must be a finite number, got {number}")
    if (low is not None and number < low) or (high is not None and number > high):
        raise KeyProblem(name, f"must be {_range(low, high)}, got {number:g}")


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low:g}"
    if low is None:
        return f"at most {high:g}"
    return f"from {low:g} to {high:g}"


# --- reading ---------------------------------------------------------------------------------


class Reader:
    """Makes dataclasses from a tree; errors name the file, the line and the key path."""

    def __init__(self, name: str) -> None:
        self._name = name

    def error(self, node: Node, text: str) -> SceneError:
        """An error for a node, to be raised."""
        at = f"{node.path}: " if node.path else ""
        return SceneError(f"{self._name}: line {node.line}: {at}{text}")

    def read(self, kind: type[T], node: Node) -> T:
        """A dataclass from an object."""
        if not isinstance(node.value, dict):
            raise self.error(node, f"must be an object {{...}}, not {_said(node.value)}")
        fields = _keys(kind)
        more = self._more(kind, node)
        known = {**fields, **_keys(more)} if more is not None else fields
        for name, member in node.value.items():
            if name not in known:
                raise self.error(member, f"unknown key{_suggestion(name, known)}")
        values = self._values(kind, node, fields)
        if more is not None:
            values["own"] = self._made(more, node, self._values(more, node, _keys(more)), True)
        return self._made(kind, node, values)

    def _more(self, kind: type, node: Node) -> type | None:
        try:
            return kind.more_keys(node.value) if issubclass(kind, Extended) else None
        except KeyProblem as problem:
            raise self._placed(node, problem) from None

    def _values(self, kind: type, node: Node, fields: "dict[str, Field]") -> dict[str, Any]:
        """What an object says of the fields of a dataclass."""
        for field in fields.values():
            needed = field.default is dataclasses.MISSING or field.metadata["always"]
            if needed and field.name not in node.value:
                raise self.error(node, f'needs the key "{field.name}": {field.metadata["doc"]}')
        hints = typing.get_type_hints(kind)
        return {
            name: self._value(hints[name], each)
            for name, each in node.value.items()
            if name in fields
        }

    def _made(self, kind: type[T], node: Node, values: dict[str, Any], checked: bool = False) -> T:
        try:
            made = kind(**values)
            if checked:
                check_values(made)
        except KeyProblem as problem:
            raise self._placed(node, problem) from None
        except ValueError as error:  # of a check that somebody else wrote
            raise self.error(node, " ".join(str(error).split())) from None
        return made

    def _placed(self, node: Node, problem: KeyProblem) -> SceneError:
        """The problem of a key of an object at the line where that key, or its nearest, stands."""
        wanted = f"{node.path}.{problem.key}" if node.path else problem.key
        lines = node.lines()
        nearest = max((path for path in lines if wanted.startswith(path)), key=len)
        return SceneError(f"{self._name}: line {lines[nearest]}: {wanted}: {problem.text}")

    def _value(self, hint: Any, node: Node) -> Any:
        options = _options(hint)
        value = node.value
        if value is None and type(None) in options:
            return None
        for option in options:
            origin = typing.get_origin(option)
            if origin is tuple and isinstance(value, list):
                return self._tuple(option, node)
            if origin is dict and isinstance(value, dict):
                inner = typing.get_args(option)[1]
                return {
                    self._text(each, name): self._value(inner, each) for name, each in value.items()
                }
            if option is bool and isinstance(value, bool):
                return value
            if option is int and isinstance(value, int) and not isinstance(value, bool):
                return value
            if option is float and isinstance(value, (int, float)) and not isinstance(value, bool):
                return self._number(node)
            if option is str and isinstance(value, str):
                return self._text(node, value)
        kinds = [option for option in options if dataclasses.is_dataclass(option)]
        if kinds and isinstance(value, dict):
            return self.read(_variant(kinds, value), node)
        raise self.error(node, f"must be {_wanted(options)}, not {_said(value)}")

    def _text(self, node: Node, text: str) -> str:
        if _NO_TEXT.search(text):
            raise self.error(
                node, f"{ascii(text[:60])} holds half a character or U+0000; write it anew"
            )
        return text

    def _number(self, node: Node) -> float:
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.error(node, "is too large for a number")
        return number

    def _tuple(self, hint: Any, node: Node) -> tuple[Any, ...]:
        inner = typing.get_args(hint)
        if inner[-1] is Ellipsis:
            return tuple(self._value(inner[0], each) for each in node.value)
        if len(node.value) != len(inner):
            raise self.error(node, f"must be a list of {len(inner)}, not of {len(node.value)}")
        return tuple(self._value(h, each) for h, each in zip(inner, node.value, strict=True))


def _options(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _variant(kinds: list[Any], members: dict[str, Node]) -> Any:
    """The kind that an object is: the one whose MARK it has, else the one without a MARK."""
    for kind in kinds:
        if getattr(kind, "MARK", "") in members:
            return kind
    return next((kind for kind in kinds if not getattr(kind, "MARK", "")), kinds[0])


def _suggestion(name: str, known: typing.Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1, 0.5)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known are {', '.join(known)}"


def _wanted(options: tuple[Any, ...]) -> str:
    words = []
    for option in options:
        origin = typing.get_origin(option)
        if option is type(None):
            words.append("null")
        elif origin is tuple:
            inner = typing.get_args(option)
            many = "" if inner[-1] is Ellipsis else f"{len(inner)} "
            words.append(f"a list of {many}{_plural(inner[0])}")
        elif origin is dict or dataclasses.is_dataclass(option):
            words.append("an object")
        else:
            words.append(_WORDS[option])
    return " or ".join(dict.fromkeys(words))


def _plural(hint: Any) -> str:
    names = {float: "numbers", int: "whole numbers", str: "texts"}
    return names.get(hint, "objects")


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return {True: "true", False: "false", None: "null"}.get(value, repr(value)) if not isinstance(
        value, (int, float, str)
    ) or isinstance(value, bool) else repr(value)[:60]  # fmt: skip


# --- writing ---------------------------------------------------------------------------------


def to_json(thing: Any) -> Any:
    """The dicts and lists that ``read`` reads again, without the keys that have their default."""
    if dataclasses.is_dataclass(thing):
        mark = getattr(thing, "MARK", "")
        own = getattr(thing, "own", None) if isinstance(thing, Extended) else None
        more: dict[str, Any] = {} if own is None else to_json(own)
        return more | {
            field.name: to_json(getattr(thing, field.name))
            for field in dataclasses.fields(thing)
            if field.metadata
            and (
                field.metadata["always"]
                or field.name == mark
                or getattr(thing, field.name) != field.default
            )
        }
    if isinstance(thing, (tuple, list)):
        return [to_json(each) for each in thing]
    if isinstance(thing, dict):
        return {name: to_json(each) for name, each in thing.items()}
    return thing


def tables(kinds: list[type]) -> str:
    """A section of Markdown for each dataclass: its docstring and its keys."""
    return "\n".join(line for kind in kinds for line in _table(kind))


def _table(kind: Any) -> Iterator[str]:
    yield f"### {getattr(kind, 'TITLE', kind.__name__)}\n"
    yield " ".join((kind.__doc__ or "").split("\n\n")[0].split()) + "\n"
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if not field.metadata:
            continue
        needed = field.default is dataclasses.MISSING or field.metadata["always"]
        default = "must be given" if needed else f"`{_literal(to_json(field.default))}`"
        if dataclasses.is_dataclass(field.default):
            default = "its defaults"
        yield (
            f"| `{field.name}` | {_values(hints[field.name], field.metadata)} | {default} "
            f"| {field.metadata['doc']} |"
        )
    yield ""


def _values(hint: Any, rules: Any) -> str:
    if isinstance(rules["choices"], Registry):
        return "a name of the table in [methods.md](methods.md)"
    if rules["choices"]:
        return ", ".join(f"`{_literal(each)}`" for each in rules["choices"])
    words = _wanted(_options(hint))
    if rules["low"] is not None or rules["high"] is not None:
        words += f", {_range(rules['low'], rules['high'])}"
    return words


def _literal(value: Any) -> str:
    import json

    return json.dumps(value)
