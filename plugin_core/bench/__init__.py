"""Auricle's speed and errors, by itself and beside the engines that its users would otherwise take.

``benchmarks/README.md`` says how each engine is driven and why that is fair.

against    Another version of Auricle timed beside this one: each in a process of its own
compare    All engines through all protocols in one process; what is missing or fails is named
engines    Other engines, each behind the same few methods
own        What ``auricle bench`` measures: speed beside a baseline, smoothness of motion, start-up
picture    The comparison as a picture: speed, accuracy, smoothness and latency side by side
protocols  What is measured of an engine, and how
steps      Whole control steps of a renderer, timed; also a program that times another version's
tables     The comparison as text: one table a protocol, then who was missing and who failed
"""
