"""What meets the user: the command line, plugin and chains, live sound, pictures.

cli          the ``auricle`` command and its errors
commands     one module per command
offline      files in, a file out, in little memory
audio_files  sound files read and written in pieces
motion       orbits and recorded heads
plugin       BinauralPlugin: a track in a direction, called as pedalboard's plugins are
chain        Chain: pedalboard's plugins and ours in one list
layout       which side of an array is the channels, as pedalboard finds it
demo_scene   the sounds of the demo, and their paths; demo_picture draws them
report       pictures (needs ``auricle[plots]``)
"""
