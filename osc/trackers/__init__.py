"""Head trackers: their dialects, and the pose that comes of them.

identification  Which preset fits what a head tracker sends: by address and form, then range
pose_stream     The head's pose from a tracker: recentred, predicted by the output latency
prediction      Prediction of the head's rotation by the output latency
presets         Head trackers by name: their addresses, orders, units and signs
reader          A head tracker's messages turned into the head's orientation
"""
