"""End-to-end systems by name: trained on scenes, kept with their codebook, read again."""

import os
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from auricle.dsp.errors import AuricleError
from auricle.personalization.endtoend.listeners.codebook import Codebook, codebook_in
from auricle.personalization.endtoend.listeners.listener_codes import ListenerCodes
from auricle.personalization.endtoend.listeners.people import Licence, load_listeners
from auricle.personalization.endtoend.scenes.clip_store import Say
from auricle.personalization.endtoend.scenes.scenes import SceneSet
from auricle.personalization.endtoend.systems.base import NeuralRenderer
from auricle.personalization.learning.training_loop import Plan, Progress
from auricle.personalization.learning.weights import load_weights, save_weights

SYSTEMS = {
    "linn": "auricle.personalization.endtoend.models.linn.linn:Linn",
    "warpnet": "auricle.personalization.endtoend.models.warpnet.warpnet:WarpNet",
    "warpnet-doppler": "auricle.personalization.endtoend.models.warpnet.warpnet:WarpNetDoppler",
    "nfs": "auricle.personalization.endtoend.models.nfs.nfs:Nfs",
    "nfs-doppler": "auricle.personalization.endtoend.models.nfs.nfs:NfsDoppler",
    "binauralgrad": "auricle.personalization.endtoend.models.generative.binauralgrad:BinauralGrad",
    "flow-binaural": "auricle.personalization.endtoend.models.generative.flow:BinauralFlow",
}


@dataclass(frozen=True)
class Trained:
    """A system, the codebook that its listeners' codes are from, and the notes of its training."""

    system: NeuralRenderer
    codebook: Codebook
    notes: dict[str, object]


def system(name: str) -> type[NeuralRenderer]:
    """The class of a system; AuricleError, with the names there are, for another name."""
    if name not in SYSTEMS:
        raise AuricleError(f"there is no system {name!r}; there are {', '.join(SYSTEMS)}")
    module, _, made = SYSTEMS[name].partition(":")
    found: type[NeuralRenderer] = getattr(import_module(module), made)
    return found


def load_system(path: str | os.PathLike[str], name: str | None = None) -> Trained:
    """What ``train_system`` wrote; WeightsError for any other file."""
    weights = load_weights(path, name)
    made = system(weights.model).from_weights(weights)
    return Trained(made, codebook_in(weights, path), weights.notes)


def train_system(
    name: str, data: Path, path: Path, plan: Plan, licence: Licence = "all",
    progress: Progress | None = None, say: Say | None = None, most_people: int | None = None,
) -> NeuralRenderer:  # fmt: skip
    """A system trained on the scenes of a folder of data, and its file at ``path``.

    Args:
        name: of the system.
        data: folder of data sets, sounds and head traces.
        path: of the weights, with the codebook and the names of who trained and judged.
        plan: how long and how.
        licence: "shippable": learn only from what weights that ship may learn from.
        progress: told of the training; say: of the scenes that are rendered first.
        most_people: who train; None: all.
    """
    kind = system(name)
    listeners = load_listeners(data, licence)
    codes = ListenerCodes(listeners, data)
    scenes = SceneSet(
        listeners, data, licence, codes.all(), seed=0, say=say, most_people=most_people
    )
    made = kind(plan)
    made.fit(scenes, progress)
    split = {
        "train": [listeners.names[row] for row in scenes.train_rows],
        "judge": [listeners.names[row] for row in scenes.judge_rows],
    }
    minutes = plan.seconds / 60.0
    weights = made.to_weights(split, seed=plan.seed, minutes=minutes, licence=licence)
    tensors = {**weights.tensors, **codes.codebook.to_tensors()}
    save_weights(path, replace(weights, tensors=tensors))
    return made
