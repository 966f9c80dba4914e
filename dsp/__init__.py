"""Signal processing on NumPy arrays and Numba kernels; imports no other part of Auricle.

From the ground up: a folder imports only those above it in this list.

errors         The errors that Auricle raises for bad input
registry       One table a family of things: Auricle's own, what a program registers
arrays         Names for the types of arrays; shapes, units and orders stand in the docstrings
geometry       Directions, angles and rotations in Auricle's conventions, which this module owns
compiled       What kernels are made of: their options, SIMD, records of arrays, calls by address
streaming      The common ground of everything that is called block by block
storage        Memory and disk: memory given back, files written whole
filters        Short filters that know no head
sphere         Directions on the sphere: mesh, holes, quadrature, harmonics
convolution    Convolution with filters of any length, block by block
acoustics      Physics that needs no measured set
responses      Impulse responses as signals: when they arrive
netcdf         netCDF and HDF5 files read in Python alone
metrics        Distances between responses: spectra (LSD), ears (ITD, ILD), octaves; no torch
sofa           SOFA files (AES69)
hrtf           A listener's set: what it holds, what is odd about it, its bass
evaluation     One set compared with another
interpolation  Responses between the measured directions
distance       Effects of distance on each source: near field, air, time on the way
preparation    From a set to the tables that are rendered: seconds of work, off the audio path
render         The audio path of the binaural renderer: no allocation, no wait
iir            The low-cost path: delays and cascades of second-order filters
ambisonics     Ambisonic sound fields to two ears
loudspeakers   Channels of loudspeaker layouts, and a bed of them for two ears
neural         LINN block by block, without torch
"""
