"""HrtfSet: the impulse responses of one listener's two ears, and the directions they belong to."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors

if TYPE_CHECKING:
    from auricle.dsp.sofa.file import SofaContent

BASS = ("auto", "extend", "measured")

_MOST_BROKEN = 0.25  # of the responses of a file, that are left out; with more it is refused
_PEAKS = (1e-15, 1e9)  # beyond, energies leave the numbers of the engine


@dataclass(frozen=True, eq=False)
class HrtfSet:
    """Impulse responses of one listener's two ears, over directions.

    Attributes:
        ir: (M, 2, N) float64, ear 0 is the left one, at the level of the measurement.
        positions: (M, 3) unit vectors in head axes: x front, y left, z up.
        radius_m: distance of the sources, in metres.
        sample_rate: Hz.
        name: who was measured.
        findings: what is odd about the set, and what reading it had to mend, in sentences.
        license: terms of the data, as the file states them.
        references: whom to cite, as the file states it.
        bass: how the set is played below 200 Hz: "measured" as it is, "extend" as a rigid sphere,
            "auto" as a sphere where its own bass is not that of a head (``auricle.dsp.hrtf.bass``).
        predicted: (M,) booleans, True where a response was predicted and not measured; None: the
            file says nothing of that.

    Raises:
        HrtfError: arrays of other shapes, NaN, a set of silence or of one direction.

    >>> from auricle.dsp.geometry import unit_vectors
    >>> ir = np.zeros((4, 2, 64))
    >>> ir[:, :, 20] = 1.0
    >>> listener = HrtfSet(ir, unit_vectors([0.0, 90.0, 180.0, -90.0]), 1.5, 48000, "nobody")
    >>> listener
    HrtfSet('nobody', 4 directions, 64 samples at 48000 Hz, 1.5 m)
    >>> listener.nearest(azimuth_deg=80.0)
    1
    >>> listener.subset([0, 2]).n_directions
    2
    """

    ir: Array
    positions: Array
    radius_m: float
    sample_rate: int
    name: str = ""
    findings: tuple[str, ...] = ()
    license: str = ""
    references: str = ""
    bass: str = "auto"
    predicted: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        # Frozen: set once, here, in the shapes and types that everything else relies on.
        object.__setattr__(self, "ir", _checked_ir(self.ir))
        object.__setattr__(self, "positions", _checked_positions(self.positions, len(self.ir)))
        object.__setattr__(self, "radius_m", _checked_radius(self.radius_m))
        object.__setattr__(self, "sample_rate", _checked_rate(self.sample_rate))
        object.__setattr__(self, "findings", tuple(self.findings))
        if self.predicted is not None:
            object.__setattr__(self, "predicted", _checked_mask(self.predicted, len(self.ir)))
        if self.bass not in BASS:
            raise HrtfError(f"bass is one of {', '.join(BASS)}, not {self.bass!r}")

    def __repr__(self) -> str:
        return (
            f"HrtfSet({self.name!r}, {self.n_directions} directions, {self.n_taps} samples at "
            f"{self.sample_rate} Hz, {self.radius_m:g} m)"
        )

    def _repr_html_(self) -> str:
        rows = {
            "directions": self.n_directions,
            "response": f"{self.n_taps} samples at {self.sample_rate} Hz",
            "distance": f"{self.radius_m:g} m",
            "odd": "; ".join(self.findings) or "nothing was found",
            "licence": self.license or "not stated",
        }
        body = "".join(f"<tr><th>{k}</th><td>{escape(str(v))}</td></tr>" for k, v in rows.items())
        return f"<table><caption>HrtfSet {escape(self.name)}</caption>{body}</table>"

    @property
    def n_directions(self) -> int:
        """Number of directions M."""
        return self.ir.shape[0]

    @property
    def n_taps(self) -> int:
        """Number of samples N of a response."""
        return self.ir.shape[2]

    @property
    def n_measured(self) -> int:
        """Number of directions that were measured: all that are not marked as predicted."""
        return self.n_directions - (0 if self.predicted is None else int(np.sum(self.predicted)))

    @property
    def azimuth_deg(self) -> Array:
        """Azimuths (M,) in (-180, 180] degrees, + to the left."""
        return azimuth_elevation_deg(self.positions)[0]

    @property
    def elevation_deg(self) -> Array:
        """Elevations (M,) in [-90, 90] degrees, + up."""
        return azimuth_elevation_deg(self.positions)[1]

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        swap_ears: bool = False,
        mirror_azimuth: bool = False,
        true_sample_rate: float | None = None,
        distance_m: float | None = None,
        receivers: tuple[int, int] | None = None,
        emitter: int | None = None,
        conjugate: bool = False,
        bass: str = "auto",
    ) -> "HrtfSet":
        """Read a set from a SOFA file; ``findings`` of the set say what is odd about it.

        Nothing that looks wrong is put right unasked; but where a file says that its first receiver
        is the right ear, and ITD and ILD agree, it is read so.

        Args:
            path: of the file.
            swap_ears: channel 0 is the right ear.
            mirror_azimuth: azimuths run clockwise.
            true_sample_rate: Hz, in place of a wrong label (nothing is resampled).
            distance_m: of a set measured at several distances, the nearest shell.
            receivers: the two that are the left and the right ear, counted from 0.
            emitter: the one that is the source, counted from 0; None: each is a direction.
            conjugate: spectra are of the other sign of time, exp(-iwt).
            bass: how it is played below 200 Hz, as above; the responses stay as they are.

        Returns:
            The set, at the level and the sample rate of the file.

        Raises:
            SofaError: the file is missing or damaged, or holds no usable responses.
        """
        from auricle.dsp.errors import SofaError
        from auricle.dsp.hrtf.checks import set_findings
        from auricle.dsp.sofa.file import read_sofa

        content = read_sofa(
            path, distance_m=distance_m, receivers=receivers, emitter=emitter, conjugate=conjugate
        )
        content, left_out = _without_broken(content)
        ir = content.ir[:, ::-1] if swap_ears else content.ir
        positions = content.positions * np.array([1.0, -1.0 if mirror_azimuth else 1.0, 1.0])
        try:
            rate = content.sample_rate
            if true_sample_rate is not None:
                rate = round(_checked_range_hz(true_sample_rate))
            loaded = cls(
                ir, positions, content.radius_m, rate, content.name,
                license=content.license, references=content.references, bass=bass,
                predicted=content.predicted,
            )  # fmt: skip
        except HrtfError as error:
            raise SofaError(f"{os.fspath(path)}: {error}") from None
        first = 1 if swap_ears else content.first_receiver
        loaded, told = _ears_as_the_file_says(loaded, first)
        odd = set_findings(
            loaded.ir, loaded.positions, loaded.sample_rate, loaded.name, content.is_spectra
        )
        return replace(loaded, findings=(*content.findings, *left_out, *told, *odd))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the set as SOFA (SimpleFreeFieldHRIR); the file appears whole or not at all.

        Args:
            path: of the file, which is replaced if it is there.

        Raises:
            SofaError: the file cannot be written.
        """
        from auricle.dsp.sofa.file import SofaContent, write_sofa

        content = SofaContent(
            self.ir, self.positions, self.radius_m, self.sample_rate, self.name,
            self.license, self.references, (), predicted=self.predicted,
        )  # fmt: skip
        write_sofa(path, content)

    def resampled(self, sample_rate: int) -> "HrtfSet":
        """The set at another rate: same transfer functions, same arrival times, whole tail.

        Args:
            sample_rate: Hz, a whole number from 1000 to 1000000.

        Raises:
            HrtfError: another rate.
        """
        from auricle.dsp.responses.time_axis import resampled

        rate = _checked_rate(sample_rate)
        if rate == self.sample_rate:
            return self
        return replace(self, ir=resampled(self.ir, self.sample_rate, rate), sample_rate=rate)

    def subset(self, indices: ArrayLike) -> "HrtfSet":
        """The set at some of its directions.

        Args:
            indices: integers in any order, or M booleans.

        Returns:
            A set with those directions, in the order of ``indices``.

        Raises:
            HrtfError: no index, one that is out of range, or a mask of another length.
        """
        chosen = np.asarray(indices)
        if chosen.dtype == np.bool_ and chosen.shape != (self.n_directions,):
            raise HrtfError(f"a mask must be ({self.n_directions},), got {chosen.shape}")
        if chosen.dtype != np.bool_:
            chosen = _checked_indices(chosen, self.n_directions)
        marks = None if self.predicted is None else self.predicted[chosen]
        return replace(self, ir=self.ir[chosen], positions=self.positions[chosen], predicted=marks)

    def mirrored(self) -> "HrtfSet":
        """The listener in the mirror: ears exchanged and left turned into right."""
        positions = self.positions * np.array([1.0, -1.0, 1.0])
        return replace(self, ir=self.ir[:, ::-1], positions=positions)

    def nearest(self, azimuth_deg: float, elevation_deg: float = 0.0) -> int:
        """The index of the measured direction that is nearest to a given one.

        Use it as in ``hrtf.ir[hrtf.nearest(30)]``.

        Args:
            azimuth_deg: degrees, + is left.
            elevation_deg: degrees, + is up.

        Raises:
            HrtfError: an angle that is not finite.
        """
        wanted = unit_vectors(float(azimuth_deg), float(elevation_deg))
        if not np.all(np.isfinite(wanted)):
            raise HrtfError(f"a direction is two finite angles, got {azimuth_deg}, {elevation_deg}")
        return int(np.argmax(self.positions @ wanted))

    def itd(self, estimator: str = "correlation") -> Array:
        """ITD (M,) of all directions in seconds, positive where the left ear hears later.

        Args:
            estimator: "correlation" (below 1.5 kHz), "maxiacce" (of envelopes) or "onset", as in
                ``auricle.dsp.metrics.interaural``; they differ by some ten microseconds.

        Raises:
            HrtfError: another estimator.
        """
        from auricle.dsp.metrics import interaural

        estimators: dict[str, Callable[[Array, float], Array]] = {
            "correlation": interaural.itd_correlation_seconds,
            "maxiacce": interaural.itd_maxiacce_seconds,
            "onset": interaural.itd_onset_seconds,
        }
        if estimator not in estimators:
            raise HrtfError(f"an estimator is {', '.join(estimators)}, not {estimator!r}")
        return np.asarray(estimators[estimator](self.ir, self.sample_rate))

    def plot(self, path: str | os.PathLike[str] | None = None, *, title: str = "") -> Any:
        """Draw the set as a matplotlib figure: magnitudes, ITD, grid, what is odd.

        Args:
            path: .png, .pdf or .svg to write the figure to as well.
            title: above the set's name.

        Returns:
            The figure.

        Raises:
            MissingDependencyError: matplotlib is not installed.
            AuricleError: a path that cannot be written.
        """
        from auricle.dsp.hrtf.pictures import drawn

        return drawn(self, path, title)


