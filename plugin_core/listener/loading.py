"""The listener's set, read and prepared, and its user told what is odd about it."""

from collections.abc import Callable

from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.bass import judged_bass
from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.cache import is_cached, prepared_set
from auricle.dsp.preparation.prepare import PreparedSet, checked_length, room_left_out
from auricle.dsp.sphere.grids import coarseness_deg
from auricle.dsp.streaming.input_checks import PathLike
from auricle.plugin_core.listener.set_options import SetOptions

MOST_COARSE_DEG = 25.0


def prepared_listener(
    listener: HrtfSet, sample_rate: int, rank: str | int, level: str,
    say: Callable[[str], None] | None = None,
) -> PreparedSet:  # fmt: skip
    """The tables of a set.

    Args:
        listener: the set.
        sample_rate: Hz, of what renders.
        rank: "auto", "full" or a number of buses an ear.
        level: "matched" or "measured".
        say: called with a sentence when making the tables takes seconds, and with what they play
            wrong.

    Raises:
        AuricleError: a set of so few directions that what lies between them would be made up.
    """
    name = listener.name or "the listener"
    checked_length(listener)
    coarse_deg = coarseness_deg(listener.positions)
    if coarse_deg > MOST_COARSE_DEG:
        raise AuricleError(
            f"{name}: {listener.n_directions} direction(s), most of the sphere is up to "
            f"{coarse_deg:.0f} degrees from the nearest, {MOST_COARSE_DEG:g} is the most that can "
            "be rendered; auricle personalize sparse FILE.sofa -o LISTENER.sofa predicts the rest"
        )
    if say is not None and not is_cached(listener, sample_rate, rank=rank, level=level):
        say(f"preparing {name} for {sample_rate} Hz, once; seconds")
    if say is not None and listener.n_measured < listener.n_directions:
        say(
            f"{name}: {listener.n_measured} of {listener.n_directions} directions were measured, "
            "the others predicted"
        )
    if say is not None and listener.bass == "auto" and level == "matched":
        odd = judged_bass(listener).sentence()
        if odd:
            say(f"{name}: {odd}")
    prepared = prepared_set(listener, sample_rate, rank=rank, level=level)
    if say is not None and rank != "full" and (lost := room_left_out(listener)):
        say(f"{name}: {lost}")
    for sentence in prepared.errors.beyond_bounds() if say is not None else ():
        assert say is not None
        say(f"{name}, as it is played: {sentence}")
    return prepared


def load_listener(
    hrtf: PathLike | None, sample_rate: int, say: Callable[[str], None] | None = None,
    options: SetOptions = SetOptions(),  # noqa: B008 (it cannot change)
) -> HrtfSet:  # fmt: skip
    """The set of a SOFA file, or the default listener, the mean of many people.

    Args:
        hrtf: path of the file; None: the default listener.
        sample_rate: Hz of the default listener; a file keeps its own.
        say: called with each finding about the set; without it findings are warnings.
        options: how the file is read.

    Raises:
        SofaError: a file that cannot be used.
    """
    return default_hrtf(sample_rate) if hrtf is None else options.load(hrtf, say)
