"""netCDF and HDF5 files read in Python alone: no damaged file can take the process along.

hdf5          HDF5 files as netCDF writes them, read in Python alone
hdf5_bytes    The bytes of an HDF5 file, handed out so that no file, however damaged, can do harm
hdf5_headers  Object headers of HDF5 files: what is said about a group or a data set, in messages
hdf5_heaps    Heaps of HDF5, which keep many small things: fractal heaps, symbol tables
hdf5_layouts  The data of an HDF5 variable: in one piece
hdf5_types    Types and shapes of HDF5 values, and values that lie in a row of bytes
variables     netCDF files, of HDF5 or of the classic form, as named variables with named axes
"""
