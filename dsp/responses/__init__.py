"""Impulse responses as signals: when they arrive, and the same ones on another time axis.

arrival        When a response arrives, and responses moved to a common onset
minimum_phase  Minimum phase by the cepstrum
time_axis      Impulse responses on another time axis: delayed, resampled, or made from spectra
"""
