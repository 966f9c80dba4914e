"""Scenes: a whole mix described in one JSON file.

docs_page  docs/scene.md, written from the model: ``python -m auricle.plugin_core.tables.pages``
format     The content of a scene file, checked, with the line of every mistake
picture    The picture of a rendered scene: ways seen from above, directions at the head, loudness
playback   A scene opened for playing
scene      Scene: a whole mix in one file, JSON or ADM, loaded, saved, rendered or played in blocks
"""
