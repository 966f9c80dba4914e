"""The content of a scene file, checked, with the line of every mistake.

from_adm     Tracks of a scene from an ADM master
json_tree    JSON read with the line of every value and key, so that errors can say where
location     Locations in a scene: errors that name the file, the line and the key path
model        The parts of a scene as plain dataclasses: what a scene file says, checked
schema       Dataclasses as the schema of a JSON file: reading, writing
track_types  The table of a scene's track types: which keys each has, and what plays it
"""
