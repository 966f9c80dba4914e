"""The options with which every command that takes a set reads it: one definition for all."""

import inspect
import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auricle.plugin_core.listener.set_options import SetOptions

if TYPE_CHECKING:
    from pathlib import Path

    from auricle.dsp.hrtf.hrtf_set import HrtfSet

_PANEL = "How the set is read"
_FLAGS = {
    "swap_ears": "--swap-ears",
    "mirror_azimuth": "--mirror-azimuth",
    "distance_m": "--distance-of-set",
    "true_sample_rate": "--true-sample-rate",
    "receivers": "--receivers",
    "emitter": "--emitter",
    "conjugate": "--conjugate",
    "bass": "--extend-bass",
}
_NAMES = rf"(?P<name>{'|'.join(_FLAGS)})"
_VALUE = r"(?P<value>\(\w+, \w+\)|\.\.\.|[\w.]*\w)"
_ANY = {"distance_m": "M", "true_sample_rate": "HZ"}  # where a sentence leaves the value open


def _option(kind: Any, flag: str, metavar: str | None, help_text: str) -> Any:
    shown = typer.Option(flag, metavar=metavar, help=help_text, rich_help_panel=_PANEL)
    return Annotated[kind, shown]


_OPTIONS: dict[str, Any] = {
    "swap_ears": _option(bool, "--swap-ears", None, "The set's channel 0 is the right ear."),
    "mirror_azimuth": _option(bool, "--mirror-azimuth", None, "The set's azimuths run clockwise."),
    "distance_of_set": _option(
        float | None,
        "--distance-of-set",
        "M",
        "Distance in metres, of a set measured at several; the nearest is taken.",
    ),
    "true_sample_rate": _option(
        float | None,
        "--true-sample-rate",
        "HZ",
        "Sample rate in Hz in place of a wrong label; resamples nothing.",
    ),
    "receivers": _option(
        str | None,
        "--receivers",
        "A,B",
        "The two receivers that are left and right ear, counted from 0.",
    ),
    "emitter": _option(
        int | None, "--emitter", "N", "The emitter that is the source, counted from 0."
    ),
    "conjugate": _option(bool, "--conjugate", None, "The spectra are of the other sign of time."),
    "extend_bass": _option(
        bool | None,
        "--extend-bass/--no-extend-bass",
        None,
        "Play a sphere's bass below 200 Hz; else only where the set's is not that of a head.",
    ),
}


def reads_a_set(command: Callable[..., None]) -> Callable[..., None]:
    """A command with those options; it gets them in one, as its keyword ``reading``."""
    signature = inspect.signature(command, eval_str=True)
    own = [each for name, each in signature.parameters.items() if name != "reading"]
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=option,
            default=False if option.__origin__ is bool else None,
        )
        for name, option in _OPTIONS.items()
    ]  # fmt: skip

    @wraps(command)
    def wrapper(**given: Any) -> None:
        options = {name: given.pop(name) for name in _OPTIONS}
        command(**given, reading=_set_options(**options))

    wrapper.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in [*own, *added]}
    return wrapper


def _set_options(
    distance_of_set: float | None, receivers: str | None, extend_bass: bool | None, **rest: Any
) -> SetOptions:
    from auricle.dsp.errors import AuricleError

    pair = None
    if receivers is not None:
        found = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", receivers)
        if found is None:
            raise AuricleError(f"--receivers names two, such as 0,1, got {receivers!r}")
        pair = (int(found[1]), int(found[2]))
    if distance_of_set is not None and not 0.0 < distance_of_set < float("inf"):
        raise AuricleError(f"--distance-of-set is a distance above 0 m, got {distance_of_set:g}")
    bass = {None: "auto", True: "extend", False: "measured"}[extend_bass]
    return SetOptions(distance_m=distance_of_set, receivers=pair, bass=bass, **rest)


def read_set(
    hrtf: "Path | None", reading: SetOptions, say: Callable[[str], None]
) -> "HrtfSet | None":
    """The set that ``--hrtf`` names, its findings told; None if it names none."""
    from auricle.dsp.errors import AuricleError

    if hrtf is not None:
        return reading.load(hrtf, say)
    for name in reading.given:
        raise AuricleError(f"{_FLAGS[name]}: says how a set is read; name the set too")
    return None


def command_words(sentence: str) -> str:
    """A sentence that names an option of ``HrtfSet.load``, in words of the command line."""

    def flag(found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        if value == "True":
            return _FLAGS[name]
        if (name, value) == ("bass", "measured"):
            return "--no-extend-bass"
        value = _ANY[name] if value == "..." else re.sub(r"[() ]", "", value)
        return f"{_FLAGS[name]} {value}"

    return re.sub(rf"(HrtfSet\.load\(path, )?\b{_NAMES}={_VALUE}(?(1)\))", flag, sentence)
