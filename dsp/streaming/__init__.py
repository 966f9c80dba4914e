"""The common ground of everything that is called block by block.

denormals       Numbers too small to be heard cost no time
input_checks    Checks of what callers give to renderers: blocks, gains, poses, sets
stepped_stream  A stream in control steps: calls of any size are cut where steps begin
stream          The base of everything that holds a stream's state: one caller at a time
"""
