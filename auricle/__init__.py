"""Auricle: binaural rendering of any number of sources for one listener's own ears.

    auricle.dsp               geometry, HRTF sets, the renderer: NumPy and Numba, nothing else
    auricle.osc               positions, scenes and head trackers over OSC
    auricle.personalization   data sets, metrics, models that predict a listener's HRTF (need torch)
    auricle.plugin_core       pedalboard-style plugin, chains, live sound, the command line

The names below are imported when they are first used; ``import auricle`` loads nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auricle.dsp.errors import AuricleError as AuricleError

__version__ = "0.1.0"

_HOMES = {
    "HrtfSet": "auricle.dsp.hrtf",
    "BinauralRenderer": "auricle.dsp.renderer",
    "default_hrtf": "auricle.dsp.default_listener",
    "BinauralPlugin": "auricle.plugin_core.plugin",
    "NeuralPlugin": "auricle.plugin_core.neural.plugin",
    "Chain": "auricle.plugin_core.chain",
    "Live": "auricle.plugin_core.live.live",
    "Scene": "auricle.plugin_core.scene.scene",
    "render": "auricle.plugin_core.offline",
    "AuricleError": "auricle.dsp.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'auricle' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
