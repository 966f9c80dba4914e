"""Judgements of a personal set beyond its raw errors; NumPy and SciPy alone, no torch.

cues         Cues of direction: ITD, ILD and the spectra of both ears in auditory bands
eligibility  The LAP challenge 2024, task 2: what a set must keep below to count at all
observer     A Bayesian listener who localises sounds through given ears (Barumerli et al
"""
