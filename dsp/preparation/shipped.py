"""Writes the prepared sets of the default listener that ship, for 44.1 and 48 kHz, rank auto.

python -m auricle.dsp.preparation.shipped      # after a change of the listener or of VERSION
"""

import numpy as np

from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.preparation.cache import (
    SHIPPED,
    SHIPPED_NAME,
    SHIPPED_RATES,
    archive_of,
    save_archive,
    shipped_key,
)
from auricle.dsp.preparation.prepare import prepare


def write_shipped() -> None:
    """Prepare the default listener for each rate that ships and write its file."""
    for rate in SHIPPED_RATES:
        hrtf = default_hrtf(rate)  # as renderers of that rate take it
        arrays = archive_of(prepare(hrtf, rate))
        arrays["_of"] = np.array(shipped_key(hrtf, rate))
        save_archive(SHIPPED / f"{SHIPPED_NAME}-{rate}.npz", arrays)


if __name__ == "__main__":
    write_shipped()
