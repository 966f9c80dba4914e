"""Measurements of speed and error: of this engine, and beside others.

compare  All engines through all protocols in one process; what is missing or fails is named
own      What ``auricle bench`` measures: speed beside a baseline, smoothness of motion, start-up
picture  The comparison as a picture: speed, accuracy, smoothness and latency side by side
tables   The comparison as text: one table a protocol, then who was missing and who failed
"""
