"""Live sound: an audio thread that never waits for Python, and what steers it.

live          ``Live``: everything together
sources       what can sound; files: read ahead; recording: what the ears hear, to a file
scene         what setters and OSC write; listener: the set in use, and its exchange
backend       what a driver offers; jack, portaudio, null: the drivers
figures       the statistics

In the audio thread, compiled:

layout        where everything stands that the interpreter and the audio thread share
desk          those arrays, and how other threads look at them
callbacks     what drivers call
block         a block of both ears; engine_block: of one set; inputs: the sources' audio
account       meters, the recording's tap, times
mailbox       vectors from one thread to another without a lock
atomics, records, system, kernels   what compiled code needs of the machine
"""
