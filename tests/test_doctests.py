"""Examples in docstrings print what they say."""

import doctest
from importlib import import_module

import pytest

MODULES = {
    "auricle.dsp.geometry": 8,
    "auricle.dsp.hrtf.hrtf_set": 1,
    "auricle.dsp.metrics.interaural": 2,
    "auricle.dsp.metrics.spectral": 1,
    "auricle.dsp.render.binaural": 1,
}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = import_module(name)
    tests = [test for test in doctest.DocTestFinder().find(module, name) if test.examples]
    assert len(tests) == MODULES[name]
    runner = doctest.DocTestRunner()
    for test in tests:
        assert runner.run(test).failed == 0, test.name
