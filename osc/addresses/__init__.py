"""Which address sets what.

adm              ADM-OSC v1.0 (AES e-library 22722): its addresses bound to the scene
allowed_folders  Files that a message may name: those under folders given at the start
native           Auricle's own addresses bound to the scene: metres and degrees in Auricle's axes
router           From a message to the values it sets or asks for: exact addresses by a dict
table            The table of all addresses: what each takes, its ranges and what it does
"""
