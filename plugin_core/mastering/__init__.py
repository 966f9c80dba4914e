"""From the sum to the file: loudness, true peak, limiter.

limiter    A look-ahead limiter of the true peak: what comes out stays below a ceiling
loudness   Programme loudness while a signal streams by: ITU-R BS.1770-4, EBU R 128
master     From the binaural sum to the file: loudness, limiter, meters, and what the rendering was
true_peak  The peak of the sound between the samples: ITU-R BS.1770-4, annex 2
"""
