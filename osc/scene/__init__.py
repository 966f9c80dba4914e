"""The scene that OSC steers: its values, and the interface of whatever plays it.

state   The values that OSC wrote, and which of them the target has yet to hear of
target  The interface of whatever OSC steers, and a plain target in memory
"""
