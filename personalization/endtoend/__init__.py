"""End-to-end rendering: a mono signal, a pose and a listener in, binaural sound out.

A folder imports only those above it in this list.

physics     The physics of a pose: ways, delays, warps, spectra shifted in time
listeners   The people that systems learn from, and their codes
systems     The common ground of learned systems, and the table of their names
scenes      Training scenes: who hears what from where
training    Training of systems: responses, scenes, losses, a new listener's code
models      The systems: one a folder, in the table of ``endtoend/systems/registry.py``
evaluation  Systems on people, sounds and heads that trained nothing
"""
