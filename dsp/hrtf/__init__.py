"""A listener's set: what it holds, what is odd about it, its bass, and the listeners that ship.

bass              The bass that no loudspeaker in a laboratory plays: judged
checks            What is odd about an HRTF set, in sentences with the remedy
default_listener  The listener in whose place everybody listens until a set is given
diffuse_field     The level of a set in a diffuse field
head_radius       How large a sphere a listener's head is, by the arrival times of the set
hrtf_set          HrtfSet: the impulse responses of one listener's two ears
pictures          Who draws a set: nothing in this folder does, so whoever can leaves word here
structural_model  A listener that the code computes
"""
