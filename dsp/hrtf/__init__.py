"""A listener's set: what it holds, what is odd about it, its bass, and the listeners that ship.

bass              The bass that no loudspeaker in a laboratory plays: judged
checks            Findings: what is odd about an HRTF set, in sentences with the remedy
default_listener  The listener in whose place everybody listens until a set is given
diffuse_field     The level of a set in a diffuse field
head_radius       Head radius: the sphere whose arrival times are those of the set
hrtf_set          HrtfSet: the impulse responses of one listener's two ears
pictures          A place where whoever can draw sets leaves word: nothing in this folder draws
structural_model  A listener that the code computes
"""
