"""Tracks on their way to two ears.

feed   A track on its way to the renderer: file, chain of plugins, fader, lined up in time
mixer  Feeds and a moving head to two ears: reading, motion, levels and the renderer in step
"""
