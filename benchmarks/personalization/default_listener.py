"""Print how far the default listener, the mean of HUTUBS and CIPIC, is from people of other sets.

    python benchmarks/personalization/default_listener.py DATA

Beside a person of HUTUBS or CIPIC drawn at random, and the computed listener. LSD over bins 1 to
116 of 256 (172 Hz to 20 kHz), mean over ears and directions; "equalised": what a set differs by in
all directions alike (loudspeaker, microphone, level) is taken out first. ITD of the arrival times.
"""

import sys
from pathlib import Path

import numpy as np

from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.hrtf.structural_model import computed_hrtf
from auricle.personalization.listeners.features import EVALUATED_BINS, features_of, itd_seconds
from auricle.personalization.listeners.from_datasets import people_only, subjects_in, training_of
from auricle.personalization.listeners.listener_data import ListenerGroup

SETS = ("sonicom", "sadie1")


def training(data: Path, name: str) -> ListenerGroup:
    return training_of(people_only(subjects_in(data, name)))


def alone(hrtf: HrtfSet) -> ListenerGroup:
    seen = features_of(hrtf)
    return ListenerGroup(hrtf.positions, seen.magnitude_db[None], seen.arrival_seconds[None])


def errors(people: ListenerGroup, guesses: ListenerGroup, rows: np.ndarray) -> list[float]:
    """LSD in dB, LSD equalised, ITD in us: listener i of ``people`` against row ``rows[i]``."""
    found = guesses.at(people.positions)
    difference = (found.magnitude_db[rows] - people.magnitude_db)[..., EVALUATED_BINS].astype(
        np.float64
    )
    shared = difference.mean(axis=(1, 2), keepdims=True)
    late = itd_seconds(found.arrival_seconds[rows]) - itd_seconds(people.arrival_seconds)
    lsd, equalised = (
        np.sqrt(np.mean(each**2, axis=-1)).mean() for each in (difference, difference - shared)
    )
    return [float(lsd), float(equalised), 1e6 * float(np.abs(late).mean())]


def main() -> None:
    data = Path(sys.argv[1])
    mean, computed = alone(default_hrtf(44100)), alone(computed_hrtf(44100))
    heads = {name: training(data, name) for name in ("hutubs", "cipic")}
    print("| tested on | listener | LSD dB | equalised | ITD us |\n|---|---|---|---|---|")
    for name in SETS:
        people = training(data, name)
        same = np.zeros(len(people), dtype=np.int64)
        rows = {"mean of HUTUBS and CIPIC": errors(people, mean, same)}
        rows["computed"] = errors(people, computed, same)
        for other, group in heads.items():
            drawn = np.random.default_rng(0).integers(len(group), size=len(people))
            rows[f"random person of {other.upper()}"] = errors(people, group, drawn)
        for listener, (lsd, equalised, itd) in rows.items():
            print(f"| {name.upper()} | {listener} | {lsd:.2f} | {equalised:.2f} | {itd:.0f} |")


if __name__ == "__main__":
    main()
