"""Physics that needs no measured set.

air_absorption  What the air takes from a sound on its way: ISO 9613-1
directivity     What a source's own shape does: the pattern it radiates by, and how wide it is
emission_time   Where sources are heard: the place each had when the sound that arrives now left it
rigid_sphere    A point source near a rigid sphere: exact pressure at an ear
"""
