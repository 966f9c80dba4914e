"""Physics that needs no measured set.

air_absorption  Absorption of sound by the air on its way: ISO 9613-1
directivity     Directivity of sources: the pattern by which a source radiates
emission_time   Apparent positions
rigid_sphere    A point source near a rigid sphere: exact pressure at an ear
"""
