"""The listeners that ship with Auricle, small: spherical harmonics of their deviations in bytes.

HUTUBS (CC BY 4.0) and CIPIC (any use with its notice), brought to one mean. ``auricle train
listeners`` writes the file.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from auricle.dsp.errors import AuricleError
from auricle.dsp.sphere.harmonics import encode, n_channels
from auricle.personalization.learning.weights import Weights, WeightsError, shipped_weights
from auricle.personalization.listeners.features import EVALUATED_BINS, to_all_bins
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.listeners.statistics import mean_listener

PATH = shipped_weights("listeners")
ORDER = 10  # of the harmonics of what is kept of a listener
_VERSION = "1"
_RIDGE = 1e-3


@lru_cache(maxsize=1)
def shipped_training() -> ListenerGroup:
    """The listeners that ship."""
    return load(PATH)


def ships(dataset: str, count: int) -> bool:
    """Whether so many listeners of a data set are those that ship."""
    ours = shipped_training()
    return (dataset, count) == (ours.dataset, len(ours))


def check_ships(name: str, train: ListenerGroup) -> None:
    """AuricleError where a method that goes with the listeners that ship gets others."""
    if not ships(train.dataset, len(train)):
        raise AuricleError(
            f"{name} learns from the listeners that ship ({shipped_training().dataset}), "
            f"not from {len(train)} of {train.dataset}"
        )


def listeners_of(weights: Weights) -> ListenerGroup:
    """The listeners that ship; WeightsError where those that weights go with are others."""
    dataset, count = weights.notes.get("listeners", ("no listeners", 0))
    if not ships(dataset, count):
        raise WeightsError(
            f"weights of {weights.model} go with {count} listeners of {dataset}, which are not "
            f"those that ship; train it again: auricle train {weights.model} --data DIR"
        )
    return shipped_training()


def load(path: Path) -> ListenerGroup:
    """Listeners from a file that ``save`` wrote; AuricleError for any other."""
    return _unpacked(*_read(path))


def as_shipped(train: ListenerGroup) -> ListenerGroup:
    """Listeners as they come back from a file that ``save`` wrote."""
    return _unpacked(_packed(train), {"order": ORDER, "datasets": train.dataset})


def _unpacked(tensors: dict[str, np.ndarray], facts: dict[str, Any]) -> ListenerGroup:
    positions = tensors["positions"].astype(np.float64)
    design = encode(positions, int(facts["order"]), "n3d").astype(np.float32)
    heard = np.einsum(
        "mc,bcef->bmef", design, tensors["magnitude"] * tensors["step_db"], optimize=True
    )
    magnitude = to_all_bins(heard.astype(np.float32)) + tensors["mean_db"]
    late = np.einsum("mc,bce->bme", design, tensors["arrival_seconds"], optimize=True)
    arrivals = tensors["mean_seconds"] + late.astype(np.float64)
    return ListenerGroup(positions, magnitude, arrivals, facts["datasets"])


def save(train: ListenerGroup, path: Path, **facts: str) -> None:
    """Write listeners as their mean and their deviations in harmonics, in 8 bits a coefficient."""
    about = {"version": _VERSION, "order": str(ORDER), "datasets": train.dataset, **facts}
    # safetensors writes the memory as it lies, whatever the strides say.
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in _packed(train).items()}
    save_file(tensors, str(path), metadata={"auricle": json.dumps(about)})


def _packed(train: ListenerGroup) -> dict[str, np.ndarray]:
    mean = mean_listener(train)
    design = encode(train.positions, ORDER, "n3d")
    gram = design.T @ design + _RIDGE * len(design) * np.eye(n_channels(ORDER))
    fit = np.linalg.solve(gram, design.T)
    deviation = (train.magnitude_db - mean.magnitude_db)[..., EVALUATED_BINS]
    found = np.einsum("cm,bmef->bcef", fit, deviation, optimize=True)
    step = np.abs(found).max(axis=(0, 2), keepdims=True) / 127.0
    late = np.einsum("cm,bme->bce", fit, train.arrival_seconds - mean.arrival_seconds)
    return {
        "positions": train.positions.astype(np.float32),
        "mean_db": mean.magnitude_db[0],
        "mean_seconds": mean.arrival_seconds[0].astype(np.float32),
        "magnitude": np.round(found / step).astype(np.int8),
        "step_db": step[0].astype(np.float32),
        "arrival_seconds": late.astype(np.float32),
    }


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    if not path.is_file():
        raise AuricleError(f"{path}: there is no such file; auricle train listeners writes it")
    try:
        with safe_open(str(path), framework="numpy") as file:
            facts = json.loads((file.metadata() or {}).get("auricle", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, RecursionError, OSError) as error:
        raise AuricleError(f"{path}: is no file of listeners ({error})") from None
    if not isinstance(facts, dict) or facts.get("version") != _VERSION or "step_db" not in tensors:
        raise AuricleError(f"{path}: is no file of listeners that this version reads")
    return tensors, facts
