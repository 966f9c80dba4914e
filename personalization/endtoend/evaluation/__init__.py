"""Systems on people, sounds and heads that trained nothing.

baselines   Baselines of learned systems: physics alone, and responses rendered explicitly
comparison  All systems on people, sounds and heads that trained nothing
metrics     Errors of a rendering (2, T) at 48 kHz against what the listener hears
"""
