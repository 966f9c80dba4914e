"""The common ground of learned methods.

base                The base of all learned methods: data on tensors, the split, the training
correction_net      The network of the refiners
correction_numpy    The network of the refiners, evaluated with NumPy: what ships needs no torch
gp_correction_base  The base of methods that put a network over the process of listeners: settings
harmonic_residuals  Residuals of listeners as coefficients of spherical harmonics
measurement_sets    Sets of measured directions to train on: those of the challenge, spread ones
neighbour_inputs    Inputs of networks for a direction between measured ones: the estimate there
"""
