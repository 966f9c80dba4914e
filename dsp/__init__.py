"""Signal processing on NumPy arrays and Numba kernels; imports no other part of Auricle.

errors       what is raised for bad input
geometry     the conventions: axes, angles, quaternions
hrtf         HrtfSet: a listener's impulse responses and their directions
sofa         reading and writing SOFA files; sofa_data, sofa_positions, sofa_shells help it
netcdf       the files inside SOFA, read without a library in C; hdf5 and its parts help it
responses    responses delayed, resampled, or made from spectra
metrics      LSD, ITD and ILD, and two sets compared
pictures     who draws a set, since nothing here does
checks       what is odd about a set: ears, azimuth sense, sample rate, grid
"""
