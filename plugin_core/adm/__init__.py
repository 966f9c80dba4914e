"""ADM masters (ITU-R BS.2076): a WAV file whose chunks say what its channels are and where.

axml       The axml chunk read as a stream: main elements by their tags, blocks as rows of numbers
beds       Loudspeaker labels of ADM files, and which of Auricle's layouts a set of them is
blocks     audioBlockFormat: what a channel is and where, block after block, as rows of numbers
common     The common definitions (ITU-R BS.2094-1)
document   An ADM file's programmes, contents, objects, packs, channels and tracks by their IDs
elements   An element of the XML, and what its texts say: numbers, flags, times, gains
master     An ADM master as it plays: points, beds, ambisonics and finished sound, and notes beside
positions  ADM's Cartesian coordinates, which are those of a room
selection  Which channels a programme plays, and by which objects they are reached (BS.2127
timeline   Blocks as places and levels at times, as BS.2127 (7.3) plays them
"""
