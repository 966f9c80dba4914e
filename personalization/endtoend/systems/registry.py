"""The table of end-to-end systems; and a trained one read from its file.

A system is added by its folder and a line here, or from outside (``SYSTEMS.register``, or an entry
point of the group ``auricle.endtoend_systems``; docs/extending.md).
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auricle.dsp.errors import AuricleError
from auricle.dsp.registry import Registry, placed

if TYPE_CHECKING:
    from auricle.personalization.endtoend.listeners.codebook import Codebook
    from auricle.personalization.endtoend.systems.base import NeuralRenderer

_HERE = "auricle.personalization.endtoend.models"


@dataclass(frozen=True)
class SystemInfo:
    """An end-to-end system.

    Attributes:
        name: on the command line and in files of weights.
        place: "module:attribute" of its class, a ``NeuralRenderer``, imported when it is asked for.
        summary: what it does, in a line.
        in_blocks: "module:attribute" of what renders it in blocks without torch, called with the
            ``Weights``, a listener's code (D,), a sample rate in Hz and a number of sources; none:
            it renders in pieces, with torch, at 48 kHz.
    """

    name: str
    place: str
    summary: str
    in_blocks: str | None = None


SYSTEMS = Registry(
    "system", "auricle.endtoend_systems", SystemInfo,
    [
        SystemInfo("linn", f"{_HERE}.linn.linn:Linn",
                   "implicit filters, run by the engine's own kernels; its weights ship",
                   f"{_HERE}.linn.engine_layers:rendering"),
        SystemInfo("warpnet", f"{_HERE}.warpnet.warpnet:WarpNet",
                   "a neural time warp and a temporal network"),
        SystemInfo("warpnet-doppler", f"{_HERE}.warpnet.warpnet:WarpNetDoppler",
                   "`warpnet` that is told the radial velocity"),
        SystemInfo("nfs", f"{_HERE}.nfs.nfs:Nfs", "neural Fourier shift, frame by frame"),
        SystemInfo("nfs-doppler", f"{_HERE}.nfs.nfs:NfsDoppler",
                   "`nfs` that is told the radial velocity"),
        SystemInfo("binauralgrad", f"{_HERE}.generative.binauralgrad:BinauralGrad",
                   "diffusion in two stages"),
        SystemInfo("flow-binaural", f"{_HERE}.generative.flow:BinauralFlow",
                   "flow matching, causal"),
    ],
)  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """A system, the codebook that its listeners' codes are from, and the notes of its training."""

    system: "NeuralRenderer"
    codebook: "Codebook"
    notes: dict[str, object]


def system(name: str) -> "type[NeuralRenderer]":
    """The class of a system; AuricleError, with the names there are, for another name."""
    place = SYSTEMS.find(name).place
    found: type[NeuralRenderer] = placed(place, name)
    from auricle.personalization.endtoend.systems import base  # torch

    if not (isinstance(found, type) and issubclass(found, base.NeuralRenderer)):
        raise AuricleError(f"system {name!r}: {place} is no NeuralRenderer, it is {found!r}")
    return found


def load_system(path: str | os.PathLike[str], name: str | None = None) -> Trained:
    """Read a system that ``train_system`` wrote.

    Raises:
        WeightsError: any other file.
    """
    from auricle.personalization.endtoend.listeners.codebook import codebook_in
    from auricle.personalization.learning.weights import load_weights

    weights = load_weights(path, name)
    made = system(weights.model).from_weights(weights)
    return Trained(made, codebook_in(weights, path), weights.notes)
