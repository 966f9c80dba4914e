"""What meets the user: the command line, plugin and chains, live sound, pictures.

cli          the ``auricle`` command and its errors
commands     one module per command
offline      files in, a file out, in little memory
scene        a whole mix from a JSON file
live         sources played now by a driver that never waits for Python
mixing       tracks and a moving head to two ears; feed: a track on its way there
mastering    loudness, limiter and meters on the way to the file
loudness     ITU-R BS.1770 while streaming; true_peak likewise; limiter keeps below a ceiling
audio_files  sound files read and written in pieces; shared_file: one for several tracks
torn_file    WAV and FLAC cut short made readable; regular_file refuses pipes and devices
stopping     SIGTERM and Ctrl-C end a command at any time
fifo         audio queued between what gives and what takes
motion       orbits and recorded heads; keyframes: ways through places
timed_csv    poses and positions from CSV files
plugin       BinauralPlugin: a track in a direction, called as pedalboard's plugins are
chain        Chain: pedalboard's plugins and ours in one list
layout       which side of an array is the channels, as pedalboard finds it
demo_scene   the sounds of the demo, their paths; demo_picture draws them, demo_folder leaves them
report       pictures (needs matplotlib)
"""
