"""A scene opened for playing.

channels       Channels of a track, by the scene and by the header of its file
head_clock     The head at the ends of control steps, one after the other
opened_types   Track types as the player meets them: the table's players, and files without a scene
parameters     Parameters of VST3 plugins: set to the number that was asked for, and read back
parts          A scene as its player takes it, and the one sentence for what goes wrong with it
player         A scene opened for playing: files, chains, motion and renderers
plugins        Plugins of a scene: made by name with checked parameters
probe_process  Loads and probes one VST3 plugin in a process of its own
stems          The files of a scene, opened and checked, each read once
track_effects  Effects of a track's ``distance`` and ``directivity`` blocks, and of its width
track_types    What plays the tracks of a scene, one type a file
"""
