"""The common ground of everything that is called block by block.

denormals     Numbers too small to be heard cost no time
input_checks  What callers give to renderers, checked: blocks, gains, poses, sets
stream        What everything that holds a stream's state has in common: one caller at a time
"""
