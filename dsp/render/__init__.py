"""The audio path of the binaural renderer: no allocation, no wait.

binaural          The binaural renderer: any number of moving sources and one moving listener
block             The block function: both ears of all sources for a call of any length
control_step      Where each source is heard
engine            The state of one prepared set in the renderer: histories, gains, delays, buses
engine_kernels    One engine's work in a step: its kernels in their order
few_sources       Few sources at low rank: each through the filters of its own two ears
full_rank_output  Full rank
renderer_state    All that a renderer holds, behind one address: its scene, engines, wide copies
source_width      Wide sources: each is heard from an arc of directions
spatialize        The renderer's inner loops: every source's moving delays
"""
