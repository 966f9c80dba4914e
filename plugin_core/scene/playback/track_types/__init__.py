"""Types of tracks: one a file, in the table of ``scene/format/track_types.py``.

type_player  The player of a type of track: what its channels are
"""
