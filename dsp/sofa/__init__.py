"""SOFA files (AES69): from variables to responses and directions in Auricle's conventions.

conventions  Conformity of a SOFA file, as sofar, which knows the standard's tables, judges it
data         The responses of a SOFA file: axes put in order, ears and sources picked
file         SOFA files (AES69): read into plain arrays in Auricle's conventions
positions    Positions of the sources of a SOFA file, seen from the listener's head
shells       Sets that were measured at several distances: which measurements are one shell
values       Numbers and texts out of a SOFA file, by the names that the standard gives them
"""
