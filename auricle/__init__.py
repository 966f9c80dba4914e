"""Auricle: binaural rendering of any number of sources for one listener's own ears.

    auricle.dsp               geometry, HRTF sets, the renderer: NumPy and Numba, nothing else
    auricle.osc               positions, scenes and head trackers over OSC
    auricle.personalization   data sets, metrics, models that predict a listener's HRTF (need torch)
    auricle.plugin_core       pedalboard-style plugin, chains, live sound, the command line

The names below are imported when they are first used; ``import auricle`` loads nothing else.
``Input``, ``Track``, ``Noise`` and ``Tone`` are what ``Live`` plays; the tracks of a ``Scene`` are
those of ``auricle.plugin_core.scene.format.model``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from auricle.dsp.hrtf import pictures

if TYPE_CHECKING:
    from auricle.dsp.acoustics.air_absorption import Air
    from auricle.dsp.ambisonics.renderer import AmbisonicRenderer
    from auricle.dsp.errors import AuricleError, HrtfError, MissingDependencyError, SofaError
    from auricle.dsp.hrtf.default_listener import default_hrtf
    from auricle.dsp.hrtf.hrtf_set import HrtfSet
    from auricle.dsp.loudspeakers.bed import Bed
    from auricle.dsp.render.binaural import BinauralRenderer
    from auricle.osc.network.client import OscClient
    from auricle.osc.network.server import OscServer
    from auricle.plugin_core.live.live import Live
    from auricle.plugin_core.live.sources import Input, Noise, Tone, Track
    from auricle.plugin_core.mastering.master import RenderResult
    from auricle.plugin_core.neural.plugin import NeuralPlugin
    from auricle.plugin_core.offline import render
    from auricle.plugin_core.plugins.binaural_plugin import BinauralPlugin
    from auricle.plugin_core.plugins.chain import Chain
    from auricle.plugin_core.scene.scene import Scene

__version__ = "0.1.0"

__all__ = [
    "Air",
    "AmbisonicRenderer",
    "AuricleError",
    "Bed",
    "BinauralPlugin",
    "BinauralRenderer",
    "Chain",
    "HrtfError",
    "HrtfSet",
    "Input",
    "Live",
    "MissingDependencyError",
    "NeuralPlugin",
    "Noise",
    "OscClient",
    "OscServer",
    "RenderResult",
    "Scene",
    "SofaError",
    "Tone",
    "Track",
    "default_hrtf",
    "render",
]

_HOMES = {
    "Air": "auricle.dsp.acoustics.air_absorption",
    "AmbisonicRenderer": "auricle.dsp.ambisonics.renderer",
    "AuricleError": "auricle.dsp.errors",
    "Bed": "auricle.dsp.loudspeakers.bed",
    "BinauralPlugin": "auricle.plugin_core.plugins.binaural_plugin",
    "BinauralRenderer": "auricle.dsp.render.binaural",
    "Chain": "auricle.plugin_core.plugins.chain",
    "HrtfError": "auricle.dsp.errors",
    "HrtfSet": "auricle.dsp.hrtf.hrtf_set",
    "Input": "auricle.plugin_core.live.sources",
    "Live": "auricle.plugin_core.live.live",
    "MissingDependencyError": "auricle.dsp.errors",
    "NeuralPlugin": "auricle.plugin_core.neural.plugin",
    "Noise": "auricle.plugin_core.live.sources",
    "OscClient": "auricle.osc.network.client",
    "OscServer": "auricle.osc.network.server",
    "RenderResult": "auricle.plugin_core.mastering.master",
    "Scene": "auricle.plugin_core.scene.scene",
    "SofaError": "auricle.dsp.errors",
    "Tone": "auricle.plugin_core.live.sources",
    "Track": "auricle.plugin_core.live.sources",
    "default_hrtf": "auricle.dsp.hrtf.default_listener",
    "render": "auricle.plugin_core.offline",
}

if not TYPE_CHECKING:  # to a type checker, a name that is not listed is a mistake

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'auricle' has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


def _draw_set(hrtf: "HrtfSet", path: pictures.PathLike | None, title: str) -> Any:
    from auricle.plugin_core.pictures.hrtf_set import draw_set

    return draw_set(hrtf, path, title)


pictures.draw_with(_draw_set)
