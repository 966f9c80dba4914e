"""What a method of spatial upsampling gets and gives, and the table of their names.

    upsampler = method("ridge")()
    upsampler.fit(train)                              # other listeners over one whole grid
    found = upsampler.predict(measured, targets)      # any measured directions in, any targets out

Methods predict everywhere; that what was measured stays as measured is the caller's affair
(``auricle.personalization.sparse.completion.complete``), so that all methods are judged alike.
"""

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Protocol

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError, MissingDependencyError
from auricle.personalization.listeners.listener_data import Measured, Prediction, Training


class Method(Protocol):
    """A way to a whole HRTF from a few directions."""

    name: str
    n_parameters: int  # numbers learned from the training listeners; 0 before ``fit``

    def fit(self, train: Training) -> None:
        """Learn from other listeners; methods that need none keep nothing."""

    def predict(self, measured: Measured, target_positions: Array) -> Prediction:
        """Features at ``target_positions`` (Q, 3) of the listener measured."""


def predict_many(upsampler: Method, measured: Training, targets: Array) -> list[Prediction]:
    """Predictions for listeners who were measured at the same directions.

    A method may have a quicker way for many: ``predict_many(measured, targets)``.
    """
    quicker = getattr(upsampler, "predict_many", None)
    if quicker is not None:
        found: list[Prediction] = quicker(measured, targets)
        return found
    return [upsampler.predict(measured.listener(row), targets) for row in range(len(measured))]


# Where each method lives: the module is imported when it is asked for, torch with it or without.
METHODS: dict[str, str] = {
    "mean": "auricle.personalization.sparse.methods.population:PopulationMean",
    "random": "auricle.personalization.sparse.methods.population:RandomSubject",
    "best-subject": "auricle.personalization.sparse.methods.population:BestSubject",
    "nearest": "auricle.personalization.sparse.methods.neighbours:Nearest",
    "barycentric": "auricle.personalization.sparse.methods.neighbours:Barycentric",
    "sh": "auricle.personalization.sparse.methods.spherical_harmonics:Harmonics",
    "sh-aligned": "auricle.personalization.sparse.methods.spherical_harmonics:AlignedHarmonics",
    "mean-sh": "auricle.personalization.sparse.methods.spherical_harmonics:MeanHarmonics",
    "mean-gp": "auricle.personalization.sparse.methods.mean_gp:MeanProcess",
    "ridge": "auricle.personalization.sparse.methods.ridge:BandRidge",
    "listeners": "auricle.personalization.sparse.listener_gp.process:ListenersProcess",
    "refiner": "auricle.personalization.sparse.models.refiner.refiner:Refiner",
    "dense-refiner": "auricle.personalization.sparse.models.refiner.dense_refiner:DenseRefiner",
    "fsp-ae": "auricle.personalization.sparse.models.fsp_ae:FspAe",
    "neural-field": "auricle.personalization.sparse.models.neural_field:NeuralField",
    "ranf": "auricle.personalization.sparse.models.ranf:Ranf",
    "niirf": "auricle.personalization.sparse.models.niirf:Niirf",
    "flow": "auricle.personalization.sparse.models.flow.flow:Flow",
    "hrtfformer": "auricle.personalization.sparse.models.hrtfformer:HrtfFormer",
    "mean-across": "auricle.personalization.sparse.methods.other_laboratory:mean_across",
    "mean-sh-across": (
        "auricle.personalization.sparse.methods.other_laboratory:mean_harmonics_across"
    ),
    "ridge-across": "auricle.personalization.sparse.methods.other_laboratory:ridge_across",
    "listeners-across": "auricle.personalization.sparse.listener_gp.process:ListenersAcross",
    "refiner-across": "auricle.personalization.sparse.models.refiner.refiner_across:RefinerAcross",
    "dense-refiner-across": (
        "auricle.personalization.sparse.models.refiner.dense_across:DenseAcross"
    ),
}


def method(name: str) -> Callable[[], Method]:
    """What makes a method of that name; AuricleError, with the names there are, otherwise.

    MissingDependencyError for a learned one where torch is not installed.
    """
    if name not in METHODS:
        raise AuricleError(f"there is no method {name!r}; there are {', '.join(sorted(METHODS))}")
    return method_at(METHODS[name], name)


def method_at(place: str, name: str) -> Callable[[], Method]:
    """The same from "module:attribute"."""
    module, _, attribute = place.partition(":")
    try:
        maker: Callable[[], Method] = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingDependencyError(f"{name} needs torch: pip install torch") from None
    return maker


def names(of: Iterable[str] | None = None) -> list[str]:
    """The names asked for, checked; all of them without."""
    wanted = list(METHODS) if of is None else list(of)
    for name in wanted:
        method(name)
    return wanted
