"""What learned systems share, and the table of their names.

base      What all learned systems share: batches, training, weights, rendering of whole signals
pieces    Any learned system piece by piece: each piece is heard with the past it needs
registry  End-to-end systems by name: trained on scenes, kept with their codebook, read again
"""
