"""LINN: a warp, and filters from an implicit network.

engine_layers  LINN's weights and a listener's code as plain layers
linn           LINN: the sound is warped in time
"""
