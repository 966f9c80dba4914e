"""WarpNet: a learned warp and hyper-convolutions.

network  The network of WarpNet (``models.warpnet``): a learned warp
warpnet  WarpNet: a learned monotone warp, then convolutions whose weights follow the pose
"""
