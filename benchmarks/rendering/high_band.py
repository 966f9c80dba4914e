"""Print how the highest octave is rendered between directions.

    python benchmarks/rendering/high_band.py DATA

Every second direction left out, at the sets' own 44.1 kHz; LSD in dB from 12 to 16, 16 to 18 and 18
to 20 kHz, full rank beside plain blends (as in offgrid.py).
"""

import sys
from pathlib import Path

import numpy as np
import offgrid
from accuracy import packed

from auricle.dsp.metrics.spectral import Band, lsd_db
from auricle.dsp.preparation.played import played_responses
from auricle.dsp.preparation.prepare import prepare

BANDS = (Band(12000.0, 16000.0, 1024), Band(16000.0, 18000.0, 1024), Band(18000.0, 20000.0, 1024))


def main() -> None:
    data = Path(sys.argv[1])
    print("| set | method | 12 to 16 kHz | 16 to 18 kHz | 18 to 20 kHz |\n|---|---|---|---|---|")
    for name, row in (("hutubs", 10), ("sonicom", 0), ("cipic", 0)):
        whole = packed(data, name, row)
        offgrid.RATE = rate = whole.sample_rate
        kept, left = (whole.subset(np.arange(at, whole.n_directions, 2)) for at in (0, 1))
        full = prepare(kept, rate, rank="full", level="measured")
        for method in ("barycentric, aligned", "minimum phase", "engine, full rank"):
            if method.startswith("engine"):
                found = played_responses(full, left.positions)
            else:
                found = offgrid.blended(kept, left.positions, method)
            errors = [lsd_db(found[..., :1024], left.ir, rate, band).mean() for band in BANDS]
            print(f"| {name} | {method} | {' | '.join(f'{x:.2f}' for x in errors)} |", flush=True)


if __name__ == "__main__":
    main()
