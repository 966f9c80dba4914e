"""The demo: sounds by formula, a picture, a folder to go on from.

folder   The folder of the demo: its stems, a scene, a listener and a head, for the next commands
picture  The picture of the demo: where the sounds go, seen from above, and what each ear gets
scene    The sounds and paths of the demo, made by formula: a plucked tune, bells, a shaker
"""