def _ears_as_the_file_says(loaded: HrtfSet, first_receiver: int) -> tuple[HrtfSet, list[str]]:
    """The set with its ears exchanged where receivers, ITD and ILD all say so, and what to say."""
    from auricle.dsp.hrtf.checks import cues

    if first_receiver >= 0:
        return loaded, []
    seen = cues(loaded.ir, loaded.positions, loaded.sample_rate)
    if seen.itd_follows == seen.ild_follows == -1:
        told = (
            "ReceiverPosition puts receiver 0 at the right ear; ITD and ILD agree: so it is read."
        )
        return replace(loaded, ir=loaded.ir[:, ::-1]), [told]
    told = (
        "ReceiverPosition puts receiver 0 at the right ear; it was read as the left, since ITD and "
        "ILD do not agree with that."
    )
    return loaded, [told]


def _without_broken(content: "SofaContent") -> tuple["SofaContent", list[str]]:
    """The content without single responses that hold NaN, and what to say; with many as it is."""
    broken = ~np.all(np.isfinite(content.ir), axis=(1, 2))
    if not 0 < np.sum(broken) <= _MOST_BROKEN * len(broken):
        return content, []
    marks = None if content.predicted is None else content.predicted[~broken]
    told = (
        f"{np.sum(broken)} of {len(broken)} directions hold NaN or infinite samples and were left "
        f"out, the first is number {np.flatnonzero(broken)[0]}."
    )
    kept = content._replace(
        ir=content.ir[~broken], positions=content.positions[~broken], predicted=marks
    )
    return kept, [told]


