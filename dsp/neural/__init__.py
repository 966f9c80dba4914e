"""LINN block by block, without torch.

linn_filters   Filters of a direction from a small network: decibels, a delay and phases
linn_renderer  LinnRenderer
"""
