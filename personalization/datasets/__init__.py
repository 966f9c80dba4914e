"""Data sets of listeners, as the laboratories publish them; NumPy alone, no torch.

subjects    Subjects: the responses of many listeners over one grid, their measures, who is who
folder      load_folder: a folder of SOFA files and a table of measures, cached on disk
collection  load_collection: all sets under one folder
packed      load_h5: the packed sets of the development data
harmonise   ears, rate, onset, level and diffuse field brought to one common form
mirror      mirrored ears, as further listeners
splits      folds and splits by person
lap         the measured directions of the LAP challenge
measures    tables of body measures
registry    what is known about each data set: terms, citation, grid, quirks
"""
