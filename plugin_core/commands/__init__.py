"""The commands of ``auricle``, one a file; NumPy and the engine are imported inside them.

bench             ``auricle bench``: how many sources this machine renders
cache             ``auricle cache``: where prepared sets are kept, how much room they take
compare           ``auricle compare``: methods of spatial upsampling on listeners left out
compare_endtoend  ``auricle compare --family endtoend``: systems that render for a listener
console           What commands say: lines on stderr, results, progress
demo              ``auricle demo``: a moving scene made and rendered without any file of the user's
evaluate          ``auricle evaluate``: how far an estimated set is from a measured one
inspect           ``auricle inspect``: what is in a SOFA file, and what is odd about it
live              ``auricle live``: sources played binaurally now
neural            ``auricle neural``: end-to-end systems in place of filters
osc               ``auricle osc``: what arrives, sending, recording sessions and playing them again
osc_monitor       Listening on behalf of a user: the monitor on a terminal or in a pipe
personalize       ``auricle personalize``: a listener's own set from a few measured directions
placement         Options that several commands share: tracks, their places, the head's motion
reading           The options with which every command that takes a set reads it
render            ``auricle render``: tracks in, a binaural file out
stopping          SIGTERM and Ctrl-C end a command at any time, with the customary status
train             ``auricle train``: the files of the models, from data sets
train_endtoend    ``auricle train`` for end-to-end systems: on scenes of many listeners
"""
