"""Systems on people, sounds and heads that trained nothing.

baselines   What learned systems are compared with: physics alone
comparison  All systems on people, sounds and heads that trained nothing
metrics     How far a rendering (2, T) at 48 kHz is from what the listener hears
"""
