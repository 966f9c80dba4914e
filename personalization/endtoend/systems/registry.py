"""End-to-end systems by name: trained on scenes, kept with their codebook, read again."""

import os
from dataclasses import dataclass
from importlib import import_module

from auricle.dsp.errors import AuricleError
from auricle.personalization.endtoend.listeners.codebook import Codebook, codebook_in
from auricle.personalization.endtoend.systems.base import NeuralRenderer
from auricle.personalization.learning.weights import load_weights

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
