"""Physics that needs no measured set.

air_absorption  Absorption of sound by the air: ISO 9613-1, and a filter for each distance
directivity     Directivity of sources: the pattern by which a source radiates
emission_time   Where sources are heard: the place each had when the sound that arrives now left it
rigid_sphere    A point source near a rigid sphere: exact pressure at an ear
"""