def _checked_mask(marks: ArrayLike, n_directions: int) -> NDArray[np.bool_]:
    values = np.asarray(marks)
    if values.dtype != np.bool_ or values.shape != (n_directions,):
        raise HrtfError(
            f"predicted must be ({n_directions},) booleans, got {values.dtype} {values.shape}"
        )
    return values


def _checked_ir(ir: ArrayLike) -> Array:
    values = np.asarray(ir)
    if values.ndim != 3 or values.shape[1] != 2:
        raise HrtfError(f"ir must be (directions, 2 ears, samples), got shape {values.shape}")
    if values.shape[0] == 0 or values.shape[2] == 0:
        raise HrtfError(f"the set is empty: ir has shape {values.shape}")
    if values.dtype.kind not in "fiu":
        raise HrtfError(f"ir must hold real numbers, got {values.dtype}")
    values = np.ascontiguousarray(values, dtype=np.float64)
    broken = np.flatnonzero(~np.all(np.isfinite(values), axis=(1, 2)))
    if broken.size:
        raise HrtfError(
            f"{broken.size} of {values.shape[0]} directions hold NaN or infinite samples, the first"
            f" is number {broken[0]}; leave them out"
        )
    peak = float(np.max(np.abs(values)))
    if peak == 0.0:
        raise HrtfError("all impulse responses are zero")
    if not _PEAKS[0] <= peak <= _PEAKS[1]:
        raise HrtfError(
            f"the largest sample is {peak:g}, which is no response ({_PEAKS[0]:g} to "
            f"{_PEAKS[1]:g} are): the data are damaged, or in another type"
        )
    return values


