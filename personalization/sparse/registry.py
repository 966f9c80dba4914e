"""The table of methods of spatial upsampling: what commands, comparisons and docs read.

A method is added by its file and a line here, or from outside (``METHODS.register``, or an entry
point of the group ``auricle.sparse_methods``; docs/extending.md).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auricle.dsp.errors import AuricleError
from auricle.dsp.registry import Registry, placed

if TYPE_CHECKING:
    from auricle.personalization.sparse.method import Method

_HERE = "auricle.personalization.sparse"


@dataclass(frozen=True)
class MethodInfo:
    """A method, and where it takes part.

    Attributes:
        name: on the command line and in tables.
        place: "module:attribute" of what makes it, imported when it is asked for.
        summary: what it does, in a line.
        learned: ``auricle train`` trains it, with torch, and its weights are a file.
        trainer: of what is trained, where it is not what predicts (which then needs no torch).
        of_shipped: it goes with the listeners that ship, and no comparison trains it.
        compared: the comparisons it is in when no method is named: "folds" (listeners left out),
            "across" (other laboratories), "densify across" (directions left out, others' sets).
    """

    name: str
    place: str
    summary: str
    learned: bool = False
    trainer: str | None = None
    of_shipped: bool = False
    compared: tuple[str, ...] = ()


def _classical(name: str, place: str, summary: str, *compared: str) -> MethodInfo:
    return MethodInfo(name, f"{_HERE}.{place}", summary, compared=compared)


def _network(name: str, place: str, summary: str, **more: Any) -> MethodInfo:
    return MethodInfo(name, f"{_HERE}.models.{place}", summary, learned=True, **more)


METHODS = Registry(
    "method", "auricle.sparse_methods", MethodInfo,
    [
        _classical("mean", "methods.population:PopulationMean",
                   "the mean of the training listeners", "folds"),
        _classical("random", "methods.population:RandomSubject",
                   "a training listener drawn at random", "folds"),
        _classical("best-subject", "methods.population:BestSubject",
                   "the training listener nearest to what was measured", "folds"),
        _classical("nearest", "methods.neighbours:Nearest",
                   "the nearest measured direction", "folds"),
        _classical("barycentric", "methods.neighbours:Barycentric",
                   "a blend of the three around it", "folds", "densify across"),
        _classical("sh", "methods.spherical_harmonics:Harmonics",
                   "spherical harmonics fitted to the responses", "folds"),
        _classical("sh-aligned", "methods.spherical_harmonics:AlignedHarmonics",
                   "harmonics of magnitudes and arrival times", "folds"),
        _classical("mean-sh", "methods.spherical_harmonics:MeanHarmonics",
                   "harmonics of what differs from the mean", "folds"),
        _classical("mean-gp", "methods.mean_gp:MeanProcess",
                   "a Gaussian process of what differs from the mean", "folds", "densify across"),
        _classical("ridge", "methods.ridge:BandRidge",
                   "a linear regression band by band", "folds"),
        _classical("listeners", "listener_gp.process:ListenersProcess",
                   "a Gaussian process whose covariance is that of the listeners", "folds"),
        _network("refiner", "refiner.refiner:Refiner", "a correction of `listeners`"),
        _network("dense-refiner", "refiner.dense_refiner:DenseRefiner",
                 "a correction between many measured directions"),
        _network("fsp-ae", "fsp_ae:FspAe", "an autoencoder whose layers depend on the place"),
        _network("neural-field", "neural_field:NeuralField", "a field over directions, by a code"),
        _network("ranf", "ranf:Ranf", "a field that looks at the most similar listeners"),
        _network("niirf", "niirf:Niirf", "a field of the parameters of IIR filters"),
        _network("flow", "flow.flow:Flow", "conditional flow matching of what `listeners` leaves"),
        _network("hrtfformer", "hrtfformer:HrtfFormer", "a transformer over harmonics"),
        _classical("mean-across", "methods.other_laboratory:mean_across",
                   "`mean`, for another laboratory", "across"),
        _classical("mean-sh-across", "methods.other_laboratory:mean_harmonics_across",
                   "`mean-sh`, likewise", "across"),
        _classical("ridge-across", "methods.other_laboratory:ridge_across",
                   "`ridge`, likewise", "across"),
        _classical("listeners-across", "listener_gp.process:ListenersAcross",
                   "`listeners`, likewise", "across", "densify across"),
        _network("refiner-across", "refiner.refiner_across:RefinerAcross",
                 "`refiner`, likewise", of_shipped=True),
        _network("dense-refiner-across", "refiner.dense_across:DenseAcross",
                 "`dense-refiner`, likewise; its weights ship", of_shipped=True,
                 trainer=f"{_HERE}.models.refiner.dense_refiner_across:DenseRefinerAcross",
                 compared=("densify across",)),
    ],
)  # fmt: skip


def learned_names() -> tuple[str, ...]:
    """Methods that are trained, also those that packages bring."""
    return tuple(info.name for info in METHODS.usable() if info.learned)


def compared_names(comparison: str) -> tuple[str, ...]:
    """Methods that a comparison takes when none is named."""
    return tuple(info.name for info in METHODS.usable() if comparison in info.compared)


def method(name: str) -> Callable[[], "Method"]:
    """The class or function that makes a method of that name.

    Raises:
        AuricleError: another name, the message has those there are; what stands at its place cannot
            be called, or is a class without ``fit`` and ``predict``.
        MissingDependencyError: a learned method, where torch is not installed.
    """
    place = METHODS.find(name).place
    maker: Callable[[], Method] = placed(place, name)
    if not callable(maker):
        raise AuricleError(f"method {name!r}: {place} makes no method, it is {maker!r}")
    if isinstance(maker, type):
        for needed in ("fit", "predict"):
            if not callable(getattr(maker, needed, None)):
                raise AuricleError(f"method {name!r}: {place} has no {needed}()")
    return maker


def names(of: Iterable[str] | None = None) -> list[str]:
    """The names asked for, checked; all of them without."""
    wanted = list(METHODS) if of is None else list(of)
    for name in wanted:
        method(name)
    return wanted
