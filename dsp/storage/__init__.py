"""Memory and disk: memory given back, files written whole or not at all.

cache_room  Room that prepared sets take on disk: at most ``$AURICLE_CACHE_MB``
digests     Names for what is made of words and arrays: the same name for the same bytes alone
heap        Freed memory, given back to the system
part_files  Files and folders that are being written: whole under their name in the end
"""
