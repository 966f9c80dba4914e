"""What a uniformly partitioned convolver hands to its kernel, and its filters.

``auricle.dsp.convolution.uniform`` makes both. Numba's cache does not see a change here. So every
file with kernels that read these holds a stamp of this file's text, ``CONVOLVER_RECORD``.
"""

from auricle.dsp.compiled.records import Record, f32, i64
from auricle.dsp.compiled.simd import NARROW

BLOCK = 128
SIZE = 2 * BLOCK  # of the FFT; a power of four
PLANE = SIZE * NARROW  # inputs transformed side by side: 16 would not fit the first-level cache

# G groups of 2 NARROW inputs, P partitions.
FILTERS = Record(
    "FilterArrays",
    re=f32(5),  # (2, G, P', SIZE, NARROW), P' <= P: real parts of all P, then of all Q
    im=f32(5),  # likewise imaginary
)
CONVOLVER = Record(
    "ConvolverArrays",
    window=f32(4),  # (G, 2, SIZE, NARROW) last block and this one
    spectra=f32(5),  # (2, G, P, SIZE, NARROW) real and imaginary, of the last P blocks
    head=i64(1),  # (1,) where in P this block's stand
    tail=f32(4),  # (2, 2, SIZE, NARROW) products with older blocks, of filters now and next
    work=f32(3),  # (4, SIZE, NARROW) scratch
    twiddle=f32(2),  # (2, SIZE) cosines and minus sines
)
