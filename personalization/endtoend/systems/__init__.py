"""The common ground of learned systems, and the table of their names.

base      The base of all learned systems: batches, training, weights, rendering of whole signals
pieces    Any learned system piece by piece: each piece is heard with the past it needs
registry  The table of end-to-end systems; and a trained one read from its file
"""
