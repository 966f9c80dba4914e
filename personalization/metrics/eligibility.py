"""The LAP challenge 2024, task 2: what a set must keep below to count at all."""

from collections.abc import Mapping

# Limits of the challenge's own code; every submission has to be below all three.
LIMITS = {"itd_error_us": 100.0, "ild_error_db": 4.4, "lsd_db": 7.4}


def eligibility(sphere: Mapping[str, float]) -> dict[str, bool]:
    """Whether each of the three errors is below its limit, from the means over the sphere.

    ``sphere`` is the entry "sphere" of ``SetErrors.summary``: ITD by MaxIACCe, broadband ILD, LSD
    from 20 Hz to 20 kHz.
    """
    return {name: bool(sphere[name] < limit) for name, limit in LIMITS.items()}