def _checked_positions(positions: ArrayLike, n_directions: int) -> Array:
    values = np.ascontiguousarray(positions, dtype=np.float64)
    if values.shape != (n_directions, 3):
        raise HrtfError(f"positions must be ({n_directions}, 3) like ir, got shape {values.shape}")
    length = np.sqrt(np.sum(values**2, axis=1))
    if not np.all(np.abs(length - 1.0) < 1e-6):
        worst = int(np.argmax(np.where(np.isfinite(length), np.abs(length - 1.0), np.inf)))
        raise HrtfError(
            f"positions must be unit vectors, number {worst} has length {length[worst]:g}; "
            "geometry.directions_and_distances gives them"
        )
    if np.max(np.abs(values - values[0])) < 1e-6:
        raise HrtfError(
            f"the set has only one direction ({n_directions} response(s)); "
            "a renderer needs at least two"
        )
    return values


def _checked_radius(radius_m: float) -> float:
    radius = float(radius_m)
    if not (np.isfinite(radius) and radius > 0.0):
        raise HrtfError(f"radius_m must be a distance above 0 m, got {radius_m}")
    return radius


def _checked_rate(sample_rate: float) -> int:
    rate = _checked_range_hz(sample_rate)
    if rate != round(rate):
        raise HrtfError(f"sample_rate must be a whole number of Hz, got {sample_rate}")
    return int(rate)


def _checked_range_hz(sample_rate: float) -> float:
    rate = float(sample_rate)
    if not (np.isfinite(rate) and 1000.0 <= rate <= 1e6):
        raise HrtfError(f"sample_rate must be 1000 to 1000000 Hz, got {sample_rate}")
    return rate


def _checked_indices(indices: NDArray[np.generic], n_directions: int) -> NDArray[np.int64]:
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise HrtfError(f"indices must be a list of integers, got {indices.dtype} {indices.shape}")
    whole = indices.astype(np.int64)
    if whole.size == 0 or whole.min() < -n_directions or whole.max() >= n_directions:
        raise HrtfError(f"indices must be 1 or more numbers from 0 to {n_directions - 1}")
    return whole


def as_set(hrtf: Any) -> Any:
    """The set in a SOFA file, if a path is given; any other value comes back as it is."""
    return HrtfSet.load(hrtf) if isinstance(hrtf, (str, os.PathLike)) else hrtf
