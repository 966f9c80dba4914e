"""Learned methods, one a file or folder; all need torch.

flow           Samples of a listener by flow matching
fsp_ae         FSP-AE: a hyper-linear autoencoder conditioned on position and frequency (Ito et al
hrtfformer     HRTFformer: a transformer from sparse to dense spherical harmonics (Hu et al
neural_field   HRTF field
niirf          NIIRF
niirf_cascade  A listener as delays and cascades of second-order filters
ranf           RANF: retrieval-augmented upsampling (Masuyama et al
refiner        Networks over frequency that correct the process over listeners
shared         The common ground of learned methods
"""
