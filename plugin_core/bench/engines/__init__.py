"""Other engines, each behind the same few methods.

auricle_engine     Auricle behind the interface of its peers: at low rank, the default
engine             The interface behind which Auricle and every peer stand
makehrtf           OpenAL Soft's own tool that turns measured responses into its .mhr sets
mysofa             libmysofa: its interpolated filters, and convolution with SciPy's FFT
openal             OpenAL Soft through ctypes: its loopback renderer, HRTF on
pedalboard_engine  pedalboard.Convolution, a plugin a direction, brought back to its true level
pybinsim_engine    pyBinSim 1: its convolvers and filters, called as its audio callback calls them
scipy_engine       scipy.signal.oaconvolve, a call a source
sonore_engine      sonore: ``move_sound``, which renders whole paths off line, a source at a time
synthizer_engine   Synthizer through the C functions that its Python package carries
"""
