"""All systems on people, sounds and heads that trained nothing; what is known is kept on disk.

Every listener hears the same scenes (``scenes.whole_scenes``). Errors of a listener are means over
scenes, those of PESQ and STOI over scenes with speech. A learned system is heard with the code of
the listener, with one fitted from few directions, with that of the unknown listener, and with that
of another listener; whether one code is better than another is tested in pairs over listeners
(Wilcoxon 1945, signed ranks).
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from auricle.dsp.arrays import Float32
from auricle.dsp.errors import AuricleError, MissingDependencyError
from auricle.dsp.sphere.grids import fibonacci_sphere
from auricle.dsp.storage.digests import digest_of
from auricle.personalization.endtoend.evaluation.baselines import ExplicitSets, warp
from auricle.personalization.endtoend.evaluation.metrics import (
    Render,
    errors_of,
    implied_hrtf,
    macs_per_second,
    speech_scores,
)
from auricle.personalization.endtoend.listeners.codebook import held
from auricle.personalization.endtoend.listeners.known_people import FEW
from auricle.personalization.endtoend.listeners.listener_codes import ListenerCodes
from auricle.personalization.endtoend.listeners.people import Listeners
from auricle.personalization.endtoend.physics.poses import RATE, STEP, Poses
from auricle.personalization.endtoend.scenes.reference_renderer import ExplicitRenderer
from auricle.personalization.endtoend.scenes.scenes import Scene, SceneSampler, whole_scenes
from auricle.personalization.endtoend.systems.base import CONTEXT_STEPS
from auricle.personalization.endtoend.systems.registry import SYSTEMS, Trained, load_system
from auricle.personalization.endtoend.training.code_fitting import fit_code
from auricle.personalization.learning.result_cache import kept
from auricle.personalization.metrics.observer import localise

WARP, TRUE, POPULATION = "geometric-warp", "true-hrtf", "population-hrtf"
PERSONAL = f"personal-hrtf-{FEW}"
BASELINES = (WARP, POPULATION, PERSONAL, TRUE)
OWN, FITTED, UNKNOWN, OTHER = "own code", f"code from {FEW}", "unknown listener", "another's code"
CODES = (OWN, FITTED, UNKNOWN, OTHER)
TESTED = ("amplitude_l2", "phase_l2_aligned", "wave_l2", "ild_error_db", "itd_error_us")
OBSERVER_DIRECTIONS = 250
_VERSION = 3


@dataclass(frozen=True)
class Result:
    """One listener through one system.

    Attributes:
        method: a baseline, or the name of a system and whose code it had.
        dataset, listener: who hears.
        errors: by name.
        rtf: seconds to render a second.
        n_parameters: numbers learned.
        macs: per second of sound.
    """

    method: str
    dataset: str
    listener: str
    errors: dict[str, float]
    rtf: float = 0.0
    n_parameters: int = 0
    macs: float = 0.0


@dataclass
class Request:
    """The comparison that is asked for.

    Attributes:
        listeners: with roles; those of "test" hear.
        data: the folder that they, sounds and traces are from.
        cache: folder of results; what is there is read, not made again.
        weights: folder with NAME.safetensors of the learned systems.
        say: told of each result that is made.
        sets: whose people hear, such as "sonicom"; none: of all laboratories.
        n_scenes: each listener hears.
        room_share: of scenes in a room.
        most_listeners: of each laboratory; None: all.
        n_observed: listeners of each laboratory who also localise.
    """

    listeners: Listeners
    data: Path
    cache: Path
    weights: Path | None = None
    say: Callable[[str], None] = field(default=lambda _: None)
    sets: Sequence[str] = ()
    n_scenes: int = 6
    room_share: float = 0.0
    most_listeners: int | None = None
    n_observed: int = 0

    @cached_property
    def train_digest(self) -> str:
        """A name for the people who train."""
        return self.listeners.digest(self.listeners.rows("train"))

    @cached_property
    def stage(self) -> SceneSampler:
        """The sounds and heads of the scenes, without noise."""
        return SceneSampler.of(self.data, "test", "all", self.room_share, noise_share=0.0)

    @cached_property
    def stage_digest(self) -> str:
        """A name for them."""
        return self.stage.digest()

    def rows(self) -> list[int]:
        """The rows of the listeners who hear."""
        found: dict[str, list[int]] = {}
        wanted = [each.lower() for each in self.sets]
        for row in self.listeners.rows("test").tolist():
            laboratory = self.listeners.laboratory(row)
            if not wanted or laboratory.lower() in wanted:
                found.setdefault(laboratory, []).append(row)
        return [row for rows in found.values() for row in rows[: self.most_listeners]]

    def other(self, row: int) -> int:
        """Whose code is the wrong one: who comes next of the same laboratory, tested or not."""
        laboratory = self.listeners.laboratory(row)
        rows = self.listeners.rows("test").tolist()
        same = [each for each in rows if self.listeners.laboratory(each) == laboratory]
        return int(same[(same.index(row) + 1) % len(same)])


def method_names(asked: Sequence[str], weights: Path | None) -> list[str]:
    """The methods asked for, or all baselines and the systems whose weights are there."""
    known = (*BASELINES, *SYSTEMS)
    for each in asked:
        if each not in known:
            raise AuricleError(f"there is no method {each!r}; there are {', '.join(known)}")
    there = [each for each in SYSTEMS if weights is not None and _weights(weights, each).is_file()]
    for each in asked:
        if each in SYSTEMS and each not in there:
            raise AuricleError(
                f"{each} needs weights: auricle train {each} --data DIR -o W/{each}.safetensors, "
                "then give --weights W"
            )
    return list(asked) or [*BASELINES, *there]


def compare(request: Request, names: Sequence[str]) -> list[Result]:
    """Results of all listeners through all methods named."""
    rows = request.rows()
    if not rows:
        raise AuricleError(f"{request.data}: nobody is there to test; look at its data sets")
    request.stage.tell_synthetic(request.data, request.say)
    results = []
    sets = ExplicitSets(request.listeners)
    for name in names:
        if name in SYSTEMS:
            results += _learned(request, name, rows)
        else:
            for row in rows:
                made = partial(_baseline, name, request.listeners, sets, row)
                results.append(_judged(request, name, "", row, made, 0, 0.0))
    return results


def p_value(results: Sequence[Result], better: str, worse: str, error: str) -> float:
    """The probability that one method is better by chance: one-sided signed ranks over listeners.

    Args:
        results: of all methods.
        better: name of the method.
        worse: name of the other one.
        error: name of the error.
    """
    from scipy.stats import wilcoxon

    pairs: dict[str, dict[str, float]] = {}
    for each in results:
        if each.method in (better, worse) and np.isfinite(each.errors.get(error, np.nan)):
            pairs.setdefault(each.listener, {})[each.method] = each.errors[error]
    both = [(each[better], each[worse]) for each in pairs.values() if len(each) == 2]
    if len(both) < 3 or all(a == b for a, b in both):
        return float("nan")
    first, second = np.array(both).T
    return float(wilcoxon(first, second, alternative="less").pvalue)


def _baseline(name: str, listeners: Listeners, sets: ExplicitSets, row: int) -> Render:
    if name == WARP:
        return warp
    if name == POPULATION:
        renderer = sets.population_renderer
    else:
        renderer = ExplicitRenderer(listeners.hrtf_set(row) if name == TRUE else sets.personal(row))
    return lambda mono, poses: renderer.render(mono, [poses])


def _learned(request: Request, name: str, rows: list[int]) -> list[Result]:
    assert request.weights is not None
    path = _weights(request.weights, name)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    trained = load_system(path, name)
    codes = _codes_of(request, trained, rows)
    macs = _macs(trained)
    results = []
    for kind in CODES:
        for k, row in enumerate(rows):
            code = codes[kind][k]
            made = partial(_rendering, trained, code)
            label = f"{name}, {kind}"
            size = trained.system.n_parameters
            results.append(_judged(request, label, digest, row, made, size, macs))
    return results


def _codes_of(request: Request, trained: Trained, rows: list[int]) -> dict[str, list[Float32]]:
    """Codes of each kind, of the listeners of ``rows``, as a user's set would give them."""
    people = ListenerCodes(request.listeners, request.data, trained.codebook)
    return {
        OWN: [held(people.whole(row)) for row in rows],
        FITTED: [held(_fitted(trained, people, row)) for row in rows],
        UNKNOWN: [trained.codebook.unknown] * len(rows),
        OTHER: [held(people.whole(request.other(row))) for row in rows],
    }


