"""Systems trained by name, on scenes of many listeners."""

from dataclasses import replace
from pathlib import Path

from auricle.personalization.endtoend.listeners.listener_codes import ListenerCodes
from auricle.personalization.endtoend.listeners.people import Licence, load_listeners
from auricle.personalization.endtoend.scenes.clip_store import Say
from auricle.personalization.endtoend.scenes.scenes import SceneSet
from auricle.personalization.endtoend.systems.base import NeuralRenderer
from auricle.personalization.endtoend.systems.registry import system
from auricle.personalization.learning.training_loop import Plan, Progress
from auricle.personalization.learning.weights import save_weights


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
        "judge": [listeners.names[row] for row in scenes.validation_rows],
    }
    minutes = plan.seconds / 60.0
    weights = made.to_weights(split, seed=plan.seed, minutes=minutes, licence=licence)
    tensors = {**weights.tensors, **codes.codebook.to_tensors()}
    save_weights(path, replace(weights, tensors=tensors))
    return made
