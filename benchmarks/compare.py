"""Compare Auricle with every other engine installed here: speed, accuracy, smoothness, latency.

    python benchmarks/compare.py [--json] [--plot P.png] [--quick]

needs the measured data (AURICLE_DATA, else ../shared/data) for the dense KU100 set. It is
``auricle bench --peers --truth HRIR_L2702.sofa``; without data, ``auricle bench --peers`` does it
with the listener that Auricle computes.
"""

import os
import sys
from pathlib import Path

from auricle.plugin_core.cli import main

DATA = Path(
    os.environ.get("AURICLE_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
)

if __name__ == "__main__":
    truth = DATA / "ku100_nearfield" / "HRIR_L2702.sofa"
    main(["bench", "--peers", "--truth", str(truth), *sys.argv[1:]])
