"""Samples of a listener by flow matching.

flow            Flow
residual_field  The residual of a Gaussian prediction, as a few numbers, and how those are spread
"""
