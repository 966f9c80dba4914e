"""Learned methods by name: trained on listeners, kept in a file, taken from it again."""

import os
from typing import Any

from auricle.dsp.errors import AuricleError
from auricle.personalization.sparse.method import Method, Training, method
from auricle.personalization.weights import load_weights

LEARNED = (
    "refiner", "fsp-ae", "neural-field", "ranf", "niirf", "flow", "hrtfformer", "dense-refiner",
    "refiner-across",
)  # fmt: skip


def learned(name: str) -> Any:
    """The class of a learned method; AuricleError, with the names there are, otherwise."""
    if name not in LEARNED:
        raise AuricleError(f"there is no model {name!r} to train; there are {', '.join(LEARNED)}")
    return method(name)


def ready(name: str | None, weights: str | os.PathLike[str] | None, listeners: Training) -> Method:
    """A method that can predict: from a file of weights, or fitted to ``listeners`` at once."""
    if weights is not None:
        if name is not None:
            raise AuricleError(f"{weights}: weights say which method they are of; leave out {name}")
        return load_trained(weights)
    assert name is not None
    if name in LEARNED:
        raise AuricleError(
            f"{name} must be trained first: auricle train {name} --data DIR -o W.safetensors, "
            "then give --weights W.safetensors"
        )
    made = method(name)()
    made.fit(listeners)
    return made


def load_trained(path: str | os.PathLike[str]) -> Method:
    """The method in a file that ``auricle train`` wrote; WeightsError for any other."""
    weights = load_weights(path)
    made: Method = learned(weights.model).from_weights(weights)
    return made
