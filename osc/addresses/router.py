"""From a message to the values it sets or asks for: exact addresses by a dict, patterns bounded.

Nothing raises: what cannot be understood is counted. The work of one datagram is bounded by
``max_steps``, in which each address tried, set or answered is a step.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from auricle.dsp.errors import AuricleError
from auricle.osc.addresses.table import TABLE, Address
from auricle.osc.errors import BadArgumentsError, NonfiniteError
from auricle.osc.protocol.pattern import WILDCARDS, Pattern, PatternError, has_wildcards
from auricle.osc.statistics import Statistics

# Addresses tried, set or answered for one datagram; more where one pattern over all sources
# needs it.
MAX_STEPS = 384
# Wildcards tried on the number of each source, for one datagram.
MAX_TOKENS_PER_SOURCE = 3
MAX_ANSWERS = 256  # of one datagram: a small question must not become a flood
MAX_CACHED_PATTERNS = 128
_TOUCH = ("touch", "release")  # sent by automation behind the values; not values


@dataclass(frozen=True)
class Binding:
    """The binding of an address: ``write(source, *values)``, ``read(source)``."""

    write: Callable[..., None] | None = None
    read: Callable[[int], Sequence[Any]] | None = None


class Answer(NamedTuple):
    """The address and the values with which a query is answered."""

    address: str
    arguments: tuple[Any, ...]


_NOTHING: list[Answer] = []


class _Route(NamedTuple):
    address: str
    entry: Address
    binding: Binding
    source: int


class Router:
    """The table bound to a scene.

    Args:
        bindings: for each template of ``addresses`` how it writes and reads.
        n_sources: how many sources there are.
        statistics: where what happens is counted.
        addresses: the table.
    """

    def __init__(
        self, bindings: Mapping[str, Binding], n_sources: int, statistics: Statistics,
        addresses: Sequence[Address] = TABLE,
    ) -> None:  # fmt: skip
        self._n_sources = n_sources
        self._statistics = statistics
        self._entries = {tuple(each.template.split("/")[1:]): each for each in addresses}
        self._bindings = {parts: bindings[each.template] for parts, each in self._entries.items()}
        self._known: dict[str, _Route] = {}  # grows to the number of addresses at most
        self._numbers_of: dict[str, list[int]] = {}  # sources by the pattern of their number
        self._patterns: OrderedDict[str, list[_Route]] = OrderedDict()
        self._numbers = [str(number + 1) for number in range(n_sources)]
        self.max_steps = max(MAX_STEPS, 3 * n_sources // 2 + len(addresses))
        self.begin_datagram()

    def begin_datagram(self) -> None:
        """Grant the steps of a new datagram."""
        self.steps_left, self._answers_left = self.max_steps, MAX_ANSWERS
        self._tokens_left = MAX_TOKENS_PER_SOURCE * self._n_sources

    def handle(self, address: str, arguments: Sequence[Any]) -> list[Answer]:
        """Do what a message says; the answers, if it asked."""
        route = self._known.get(address)
        if route is not None:
            self.steps_left -= self.max_steps // 2 if route.entry.is_heavy else 1
            if self.steps_left < 0:
                self._statistics.dropped += 1
                return []
            return self._follow(route, arguments)
        answers: list[Answer] = []
        routes = self._find(address)
        for route in routes:
            self.steps_left -= self.max_steps // 2 if route.entry.is_heavy else 1
            if self.steps_left < 0:
                self._statistics.dropped += 1
                break
            answered = self._follow(route, arguments)
            if answered:
                answers += answered
        return answers

    def _spend(self, steps: int) -> bool:
        self.steps_left -= steps
        return self.steps_left >= 0

    def _follow(self, route: _Route, arguments: Sequence[Any]) -> list[Answer]:
        _, entry, binding, source = route
        statistics = self._statistics
        if not arguments and entry.queried:
            return self._answer(route)
        if len(arguments) == len(entry.arguments) + 1 and arguments[-1] in _TOUCH:
            arguments = arguments[:-1]
        try:
            values, clamped = entry.values(arguments)
            if binding.write is not None:
                binding.write(source, *values)
        except NonfiniteError:
            statistics.nonfinite += 1
        except BadArgumentsError:
            statistics.bad += 1
        except AuricleError:
            statistics.refused += 1
        else:
            statistics.good += 1
            if clamped:
                statistics.clamped += 1
        return _NOTHING

    def _answer(self, route: _Route) -> list[Answer]:
        if route.binding.read is None or self._answers_left <= 0:
            self._statistics.dropped += route.binding.read is not None
            return []
        self._answers_left -= 1
        self._statistics.queries += 1
        return [Answer(route.address, tuple(route.binding.read(route.source)))]

    def _find(self, address: str) -> list[_Route]:
        """The addresses that exist and match; what does not exist is counted."""
        parts = tuple(address.split("/")[1:])
        if WILDCARDS.isdisjoint(address):
            found = self._exact(address, parts)
            if found is not None:
                self._known[address] = found
                return [found]
            self._count_missing(parts)
            return []
        cached = self._patterns.get(address)
        if cached is not None:
            self._patterns.move_to_end(address)
            self._statistics.unknown += not cached
            return cached
        if self.steps_left <= 0:
            self._statistics.dropped += 1
            return []
        try:
            routes = self._matching(parts)
        except PatternError:
            self._statistics.bad += 1
            return []
        if self.steps_left < 0:
            self._statistics.dropped += 1
            return []
        if not routes:
            self._statistics.unknown += 1
        self._patterns[address] = routes
        if len(self._patterns) > MAX_CACHED_PATTERNS:
            self._patterns.popitem(last=False)
        return routes

    def _exact(self, address: str, parts: tuple[str, ...]) -> _Route | None:
        entry = self._entries.get(parts)
        if entry is not None and "{n}" not in parts:
            return _Route(address, entry, self._bindings[parts], -1)
        if len(parts) < 3:
            return None
        template = (*parts[:2], "{n}", *parts[3:])
        entry, source = self._entries.get(template), self._source(parts[2])
        if entry is None or source is None:
            return None
        return _Route(address, entry, self._bindings[template], source)

    def _source(self, number: str) -> int | None:
        """The source with the number of an address: 1, not 01 or ١."""
        if not (number.isascii() and number.isdecimal() and len(number) < 9) or number[0] == "0":
            return None
        source = int(number) - 1
        return source if source < self._n_sources else None

    def _count_missing(self, parts: tuple[str, ...]) -> None:
        about_source = len(parts) > 2 and (*parts[:2], "{n}", *parts[3:]) in self._entries
        if about_source and parts[2].lstrip("-").isdecimal():
            self._statistics.no_source += 1
        else:
            self._statistics.unknown += 1

    def _matching(self, parts: tuple[str, ...]) -> list[_Route]:
        patterns = [Pattern(part) if has_wildcards(part) else None for part in parts]
        self._spend(4 + sum(each.n_tokens for each in patterns if each is not None) // 2)
        routes: list[_Route] = []
        numbers: list[int] | None = None
        for template, entry in self._entries.items():
            if len(template) != len(parts) or not self._spend(2):
                continue
            if not all(
                name == "{n}" or (name == part if pattern is None else pattern.matches(name))
                for name, part, pattern in zip(template, parts, patterns, strict=True)
            ):
                continue
            binding = self._bindings[template]
            if "{n}" not in template:
                routes.append(_Route("/" + "/".join(template), entry, binding, -1))
                continue
            if numbers is None:
                numbers = self._matching_sources(parts[2], patterns[2])
            if not self._spend(len(numbers) // 4):
                return []
            head, tail = "/" + "/".join(template[:2]), "/".join(template[3:])
            routes += [
                _Route(f"{head}/{self._numbers[source]}/{tail}", entry, binding, source)
                for source in numbers
            ]
        return routes

    def _matching_sources(self, part: str, pattern: Pattern | None) -> list[int]:
        if pattern is None:
            source = self._source(part)
            return [] if source is None else [source]
        if pattern.is_anything:
            return list(range(self._n_sources))
        known = self._numbers_of.get(part)
        if known is not None:
            return known
        self._tokens_left -= pattern.n_tokens * self._n_sources
        if self._tokens_left < 0:
            self.steps_left = -1
            return []
        found = [i for i, number in enumerate(self._numbers) if pattern.matches(number)]
        if len(self._numbers_of) >= MAX_CACHED_PATTERNS:
            self._numbers_of.clear()
        self._numbers_of[part] = found
        return found
