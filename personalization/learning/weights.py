"""Weights on disk: one safetensors file holds tensors, configuration, normalisation and split."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from auricle.dsp.errors import AuricleError
from auricle.dsp.storage.part_files import whole_file
from auricle.personalization import model_files

FORMAT = "auricle weights 1"
MOST_SIZE = 1e6  # of a number in a configuration: widths, orders, rates
MOST_VALUE = 1e9  # of a number in a tensor
_SHIPPED = Path(*model_files.__path__).resolve()


def shipped_weights(name: str) -> Path:
    """The path of the weights that ship under a name with the program, if they do."""
    return _SHIPPED / f"{name}.safetensors"


class WeightsError(AuricleError):
    """A file of weights that is missing, damaged, or of another model."""


@dataclass(frozen=True)
class Weights:
    """All that a trained model is made of again.

    Attributes:
        model: its name.
        tensors: arrays by name: learned weights, and arrays of the data that the model needs
            (normalisation, grid), whatever their type.
        configuration: what its class is built with; plain JSON.
        split: the listeners it saw: names of those it was trained on, and of those held out.
        notes: seed, figures: plain JSON.
    """

    model: str
    tensors: dict[str, np.ndarray]
    configuration: dict[str, Any]
    split: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def below(self, prefix: str) -> dict[str, np.ndarray]:
        """The tensors whose names begin with ``prefix``, without it."""
        return {
            name.removeprefix(prefix): each
            for name, each in self.tensors.items()
            if name.startswith(prefix)
        }


def save_weights(path: str | os.PathLike[str], weights: Weights) -> None:
    """Write ``weights`` as one safetensors file, whole or not at all."""
    metadata = {
        "format": FORMAT,
        "model": weights.model,
        **{key: json.dumps(getattr(weights, key)) for key in ("configuration", "split", "notes")},
    }
    tensors = {name: np.ascontiguousarray(each) for name, each in weights.tensors.items()}
    path = Path(path)
    try:
        with whole_file(path) as part:
            save_file(tensors, str(part), metadata)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be written ({error.strerror or error})") from None


def load_weights(path: str | os.PathLike[str], model: str | None = None) -> Weights:
    """The weights in a file; WeightsError where it is missing, damaged or of another model."""
    path = Path(path)
    remedy = f"make them with: auricle train {model or 'MODEL'} --data DIR -o {path}"
    if not path.is_file():
        raise WeightsError(f"{path}: there are no weights; {remedy}")
    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # safetensors has its own error, and others from reading
        raise WeightsError(f"{path}: damaged, not safetensors ({error}); {remedy}") from None
    if metadata.get("format") != FORMAT or "model" not in metadata:
        raise WeightsError(f"{path}: holds other tensors, not Auricle's weights; {remedy}")
    if model is not None and metadata.get("model") != model:
        raise WeightsError(f"{path}: holds weights of {metadata.get('model')}; {remedy}")
    try:
        plain = {key: json.loads(metadata[key]) for key in ("configuration", "split", "notes")}
    except (KeyError, ValueError, RecursionError):
        raise WeightsError(f"{path}: its description is damaged; {remedy}") from None
    if not all(isinstance(each, dict) for each in plain.values()):
        raise WeightsError(f"{path}: its description is damaged; {remedy}")
    for name, value in plain["configuration"].items():
        if isinstance(value, int | float) and not abs(value) <= MOST_SIZE:
            raise WeightsError(f"{path}: a model whose {name} is {value} is none of ours; {remedy}")
    for name, each in tensors.items():
        if each.dtype.kind == "f" and not np.all(np.isfinite(each)):
            raise WeightsError(f"{path}: {name} holds NaN or infinity; {remedy}")
        if each.dtype.kind == "f" and each.size and float(np.max(np.abs(each))) > MOST_VALUE:
            raise WeightsError(
                f"{path}: {name} holds {np.max(np.abs(each)):.3g}, which nothing learns; {remedy}"
            )
    return Weights(metadata["model"], tensors, **plain)


@contextmanager
def fitting(weights: Weights) -> Iterator[None]:
    """Within, where a model is made of ``weights``, whatever does not fit is a WeightsError.

    A file from outside may lack a tensor, or hold one of another shape or type; there are as many
    ways to fail over that as there are models.
    """
    try:
        yield
    except AuricleError:
        raise
    except KeyError as error:
        raise WeightsError(
            f"weights of {weights.model} lack {error}; train it again or get the file anew"
        ) from None
    except (ValueError, TypeError, IndexError, AttributeError, ArithmeticError, RuntimeError,
            MemoryError) as error:  # fmt: skip
        raise WeightsError(
            f"weights of {weights.model} do not fit the model "
            f"({' '.join(str(error).split())[:200]}); train it again or get the file anew"
        ) from error


def check_shapes(weights: Weights, wanted: Mapping[str, tuple[str | int, ...]]) -> dict[str, int]:
    """Compare shapes of tensors with those that a model needs.

    Args:
        weights: of the model.
        wanted: sizes by name of the tensor; equal letters are equal sizes, whatever they are.

    Returns:
        The size of each letter.

    Raises:
        WeightsError: a tensor that is missing or of another shape.
    """
    sizes: dict[str, int] = {}
    for name, letters in wanted.items():
        if name not in weights.tensors:
            raise WeightsError(
                f"weights of {weights.model} lack {name}; train it again or get the file anew"
            )
        shape = weights.tensors[name].shape
        fits = len(shape) == len(letters) and all(
            size == (each if isinstance(each, int) else sizes.setdefault(each, size))
            for size, each in zip(shape, letters, strict=True)
        )
        if not fits:
            known = ", ".join(str(sizes.get(str(each), each)) for each in letters)
            raise WeightsError(
                f"weights of {weights.model}: {name} is {shape}, not ({known}); train it again or "
                "get the file anew"
            )
    return sizes


def load_into(module: Any, weights: Weights, prefix: str = "net.") -> None:
    """Give a torch module the tensors of a file.

    Args:
        module: the network.
        weights: of the file.
        prefix: of the names of its tensors.

    Raises:
        WeightsError: shapes that differ, or tensors that are missing.
    """
    import torch

    state = {name: torch.from_numpy(np.array(each)) for name, each in weights.below(prefix).items()}
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"weights of {weights.model} do not fit its configuration "
            f"({' '.join(str(error).split())[:200]}); train it again"
        ) from None


def state_of(module: Any, prefix: str = "net.") -> dict[str, np.ndarray]:
    """The tensors of a torch ``module`` as arrays, their names under ``prefix``."""
    return {prefix + name: each.detach().numpy() for name, each in module.state_dict().items()}


def checked_path(path: Path) -> Path:
    """The path, if a file can be written there; asked before minutes of training, not after."""
    if not path.parent.is_dir():
        raise WeightsError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise WeightsError(f"{path}: is a folder; name a file")
    return path