def _fitted(trained: Trained, people: ListenerCodes, row: int) -> Float32:
    """From few directions; networks that give filters refine what the codebook makes of them."""
    start = people.few(row)
    if not hasattr(trained.system.net, "both_ears"):
        return start
    return fit_code(trained.system, people.few_set(row), start)


def _rendering(trained: Trained, code: Float32) -> Render:
    return lambda mono, poses: trained.system.render(mono, poses, code)


def _macs(trained: Trained) -> float:
    n_steps = RATE // STEP
    poses = Poses(np.tile([1.0, 0.5, 0.0], (n_steps + 1, 1)))
    mono = np.random.default_rng(0).normal(0.0, 0.1, n_steps * STEP).astype(np.float32)
    render = _rendering(trained, trained.codebook.unknown)
    return macs_per_second(lambda: render(mono, poses), n_steps * STEP / RATE)


def _judged(
    request: Request, method: str, digest: str, row: int, made: Callable[[], Render], size: int,
    macs: float,
) -> Result:  # fmt: skip
    who = request.listeners
    dataset, listener = who.laboratory(row), who.names[row]
    observed = request.n_observed > 0 and row in _observed_rows(request)
    words = f"{_VERSION} {method} {digest} {request.n_scenes} {request.room_share} {observed} "
    words += f"{who.digest([row])} {request.train_digest} {request.stage_digest}"
    if method.endswith(OTHER):
        words += f" {who.names[request.other(row)]}"
    path = request.cache / f"endtoend-{digest_of(words)}.json"

    def judged() -> Result:
        render = made()
        scenes = list(whole_scenes(who, request.stage, row, request.n_scenes))
        each, rtf = _errors(render, scenes)
        if observed:
            each.update(_observer_errors(render, request, row))
        return Result(method, dataset, listener, each, rtf, size, macs)

    result, new = kept(path, Result, judged)
    if new:
        amplitude = result.errors["amplitude_l2"]
        request.say(f"{listener}, {method}: amplitude L2 {amplitude:.4f}, {result.rtf:.2f} s/s")
    return result


