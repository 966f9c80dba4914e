"""What meets the user: the command line, plugin and chains, live sound, pictures.

A folder imports only those above it in this list.

errors     Errors of files that cannot be played
listener   The listener's set: read as asked for, prepared for a rate
audio      Audio files: their headers, their samples, a block at a time
motion     The motion of the sources and of the head
plugins    Auricle in a chain of pedalboard's plugins, and those in ours
mixing     Tracks on their way to two ears
mastering  From the sum to the file: loudness, true peak, limiter
pictures   Pictures, drawn with matplotlib, which is imported when they are
adm        ADM masters (ITU-R BS.2076): a WAV file whose chunks say what its channels are and where
scene      Scenes: a whole mix described in one JSON file
offline    Rendering from files to a file, in bounded memory and independent of the block size
neural     End-to-end systems in place of filters: tracks, scenes and chains rendered by a network
live       Live sound: an audio thread that never waits for Python, and what steers it
bench      Auricle's speed and errors
tables     Results of comparisons as tables
demo       The demo: sounds by formula, a picture, a folder to go on from
commands   The commands of ``auricle``, one a file; NumPy and the engine are imported inside them
cli        The ``auricle`` command: the list of commands, and errors as one line with exit status 2
"""
