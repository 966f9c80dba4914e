"""What plays the tracks of a scene, one type a file (their table: ``scene/format/track_types``).

type_player    The player of a type of track: what its channels are
"""
