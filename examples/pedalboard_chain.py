"""A vocal chain: compressor and equaliser, a place 40 degrees left, a limiter for both ears.

    python examples/pedalboard_chain.py vocals.wav out.wav

Native pedalboard plugins and Auricle's stand in one list. The same chain runs block by block for
live sound: then ``reset=False``, and the blocks may have any size.
"""

import sys

from pedalboard import Compressor, HighpassFilter, Limiter
from pedalboard.io import AudioFile

import auricle

source, target = sys.argv[1:3]
binaural = auricle.BinauralPlugin(azimuth_deg=40)
chain = auricle.Chain(
    [HighpassFilter(80), Compressor(threshold_db=-24, ratio=3), binaural, Limiter(-1)]
)

with AudioFile(source) as file, AudioFile(target, "w", file.samplerate, num_channels=2) as out:
    chain.reset()
    while file.tell() < file.frames:
        binaural.azimuth_deg = 40 - 80 * file.tell() / file.frames  # from left to right
        block = file.read(min(2048, file.frames - file.tell()))
        out.write(chain.process(block, file.samplerate, reset=False))
