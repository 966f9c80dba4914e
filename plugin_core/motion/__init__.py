"""The motion of the sources and of the head.

keyframes      A source's way through given places at given times: straight, around the head
osc_recording  Sources and a head that move as a recorded OSC session says
paths          Paths of the sources and the head: rest, orbits, recorded head traces
timed_csv      Numbers over time from CSV files: head poses, positions
"""
