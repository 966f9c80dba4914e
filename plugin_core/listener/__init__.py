"""The listener's set: read as asked for, prepared for a rate.

loading      The listener's set, read and prepared, and its user told what is odd about it
set_options  Options by which a listener's set is read, and its findings told
"""
