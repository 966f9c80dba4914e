"""The physics of a pose: ways, delays, warps, spectra shifted in time.

frame_shift      Frames of sound shifted in the Fourier domain: cut, moved over parallel paths
geometric_warp   The physics that all systems share
pose_encoding    Poses as numbers that a network can take in: direction, nearness
poses            Poses: where sound comes from, as the head hears it
radial_velocity  Radial velocity: how fast a source comes nearer to each ear
stft             Short-time spectra: where the generative systems diffuse the residual to the warp
"""
