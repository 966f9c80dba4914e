"""The systems, a folder each.

generative  Systems that draw what physics leaves: diffusion and flow
linn        LINN: a warp, and filters from an implicit network
nfs         NFS: paths in the Fourier domain
warpnet     WarpNet: a learned warp and hyper-convolutions
"""
