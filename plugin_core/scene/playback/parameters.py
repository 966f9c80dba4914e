"""Parameters of VST3 plugins: set to the number that was asked for, and read back.

pedalboard sets a parameter by its name to one of a thousand steps of the range, and a range of
100 ms has steps of 0.1 ms. The raw value, 0 to 1, is as fine as the plugin takes it.
"""

from itertools import pairwise
from typing import Any

_HALVINGS = 24  # of a step between two raw values: as fine as a float32
_CLOSE = 1e-4  # of the value, or of a thousandth of the range


def set_parameter(plugin: Any, name: str, value: float | bool | str) -> str | None:
    """Set a parameter of a pedalboard ``VST3Plugin``.

    Args:
        plugin: the plugin.
        name: of the parameter.
        value: to set.

    Returns:
        A sentence if it is then another value, else None.

    Raises:
        ValueError: pedalboard's own, for a value that the parameter does not take.
        TypeError: likewise.
    """
    parameter = plugin.parameters[name]
    if parameter.type is not float or isinstance(value, str):
        setattr(plugin, name, value)
        found = getattr(plugin, name)
        with_unit = parameter.type is float  # "0.15 ms" reads back as a number
        return None if with_unit or found == value else _difference(name, found, value)
    wanted = float(value)
    by_name = float(parameter.get_raw_value_for(wanted))  # refuses what is out of range
    tried = {raw: _shown(plugin, name, raw) for raw in _candidates(plugin, name, wanted, by_name)}
    best = min(tried, key=lambda raw: abs(tried[raw] - wanted))  # of equals the first
    found = _shown(plugin, name, best)
    span = abs(float(parameter.max_value) - float(parameter.min_value))
    if abs(found - wanted) <= _CLOSE * max(abs(wanted), 1e-3 * span):
        return None
    return _difference(name, found, wanted)


def _difference(name: str, found: object, wanted: object) -> str:
    shown, asked = (f"{v:g}" if isinstance(v, float) else str(v) for v in (found, wanted))
    return f"{name} is {shown}, the nearest that it takes to {asked}"


def _candidates(plugin: Any, name: str, wanted: float, by_name: float) -> list[float]:
    """Raw values to try: what the plugin reads, one between two steps, the nearest step."""
    parameter = plugin.parameters[name]
    found = [float(parameter.get_raw_value_for_text(f"{wanted:.9g}"))]
    if abs(_shown(plugin, name, found[0]) - wanted) > 0.0:
        found.append(_between_steps(plugin, name, wanted))
    return [*found, by_name]


def _between_steps(plugin: Any, name: str, wanted: float) -> float:
    """The raw value by halving the step of pedalboard's table whose ends enclose the number."""
    steps = sorted(
        (low, float(value)) for (low, _), value in plugin.parameters[name].ranges.items()
    )
    steps.append((1.0, _shown(plugin, name, 1.0)))
    (low, begin), (high, end) = next(
        (a, b) for a, b in pairwise(steps) if min(a[1], b[1]) <= wanted <= max(a[1], b[1])
    )
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if (_shown(plugin, name, middle) < wanted) == (begin < end):
            low = middle
        else:
            high = middle
    return high


def _shown(plugin: Any, name: str, raw: float) -> float:
    """What the plugin says that a raw value is, which it then has."""
    plugin.parameters[name].raw_value = raw
    return float(getattr(plugin, name))
