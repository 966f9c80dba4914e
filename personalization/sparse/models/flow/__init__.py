"""Samples of a listener by flow matching.

flow            Flow
residual_field  What a Gaussian prediction leaves of a listener, as a few numbers
"""
