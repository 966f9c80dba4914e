"""Pictures, drawn with matplotlib, which is imported when they are.

evaluation  The picture of ``auricle evaluate``: errors over the sphere, spectra of some directions
figure      Figures of matplotlib, which is imported here alone and only when a picture is drawn
hrtf_set    Pictures of HRTF sets, drawn with matplotlib
"""
