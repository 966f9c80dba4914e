"""Plugins of a scene: made by name with checked parameters, and tried before they are trusted.

What a plugin does to a stream is found by a probe: three seconds of noise in blocks and in one
piece. One that stays silent in blocks, or changes the length, is refused with that reason. VST3
plugins are tried in a process of their own first, since one that crashes takes its process along.
"""

import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from auricle.dsp.errors import AuricleError, MissingDependencyError
from auricle.plugin_core.plugins.chain import Chain, Stage
from auricle.plugin_core.scene.format.model import BuiltInPlugin, Parameter, Plugin
from auricle.plugin_core.scene.format.schema import KeyProblem
from auricle.plugin_core.scene.playback.parameters import set_parameter

PROBE_SECONDS = 3.0
_PROBE_FRAMES = 512
_QUIETER_DB = -20.0
_PATIENCE_SECONDS = 240.0
_NO_EFFECTS = {
    "Chain", "Mix", "Pedalboard", "Plugin", "PluginContainer", "ExternalPlugin", "IIRFilter",
    "VST3Plugin", "AudioUnitPlugin",
}  # fmt: skip

Resolve = Callable[[str], Path]
Say = Callable[[str], None]


def make_stage(
    plugin: Plugin, resolve: Resolve, sample_rate: int, n_channels: int, say: Say | None = None
) -> Stage:  # fmt: skip
    """A new plugin with its parameters set.

    Args:
        plugin: as the scene has it.
        resolve: turns the scene's file names into paths.
        sample_rate: Hz.
        n_channels: C.
        say: called with a sentence for each parameter that is not quite what was asked for.

    Raises:
        KeyProblem: an unknown plugin or parameter, a value that it does not take, or one that
            crashes.
        MissingDependencyError: pedalboard is not installed.
    """
    _pedalboard()
    parameters = plugin.parameters or {}
    if isinstance(plugin, BuiltInPlugin):
        return _built_in(plugin.plugin, parameters, resolve)
    path = resolve(plugin.vst3)
    if not path.exists():
        raise KeyProblem("vst3", f"{path}: no such file; check the name")
    _try_apart(path, plugin.name, parameters, sample_rate, n_channels)
    return vst3_stage(path, plugin.name, parameters, say)


def probe(stage: Stage, sample_rate: int, n_channels: int) -> int:
    """The latency in samples that a stage holds back when it is streamed.

    Args:
        stage: the plugin.
        sample_rate: Hz.
        n_channels: C.

    Raises:
        AuricleError: it fails, changes the length or is silent when it is streamed.
    """
    chain = Chain([stage])
    noise = 0.1 * np.random.default_rng(0).standard_normal(
        (n_channels, round(PROBE_SECONDS * sample_rate))
    ).astype(np.float32)
    try:
        whole = chain.process_channels(noise, sample_rate, _PROBE_FRAMES)
        chain.reset()
        parts = [
            chain.process_channels(noise[:, at : at + _PROBE_FRAMES], sample_rate, 512, reset=False)
            for at in range(0, noise.shape[1], _PROBE_FRAMES)
        ]
        chain.reset()
    except Exception as error:  # whatever a plugin throws
        raise AuricleError(f"fails with {n_channels} channels ({_one_line(error)})") from error
    if whole.shape != noise.shape:
        raise AuricleError(f"makes {whole.shape} of {noise.shape} channels and samples")
    streamed = np.concatenate(parts, axis=1)
    held = noise.shape[1] - streamed.shape[1]
    if held < 0:
        raise AuricleError(f"changes the length: {streamed.shape[1]} of {noise.shape[1]} samples")
    if streamed.shape[1] == 0:
        raise AuricleError(f"gives nothing for {PROBE_SECONDS:g} s of audio when it is streamed")
    _compare(streamed, whole[:, : streamed.shape[1]])
    return held


def _compare(streamed: np.ndarray, whole: np.ndarray) -> None:
    """Refuse what is far quieter in blocks than in one piece."""
    found, wanted = np.mean(np.square(streamed, dtype=float)), np.mean(whole.astype(float) ** 2)
    if wanted > 0.0 and found < wanted * 10.0 ** (_QUIETER_DB / 10.0):
        raise AuricleError(
            "is silent when it is streamed in blocks, and a scene is; process that file with it "
            "beforehand"
        )


def built_in_names() -> list[str]:
    """Names of pedalboard's own effects."""
    pedalboard = _pedalboard()
    return sorted(
        name
        for name, value in vars(pedalboard).items()
        if isinstance(value, type)
        and issubclass(value, pedalboard.Plugin)
        and name not in _NO_EFFECTS
        and not name.startswith("_")
    )


