"""What runs in the audio thread: compiled, without locks, waiting for nobody.

around          What the ears hear besides the sources: LFE channels of beds, fields of ambisonics
atomics         Numbers that two threads share without a lock: what one has written before
callbacks       The functions that drivers call: C functions made by Numba
inputs          What the sources sound like in a block: files read ahead by another thread, noises
mailbox         A mailbox without a lock: one thread offers vectors, one takes the newest
meters          What is kept of a block besides its sound: meters, the recording's tap, times
received_scene  The scene taken from its mailbox, for the renderer's block function
shared_memory   Where everything stands that the interpreter and the audio thread share
system          What compiled code asks of the operating system and of a driver
"""
