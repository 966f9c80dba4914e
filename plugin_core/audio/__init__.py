"""Audio files: their headers, their samples, a block at a time.

core_audio    Channel layouts as Apple's CoreAudio writes them, in CAF and AIFF
fifo          A queue of audio that fills itself: makers give what they have
files         Audio files in and out, a block at a time: any length in little memory
headers       Channels by the header of an audio file: loudspeakers, or ambisonics
large_wave    WAV for libsndfile, which knows RF64 in part, no BW64, and no zeros between chunks
regular_file  Only regular files are read: a pipe may never end, and a device never does
riff_chunks   Chunks of a RIFF, RF64 or BW64 file (ITU-R BS.2088), and the table of tracks
shared_file   One file read once for several tracks
torn_file     WAV and FLAC files whose writing was cut short
"""
