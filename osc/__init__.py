"""Open Sound Control: scenes and head trackers on the wire, converted to Auricle's conventions.

wire         datagrams to messages and back; framing: of TCP streams
pattern      wildcards in addresses
addresses    the table of addresses, their types and ranges
router       what is called for an address, and what was wrong with it
scene_state  the scene as OSC sees it; target: what it steers
adm, native  ADM-OSC v1.0, and Auricle's own addresses
dialects     head trackers by name; tracker: their messages read; learn: which of them fits
pose         what becomes of the head's poses; prediction: where it will be
session      datagrams in, a scene out; server, sockets, inbox: the same from the network
client       sending; recording: writing down and playing again; timeline: into an offline render
monitor      what arrives, by address
statistics   what was counted; folders: where messages may name files
"""
