"""Learned methods by name: trained on listeners, kept in a file, taken from it again."""

import os
from typing import Any

from auricle.dsp.errors import AuricleError
from auricle.dsp.registry import placed
from auricle.personalization.learning.weights import fitting, load_weights, shipped_weights
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.sparse.method import Method
from auricle.personalization.sparse.registry import METHODS, learned_names, method


def learned(name: str) -> Any:
    """The class that trains a method; AuricleError, with the names there are, otherwise."""
    if name not in METHODS or not (info := METHODS.find(name)).learned:
        there = ", ".join(learned_names())
        raise AuricleError(f"there is no model {name!r} to train; there are {there}")
    return placed(info.trainer or info.place, name)


def ready(
    name: str | None, weights: str | os.PathLike[str] | None, listeners: ListenerGroup
) -> Method:
    """A method that can predict: from a file of weights, or fitted at once.

    Args:
        name: of the method; None beside a file, which says itself which method it is of.
        weights: the file, or None.
        listeners: whom a method without a file learns from.

    Raises:
        AuricleError: a name beside a file, another name, or a network whose weights do not ship.
    """
    if weights is not None:
        if name is not None:
            raise AuricleError(f"{weights}: weights say which method they are of; leave out {name}")
        return load_trained(weights)
    assert name is not None
    if METHODS.find(name).learned:
        if shipped_weights(name).is_file():
            return load_trained(shipped_weights(name))
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
    maker: Any = method(weights.model)
    with fitting(weights):
        made: Method = maker.from_weights(weights)
    return made
