"""What kernels are made of: their options, SIMD, records of arrays, calls by address.

calls    Compiled kernels called where they are, and not compiled into their caller once more
options  Whether Numba can keep what it compiles on disk: ``CACHE``
records  Arrays handed to compiled code as one address: what a driver's callback is given
simd     Vectors of ``LANES`` or ``NARROW`` float32 numbers that compiled kernels keep in registers
"""
