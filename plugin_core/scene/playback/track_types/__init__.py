"""Tracks by type: what their channels are, and what plays them.

ambisonic      Ambisonics of any order and normalisation, which turn against the head
bed            Loudspeaker beds: channels that stand around the head wherever that goes
binaural       Finished sound for the two ears, which neither turns nor is filtered
placed_object  Objects: one or two channels at places of their own, all by one renderer
type_player    The player of a type of track: what its channels are
"""
