"""Distances between responses: spectra, interaural cues, whole sets; no torch, no playback.

spectral     log-spectral distance (LSD) in stated bands
interaural   ITD by three estimators, ILD
comparison   both, of two sets: per direction, and over the sphere and its planes
"""
