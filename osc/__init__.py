"""Open Sound Control: scenes and head trackers on the wire, converted to Auricle's conventions.

wire         datagrams to messages and back; framing: of TCP streams
pattern      wildcards in addresses
addresses    the table of addresses, their types and ranges
router       what is called for an address, and what was wrong with it
scene_state  the scene as OSC sees it; target: what it steers
adm, native  ADM-OSC v1.0, and Auricle's own addresses
tracker      head trackers by name; pose, prediction: what becomes of their poses
session      datagrams in, a scene out; server, sockets: the same from the network
client       sending; recording: writing down and playing again
statistics   what was counted; folders: where messages may name files
"""
