"""Errors of the responses that are played: in numbers, in a sentence, beyond which bound."""

from dataclasses import dataclass

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.metrics.octaves import CENTRES_HZ

# Bounds at measured directions: for 95 of 100 values, and for the worst.
LEVEL_DB, ILD_DB, ITD_US = (1.0, 2.0), (1.0, np.inf), (15.0, 40.0)
LSD_DB = 1.0  # in the mean, of minimum-phase responses of 512 samples at 48 kHz
LOUD_LSD_DB = 1.5  # in the mean, of the whole responses, noise at their ends included


@dataclass(frozen=True, eq=False)
class PlayedErrors:
    """Errors a direction: M measured ones, L left out and predicted from the others.

    Attributes:
        lsd_db: (M, 2) log-spectral distance, 200 Hz to 16 kHz.
        level_db: (M, 2, B) level in octaves from 125 Hz to 8 kHz, left and right ear.
        itd_us: (M,) by correlation below 1.5 kHz.
        left_out_lsd_db, left_out_level_db, left_out_itd_us: (L, ...) the same at every second
            direction, predicted without it and fitted as all others; L is 0 where that was not
            done.
    """

    lsd_db: Array
    level_db: Array
    itd_us: Array
    left_out_lsd_db: Array
    left_out_level_db: Array
    left_out_itd_us: Array

    @property
    def ild_db(self) -> Array:
        """ILD errors (M, B) in octaves."""
        return np.asarray(self.level_db[:, 0] - self.level_db[:, 1])

    @property
    def left_out_ild_db(self) -> Array:
        """ILD errors (L, B) in octaves."""
        return np.asarray(self.left_out_level_db[:, 0] - self.left_out_level_db[:, 1])

    def figures(self) -> dict[str, float | list[float | None]]:
        """The figures by name, for JSON: means, 95 % of all, and the worst."""
        found: dict[str, float | list[float | None]] = {}
        for where, lsd, level, ild, itd in (
            ("measured", self.lsd_db, self.level_db, self.ild_db, self.itd_us),
            ("left_out", self.left_out_lsd_db, self.left_out_level_db, self.left_out_ild_db,
             self.left_out_itd_us),
        ):  # fmt: skip
            if len(lsd) == 0:
                continue
            found[f"{where}_lsd_db"] = float(np.mean(lsd))
            for name, values in (("level_db", level), ("ild_db", ild), ("itd_us", itd)):
                found[f"{where}_{name}_95"] = of_95(values)
                found[f"{where}_{name}_worst"] = worst(values)
            found[f"{where}_ild_db_95_by_octave"] = [
                None if np.all(np.isnan(octave)) else of_95(octave) for octave in ild.T
            ]
        return found

    def sentence(self) -> str:
        """One line: LSD, level, ILD and ITD at the set's directions, and between."""
        said = []
        for where, lsd, level, ild, itd in (
            ("at the set's directions", self.lsd_db, self.level_db, self.ild_db, self.itd_us),
            ("at directions left out", self.left_out_lsd_db, self.left_out_level_db,
             self.left_out_ild_db, self.left_out_itd_us),
        ):  # fmt: skip
            if len(lsd):
                said.append(
                    f"{where} LSD {np.mean(lsd):.2f} dB, octave level {_both(level)} dB, "
                    f"ILD {_both(ild)} dB, ITD {_both(itd, 0)} us (95 %, worst)"
                )
        return "; ".join(said)

    def beyond_bounds(self) -> list[str]:
        """A phrase on what is worse than it should be at measured directions; empty where all is
        well.
        """
        said = []
        if len(self.lsd_db) and np.mean(self.lsd_db) > LOUD_LSD_DB:
            said.append(f"its mean LSD is {np.mean(self.lsd_db):.2f} dB (bound {LOUD_LSD_DB:g})")
        for name, unit, values, bounds in (
            ("octave level", "dB", self.level_db, LEVEL_DB), ("ILD", "dB", self.ild_db, ILD_DB),
            ("ITD", "us", self.itd_us, ITD_US),
        ):  # fmt: skip
            for share, bound, found in zip(
                ("95 %", "worst"), bounds, (of_95(values), worst(values)), strict=True
            ):
                if found > bound:
                    said.append(
                        f"its {name} is off by {found:.1f} {unit} ({share}, bound {bound:g})"
                    )
        return said


def of_95(values: Array) -> float:
    """The size that 95 of 100 values do not pass; 0 of none."""
    sizes = np.abs(values[np.isfinite(values)])
    return float(np.percentile(sizes, 95.0)) if sizes.size else 0.0


def worst(values: Array) -> float:
    """The largest size of the values; 0 of none."""
    sizes = np.abs(values[np.isfinite(values)])
    return float(sizes.max()) if sizes.size else 0.0


def _both(values: Array, digits: int = 1) -> str:
    return f"{of_95(values):.{digits}f}, {worst(values):.{digits}f}"


_B = len(CENTRES_HZ)
NO_ERRORS = PlayedErrors(
    np.zeros((0, 2)), np.zeros((0, 2, _B)), np.zeros(0),
    np.zeros((0, 2)), np.zeros((0, 2, _B)), np.zeros(0),
)  # fmt: skip
