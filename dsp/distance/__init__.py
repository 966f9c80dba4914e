"""Effects of distance on each source: near field, air, time on the way.

cue_kernels  Kernels of distance: where each ear looks, and what that adds to delays and spectra
cues         Distance for S sources of one set: level, air, and near-field cues, step by step
near_field   The near field: what changes at the ears when a source comes near
propagation  The time that sound takes from a source to the head, and so the Doppler effect
"""
