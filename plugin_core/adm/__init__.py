"""ADM masters (ITU-R BS.2076): a WAV file whose chunks say what its channels are and where.

chunks       RIFF, RF64 and BW64 files (BS.2088): which chunk lies where; chna: the table of tracks
axml         the XML chunk, read as a stream, without entities
elements     what an element of it says: texts, numbers, times, gains
blocks       audioBlockFormat to rows of numbers
document     programmes, contents, objects, packs, channels and tracks by their IDs
common       what BS.2094 has defined beforehand
selection    the channels of a programme, and by which objects they are reached
positions    Cartesian to polar coordinates (BS.2127, section 10)
timeline     blocks to places and levels at times
master       all that together
"""
