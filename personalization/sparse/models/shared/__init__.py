"""The common ground of learned methods.

base                What all learned methods share: data on tensors, the split, the training
correction_net      The network of the refiners
correction_numpy    The network of the refiners, evaluated with NumPy: what ships needs no torch
gp_correction_base  What methods share that put a network over the process of listeners: settings
harmonic_residuals  Residuals of listeners as coefficients of spherical harmonics
measurement_sets    Sets of measured directions to train on: those of the challenge, spread ones
neighbour_inputs    What networks see of a direction between measured ones: the estimate there
"""
