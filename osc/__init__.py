"""Open Sound Control: scenes and head trackers on the wire, converted to Auricle's conventions.

From the ground up: a folder imports only those above it in this list.

errors      Errors of messages: bad arguments, unknown sources and the like
quaternion  Quaternions (w, x, y, z) as tuples, in plain Python
statistics  Counters of what arrived and what became of it; read by any thread, written by one
protocol    Bytes to messages and back
scene       The scene that OSC steers: its values, and the interface of whatever plays it
addresses   Which address sets what
trackers    Head trackers: their dialects, and the pose that comes of them
session     Datagrams in time: scheduled, recorded, replayed
network     Sockets and the thread that receives
"""
