"""Print speed, accuracy, smoothness and latency of Auricle beside every other engine installed.

    python benchmarks/peers.py [--json] [--plot P.png] [--quick]
    python benchmarks/peers.py --write

With `--write` it puts tables and picture into docs/. It needs the
measured data (AURICLE_DATA, else ../shared/data) for the dense KU100 set. It is
``auricle bench --peers --truth HRIR_L2702.sofa``; without data, ``auricle bench --peers`` does it
with the listener that Auricle computes.

Takes 2 min, the first run 4 min.
"""

import contextlib
import io
import os
import sys
from pathlib import Path

from auricle.plugin_core.cli import main

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("AURICLE_DATA") or ROOT.parent / "shared" / "data")
TRUTH = ["--truth", str(DATA / "ku100_nearfield" / "HRIR_L2702.sofa")]
PAGE, MARK = ROOT / "docs" / "peers.md", "<!-- from here on written by benchmarks/peers.py -->\n"


def write() -> None:
    """Replace what stands below the mark in docs/peers.md, and the picture."""
    picture = ROOT / "docs" / "pictures" / "peers.png"
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            main(["bench", "--peers", *TRUTH, "--plot", str(picture)])
    except SystemExit as end:
        if end.code:
            raise
    kept = PAGE.read_text(encoding="utf-8").split(MARK)[0]
    PAGE.write_text(kept + MARK + "\n" + text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        main(["bench", "--peers", *TRUTH, *sys.argv[1:]])
