"""The motion of the sources and of the head.

keyframes      A source's way through given places at given times: straight, around the head
osc_recording  Sources and a head that move as a recorded OSC session says
paths          Where sources and the head are at each moment: rest, orbits, recorded head traces
timed_csv      Numbers over time from CSV files: head poses, positions
"""
