"""Auricle's speed and errors, by itself and beside the engines that its users would otherwise take.

``benchmarks/README.md`` says how each engine is driven and why that is fair.

against    Another version of Auricle timed beside this one: each in a process of its own
compare    All engines through all protocols in one process; what is missing or fails is named
engines    Other engines, each behind the same few methods
own        Figures of Auricle alone, as ``auricle bench`` measures them: speed, smoothness
picture    The comparison as a picture: speed, accuracy, smoothness and latency side by side
protocols  The protocols by which engines are measured
steps      Whole control steps of a renderer, timed; also a program that times another version's
tables     The comparison as text: one table a protocol, then who was missing and who failed
"""