def vst3_stage(
    path: Path, name: str | None, parameters: dict[str, Parameter], say: Say | None = None
) -> Stage:  # fmt: skip
    """A VST3 plugin in this process.

    Args:
        path: of the plugin.
        name: of one of several in it, or None.
        parameters: values by name.
        say: called with a sentence for each parameter that is not quite what was asked for.
    """
    pedalboard = _pedalboard()
    try:
        plugin = pedalboard.VST3Plugin(str(path), plugin_name=name)
    except Exception as error:
        raise KeyProblem("vst3", f"{path}: cannot be loaded ({_one_line(error)})") from error
    if not plugin.is_effect:
        raise KeyProblem("vst3", f"{path}: is an instrument; a chain holds effects")
    known = plugin.parameters
    for parameter, value in parameters.items():
        _check_name(parameter, known, path.stem)
        try:
            difference = set_parameter(plugin, parameter, value)
        except Exception as error:
            raise KeyProblem(f"parameters.{parameter}", _one_line(error)) from error
        if difference is not None and say is not None:
            say(f"{path.name}: {difference}")
    return plugin


def _built_in(name: str, parameters: dict[str, Parameter], resolve: Resolve) -> Stage:
    names = built_in_names()
    if name not in names:
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"
        raise KeyProblem("plugin", f"pedalboard has no effect {name!r}; {hint}")
    kind = getattr(_pedalboard(), name)
    known = _constructor(kind)
    values: dict[str, Any] = {}
    for parameter, value in parameters.items():
        _check_name(parameter, known, name)
        values[parameter] = _converted(kind, parameter, known[parameter], value, resolve)
    try:
        return kind(**values)
    except Exception as error:  # pybind's TypeError is many lines long
        text = str(error)
        if "incompatible constructor" in text:
            text = f"{name} takes {', '.join(f'{k} ({v})' for k, v in known.items())}"
        named = next((p for p in values if p in text or p.removesuffix("_db") in text.lower()), "")
        place = f"parameters.{named}" if len(values) > 0 and named else "parameters"
        raise KeyProblem(place, _one_line(text)) from error


def _constructor(kind: Any) -> dict[str, str]:
    """The parameters of a built-in plugin and their types, which pybind tells in the docstring."""
    first = (kind.__init__.__doc__ or "").split("\n")[0]
    inner = first[first.find("(") + 1 : first.rfind(") ->")]
    inner = re.sub(r"\[[^]]*\]", "", re.sub(r"\[[^][]*\]", "", inner))  # Union[...] holds commas
    found = re.findall(r"(\w+): ([\w.]+)", inner)
    return {name: type_name for name, type_name in found if name != "self"}


def _converted(
    kind: Any, parameter: str, type_name: str, value: Parameter, resolve: Resolve
) -> Any:
    if parameter.endswith("filename"):
        path = resolve(str(value))
        if not path.is_file():
            raise KeyProblem(f"parameters.{parameter}", f"{path}: no such file; check the name")
        return str(path)
    if type_name in ("float", "int") and not isinstance(value, (int, float)):
        raise KeyProblem(f"parameters.{parameter}", f"must be a number, not {value!r}")
    if type_name.startswith("pedalboard_native."):
        choices = getattr(kind, type_name.rpartition(".")[2]).__members__
        if value not in choices:
            allowed = ", ".join(choices)
            raise KeyProblem(f"parameters.{parameter}", f"is one of {allowed}, got {value!r}")
        return choices[value]
    return value


def _check_name(parameter: str, known: Any, plugin: str) -> None:
    if parameter not in known:
        close = difflib.get_close_matches(parameter, list(known), 1)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known) or 'none'}"
        raise KeyProblem(f"parameters.{parameter}", f"{plugin} has no such parameter; {hint}")


def _try_apart(
    path: Path, name: str | None, parameters: dict[str, Parameter], sample_rate: int,
    n_channels: int,
) -> None:  # fmt: skip
    """Load and probe a plugin in another process, and say how that ended if not well."""
    question = {
        "path": str(path), "name": name, "parameters": parameters, "sample_rate": sample_rate,
        "n_channels": n_channels,
    }  # fmt: skip
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    try:
        run = subprocess.run(
            [sys.executable, "-m", "auricle.plugin_core.scene.playback.probe_process"],
            input=json.dumps(question), timeout=_PATIENCE_SECONDS, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise KeyProblem(
            "vst3", f"{path}: was not ready after {_PATIENCE_SECONDS:g} s; take it out"
        ) from None
    lines = run.stdout.strip().splitlines()
    if run.returncode != 0 or not lines:
        raise KeyProblem(
            "vst3", f"{path}: crashes when it is tried ({run.returncode}); take it out"
        )
    answer = json.loads(lines[-1])
    if "problem" in answer:
        raise KeyProblem(answer["key"], answer["problem"])


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300]


def _pedalboard() -> Any:
    try:
        import pedalboard
    except ImportError:
        raise MissingDependencyError("plugins need pedalboard: pip install pedalboard") from None
    return pedalboard
