"""End-to-end systems in place of filters: tracks, scenes and chains rendered by a network.

apparent_positions  Apparent positions
bus                 Feeds at places, rendered by an end-to-end system instead of the engine
plugin              NeuralPlugin: a track in a direction, by an end-to-end system
systems             End-to-end systems by name, under one listener, ready to render
"""
