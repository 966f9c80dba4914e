"""Systems that draw what physics leaves: diffusion and flow.

base          The base of the generative systems: they draw what the warp leaves
binauralgrad  BinauralGrad: first what both ears share, then what sets them apart
diffusion     Schedules of diffusion: how data become noise in many small steps
flow          Flow: both ears at once along nearly straight lines from noise, in few steps
network       The network of the generative systems: what is noisy and what is known in
"""
