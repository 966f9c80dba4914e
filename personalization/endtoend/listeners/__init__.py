"""The people that systems learn from, and their codes.

codebook        The codebook between HRTF sets and listeners' codes: a listener as a few numbers
known_people    People whose responses are known, as the sparse methods take them
listener_codes  The codes of all listeners of some laboratories
people          The people of several laboratories in one form
"""
