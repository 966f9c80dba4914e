"""The scene that OSC steers: its values, and the interface of whatever plays it.

state   What OSC wrote: the values of the scene, and which of them the target has yet to hear of
target  What OSC steers: the interface an engine offers, and a plain one in memory
"""
