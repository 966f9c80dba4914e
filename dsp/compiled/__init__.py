"""What kernels are made of: their options, SIMD, records of arrays, calls by address.

calls          Compiled kernels called where they are, and not compiled into their caller once more
engine_record  What an engine hands to its kernels: the one list of its arrays, by name and type
options        What all kernels have in common: how Numba compiles them, and the control step
records        Arrays handed to compiled code as one address, in place of dozens of arguments
simd           SIMD
"""
