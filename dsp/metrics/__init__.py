"""Distances between responses: spectra, interaural cues, whole sets; no torch, no playback.

spectral     log-spectral distance (LSD) in stated bands
interaural   ITD by three estimators, ILD
matching     two sets at the directions, rate and length they share
comparison   both, of two sets: per direction, and over the sphere and its planes
"""
