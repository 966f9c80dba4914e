"""VST3 parameters in scenes: set as finely as the plugin takes them, and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.plugin_core.scene.playback.parameters import set_parameter

STEPS = 1000


class Parameter:
    """A number as pedalboard shows it: a table of steps, and a raw value that is finer."""

    type: type = float

    def __init__(self, low, high, *, power=1.0, decimals=6, reads_text=True):
        self.min_value, self.max_value = low, high
        self.power, self.decimals, self.reads_text = power, decimals, reads_text
        self.raw_value = 0.0
        edges = [i / STEPS for i in range(STEPS + 1)]
        self.ranges = {(a, b): self.value(a) for a, b in zip(edges, [*edges[1:], 1.0], strict=True)}

    def value(self, raw):
        span = self.max_value - self.min_value
        return round(self.min_value + span * raw**self.power, self.decimals)

    def get_raw_value_for(self, value):
        low, high = sorted((self.min_value, self.max_value))
        if not low <= value <= high:
            raise ValueError("out of range")
        return min(self.ranges, key=lambda key: abs(self.ranges[key] - value))[0]

    def get_raw_value_for_text(self, text):
        if not self.reads_text:
            return 0.0
        share = (float(text) - self.min_value) / (self.max_value - self.min_value)
        return min(1.0, max(0.0, share)) ** (1.0 / self.power)


class Choice:
    type: type = str

    def __init__(self, value):
        self.value = value


class Plugin:
    def __init__(self, **parameters):
        self.__dict__["parameters"] = parameters

    def __getattr__(self, name):
        parameter = self.parameters[name]
        if isinstance(parameter, Choice):
            return parameter.value
        return parameter.value(parameter.raw_value)

    def __setattr__(self, name, value):
        parameter = self.parameters[name]
        if isinstance(parameter, Choice):
            parameter.value = str(value).title()
        else:
            parameter.raw_value = parameter.get_raw_value_for(float(str(value).split()[0]))


@given(st.floats(0.1, 100.0), st.booleans(), st.sampled_from([1.0, 3.0, 0.5]))
def test_a_number_is_set_between_the_steps(wanted, reads_text, power) -> None:
    plugin = Plugin(attack_ms=Parameter(0.1, 100.0, power=power, reads_text=reads_text))
    assert set_parameter(plugin, "attack_ms", wanted) is None
    assert plugin.attack_ms == pytest.approx(wanted, abs=1e-5, rel=1e-4)


def test_by_its_name_it_would_be_a_step() -> None:
    plugin = Plugin(attack_ms=Parameter(0.1, 100.0))
    plugin.attack_ms = 0.16
    assert plugin.attack_ms == pytest.approx(0.1999)


def test_falling_ranges_and_ends() -> None:
    plugin = Plugin(depth=Parameter(10.0, -50.0, reads_text=False))
    for wanted in (10.0, -50.0, -7.123, 0.0):
        assert set_parameter(plugin, "depth", wanted) is None
        assert plugin.depth == pytest.approx(wanted, abs=1e-5)


def test_what_a_switch_makes_of_a_number_is_said() -> None:
    plugin = Plugin(sidechain=Parameter(0.0, 1.0, decimals=0))
    assert set_parameter(plugin, "sidechain", 1.0) is None
    told = set_parameter(plugin, "sidechain", 0.3)
    assert told == "sidechain is 0, the nearest that it takes to 0.3"


def test_out_of_range_is_refused_and_units_and_names_are_left_to_pedalboard() -> None:
    plugin = Plugin(attack_ms=Parameter(0.1, 100.0), mode=Choice("Soft"))
    with pytest.raises(ValueError, match="out of range"):
        set_parameter(plugin, "attack_ms", 0.05)
    assert set_parameter(plugin, "attack_ms", "50 ms") is None
    assert set_parameter(plugin, "mode", "Hard") is None
    assert (
        set_parameter(plugin, "mode", "hard") == "mode is Hard, the nearest that it takes to hard"
    )
