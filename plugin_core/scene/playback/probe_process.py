"""Loads and probes one VST3 plugin in a process of its own: a crash ends this one alone.

Reads a JSON object from standard input, prints one: empty, or the key and text of the problem.
"""

import json
import sys
from pathlib import Path

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.scene.format.schema import KeyProblem
from auricle.plugin_core.scene.playback.plugins import probe, vst3_stage


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    answer = {}
    try:
        stage = vst3_stage(Path(question["path"]), question["name"], question["parameters"])
        probe(stage, question["sample_rate"], question["n_channels"])
    except KeyProblem as problem:
        answer = {"key": problem.key, "problem": problem.text}
    except AuricleError as error:
        answer = {"key": "vst3", "problem": f"{question['path']}: {error}"}
    print("\n" + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
