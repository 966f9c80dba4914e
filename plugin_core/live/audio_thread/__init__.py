"""What runs in the audio thread: compiled, without locks, waiting for nobody.

atomics        Numbers that two threads share without a lock: what one has written before
block          The block function: the scene taken from its mailbox, and both ears of all sources
callbacks      The functions that drivers call: C functions made by Numba
engine_block   What ``auricle.dsp.render.engine.Engine`` does, compiled
inputs         What the sources sound like in a block: files read ahead by another thread, noises
mailbox        A mailbox without a lock: one thread offers vectors, one takes the newest
meters         What is kept of a block besides its sound: meters, the recording's tap, times
shared_memory  Where everything stands that the interpreter and the audio thread share
system         What compiled code asks of the operating system and of a driver
"""
