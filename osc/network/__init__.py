"""Sockets and the thread that receives.

client     Sending OSC: messages with chosen types over UDP or TCP, alone or together in a bundle
datagrams  Datagrams read without giving up the interpreter's lock
inbox      Datagrams between the socket and their handling: a bounded queue in which the newest win
monitor    A monitor of what arrives, by address: how often, how long ago, with which values
server     The thread that receives: sockets and the clock around a session
sockets    Sockets that hear what is sent to a port: large buffers, clear errors, counted losses
"""