def _errors(render: Render, scenes: Sequence[Scene]) -> tuple[dict[str, float], float]:
    """Means over scenes, and seconds per second."""
    found: dict[str, list[float]] = {}
    seconds = length = 0.0
    render(scenes[0].mono[: STEP * CONTEXT_STEPS], scenes[0].poses.part(0, CONTEXT_STEPS))
    for scene in scenes:
        start = time.perf_counter()
        heard = render(scene.mono, scene.poses)
        seconds += time.perf_counter() - start
        length += len(scene.mono) / RATE
        errors = errors_of(heard, scene.binaural)
        if scene.dry.kind == "speech":
            errors.update(_speech(heard, scene.binaural))
        for name, value in errors.items():
            found.setdefault(name, []).append(value)
    means = {}
    for name, values in found.items():
        heard_at_all = [value for value in values if np.isfinite(value)]
        if heard_at_all:
            means[name] = float(np.mean(heard_at_all))
    return means, seconds / length


def _speech(heard: Float32, wanted: Float32) -> dict[str, float]:
    try:
        return speech_scores(heard, wanted)
    except MissingDependencyError:
        return {}


def _observed_rows(request: Request) -> list[int]:
    seen: dict[str, int] = {}
    chosen = []
    for row in request.rows():
        laboratory = request.listeners.laboratory(row)
        seen[laboratory] = seen.get(laboratory, 0) + 1
        if seen[laboratory] <= request.n_observed:
            chosen.append(row)
    return chosen


def _observer_errors(render: Render, request: Request, row: int) -> dict[str, float]:
    directions = fibonacci_sphere(OBSERVER_DIRECTIONS)
    directions = directions[directions[:, 2] > -0.7]
    found = localise(request.listeners.hrtf_set(row), implied_hrtf(render, directions))
    return {
        "lateral_rms_deg": found.lateral_rms_deg,
        "polar_rms_deg": found.polar_rms_deg,
        "quadrant_error_percent": found.quadrant_error_percent,
    }


def _weights(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"
