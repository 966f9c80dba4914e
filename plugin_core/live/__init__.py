"""Live sound: an audio thread that never waits for Python, and what steers it.

around         What plays besides the sources, through a listener's set: the LFE of beds
audio_thread   What runs in the audio thread: compiled, without locks, waiting for nobody
backends       Drivers: JACK, PortAudio, no device
file_reader    Files read ahead of the audio thread: a thread of its own fills their rings
hrtf_exchange  The listener's set while it plays: prepared off the audio thread, handed over whole
live           ``Live``: sources, a listener and a driver together, while they play
parameters     The scene as it plays: what setters and OSC write, on its way to the audio thread
recording      The ears' signals from the tap to a file
shared_state   The arrays that the audio thread works on
sources        Sources of live sound: a driver's inputs, files, and test signals
statistics     The statistics in words: from the numbers that the audio thread publishes
"""
