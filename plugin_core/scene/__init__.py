"""Scenes: a whole mix described in one JSON file.

scene        Scene: load, save, render, process
model        its parts as dataclasses, which are also the schema of the file
from_adm     its tracks from an ADM master
schema       dataclasses from JSON, to JSON and to Markdown
json_tree    JSON with the line of every key
place        errors that name the file, the line and the key
player       chains, motion and renderers of a scene, read from start to end
stems        its files, opened and checked, each read once; parts: what a player is given
channels     what the channels of a track are, by the scene and by its file's header
buses        beds, ambisonics and finished binaural sound
plugins      plugins made by name and tried; probe_apart tries one in another process
distance     what a track's distance block turns into
picture      ways and loudness (needs matplotlib)
document     docs/scene.md from the model
"""
