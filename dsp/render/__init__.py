"""The audio path of the binaural renderer: no allocation, no wait.

binaural          The binaural renderer: any number of moving sources and one moving listener
control_step      Where each source is heard
engine            The state of one prepared set in the renderer: histories, gains, delays, buses
full_rank_output  Full rank
source_width      Wide sources: each is heard from an arc of directions
spatialize        The renderer's inner loops: every source's moving delays
"""
