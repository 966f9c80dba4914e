"""Auricle in a chain of pedalboard's plugins, and those in ours.

binaural_plugin  BinauralPlugin: one mono or stereo track in a direction
chain            Chain: pedalboard's plugins and Auricle's in one list, called as one plugin
channel_layout   Layout of an array of sound as pedalboard reads it: which side is the channels
native_copies    pedalboard's own plugins, taken apart into plain values and made anew
"""
