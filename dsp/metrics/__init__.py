"""Distances between responses: spectra (LSD), ears (ITD, ILD), octaves; no torch, no playback.

interaural  Interaural differences of responses (M, 2, N): ITD by three estimators, and ILD
octaves     Levels of responses in octave bands, and what of ILD and ITD is right octave by octave
spectral    Log-spectral distance (LSD) of responses and spectra, each in a band that is stated
"""
