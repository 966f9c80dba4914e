"""The protocols by which engines are measured.

accuracy    Protocol
latency     Protocol
smoothness  Protocol: what a tone that circles the head leaves beside itself, clicks and roughness
speed       Protocol: the time of a block while every source and the head move, all engines in turn
truth       Responses that are known at every direction
"""
