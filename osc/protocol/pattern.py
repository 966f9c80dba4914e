"""Wildcards of OSC 1.0 (`*` `?` `[a-z]` `[!a]` `{one,two}`) against the parts of an address.

A part is what stands between two slashes; no wildcard reaches over a slash. The set of places that
the pattern may have reached in a name is kept as the bits of an integer, so that a match takes one
step a token of the pattern: no backtracking, whatever the pattern.
"""

from collections.abc import Callable
from typing import TypeAlias

MAX_TOKENS = 32
MAX_ALTERNATIVES = 32
WILDCARDS = frozenset("*?[]{}")

# From the places reached in a name (bit i: i characters are used up) to those reached with it.
Token: TypeAlias = Callable[[str, int], int]


class PatternError(ValueError):
    """A pattern that is not well formed, or longer than any honest one."""


def has_wildcards(part: str) -> bool:
    """Whether a part of an address is a pattern."""
    return not WILDCARDS.isdisjoint(part)


class Pattern:
    """Whether names match one part of an address pattern.

    Raises:
        PatternError: brackets that do not close, a range backwards, more than ``MAX_TOKENS``
            tokens or ``MAX_ALTERNATIVES`` alternatives.
    """

    def __init__(self, part: str) -> None:
        self._tokens = _tokens(part)
        self.n_tokens = len(self._tokens)
        self.is_anything = part != "" and part.strip("*") == ""

    def matches(self, name: str) -> bool:
        """Whether the whole name matches."""
        if self.is_anything:
            return True
        reached = 1
        for token in self._tokens:
            reached = token(name, reached)
            if not reached:
                return False
        return bool(reached >> len(name) & 1)


def _tokens(part: str) -> list[Token]:
    tokens: list[Token] = []
    at, plain, alternatives = 0, "", 0
    while at < len(part):
        here = part[at]
        if here not in WILDCARDS:
            plain += here
            at += 1
            continue
        if plain:
            tokens.append(_one_of((plain,)))
            plain = ""
        if here == "*":
            if not tokens or tokens[-1] is not _anything:
                tokens.append(_anything)
            at += 1
        elif here == "?":
            tokens.append(_any_character)
            at += 1
        elif here == "[":
            end = _closing(part, at, "]")
            tokens.append(_character_of(part[at + 1 : end]))
            at = end + 1
        elif here == "{":
            end = _closing(part, at, "}")
            choices = tuple(part[at + 1 : end].split(","))
            alternatives += len(choices)
            tokens.append(_one_of(choices))
            at = end + 1
        else:
            raise PatternError(f"{here} without its opening bracket")
        if len(tokens) > MAX_TOKENS or alternatives > MAX_ALTERNATIVES:
            raise PatternError("a pattern with too many wildcards")
    return [*tokens, _one_of((plain,))] if plain else tokens


def _closing(part: str, at: int, bracket: str) -> int:
    end = part.find(bracket, at + 1)
    inside = part[at + 1 : end]
    if end < 0 or not WILDCARDS.isdisjoint(inside):
        raise PatternError(f"{part[at]} does not close, or holds another wildcard")
    return end


def _anything(name: str, reached: int) -> int:
    lowest = reached & -reached
    return ((1 << len(name) + 1) - 1) & ~(lowest - 1)


def _any_character(name: str, reached: int) -> int:
    return reached << 1 & ((1 << len(name) + 1) - 1)


def _character_of(inside: str) -> Token:
    negated = inside.startswith("!")
    allowed = _characters(inside[1:] if negated else inside)

    def token(name: str, reached: int) -> int:
        here = sum(1 << i for i, c in enumerate(name) if (c in allowed) is not negated)
        return (reached & here) << 1

    return token


def _characters(inside: str) -> frozenset[str]:
    allowed: set[str] = set()
    at = 0
    while at < len(inside):
        if at + 2 < len(inside) and inside[at + 1] == "-":
            first, last = ord(inside[at]), ord(inside[at + 2])
            if first > last:
                raise PatternError(f"the range {inside[at : at + 3]} runs backwards")
            allowed.update(map(chr, range(first, last + 1)))
            at += 3
        else:
            allowed.add(inside[at])
            at += 1
    return frozenset(allowed)


def _one_of(choices: tuple[str, ...]) -> Token:
    by_length: dict[int, set[str]] = {}
    for choice in choices:
        by_length.setdefault(len(choice), set()).add(choice)
    groups = sorted(by_length.items())

    def token(name: str, reached: int) -> int:
        after = 0
        while reached:
            i = (reached & -reached).bit_length() - 1
            reached &= reached - 1
            for length, group in groups:
                if name[i : i + length] in group:
                    after |= 1 << i + length
        return after

    return token
