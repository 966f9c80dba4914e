"""Training scenes: who hears what from where.

clip_store          Scenes kept on disk as arrays that are read where they lie
dry_sounds          Dry sounds at 48 kHz: speech, music and synthetic signals
head_motion         Motion of heads and sources: recorded heads on the step grid
recordings          Recorded binaural sets in the form in which they are published: sound
reference_renderer  The explicit renderer: a source's sound, late by its way
scenes              Scenes: who hears what from where, rendered through measured responses
shoebox             Small rooms: mirror images of a source in six walls, each a later
"""
