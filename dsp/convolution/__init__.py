"""Convolution with filters of any length, block by block.

uniform  Uniformly partitioned convolution of many inputs into two ears, in calls of any size
"""
