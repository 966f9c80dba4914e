"""Bytes to messages and back.

framing   Datagrams on a TCP stream: SLIP (OSC 1.1, RFC 1055) or a length before each (OSC 1.0)
messages  Datagrams to messages and back: OSC 1.0 and the types of 1.1, in time linear in the size
pattern   Wildcards of OSC 1.0 (`*` `?` `[a-z]` `[!a]` `{one,two}`) against the parts of an address
"""
