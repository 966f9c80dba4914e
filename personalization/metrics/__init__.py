"""Judgements of a personal set beyond its raw errors; NumPy and SciPy alone, no torch.

cues        what the observer hears: ITD, ILD and spectra in auditory bands
observer    a Bayesian listener who localises with these ears (Barumerli et al. 2023)
eligibility the limits of the LAP challenge
"""
