"""What kernels are made of: their options, SIMD, records of arrays, calls by address.

ambisonic_record  What an ambisonic renderer hands to its block function
calls             Compiled kernels called by the address of their machine code
convolver_record  What a uniformly partitioned convolver hands to its kernel, and its filters
engine_record     What an engine hands to its kernels: the one list of its arrays, by name and type
options           What all kernels have in common: how Numba compiles them, and the control step
records           Arrays handed to compiled code as one address, in place of dozens of arguments
renderer_record   What a renderer hands to its block function: scene, engines
simd              SIMD
"""
