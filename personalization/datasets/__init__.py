"""Data sets of listeners, as the laboratories publish them; NumPy alone, no torch.

collection   load_collection: all data sets under one folder, which is what ``--data DIR`` names
folder       load_folder: a folder of SOFA files and a table of measures
harmonise    Data sets of different laboratories brought to one form: ears, rate, onset, level
head_traces  Published recordings of heads, brought to Auricle's axes
lap          The measured directions of the LAP challenge 2024, task 2: 3, 5
measures     Measures of the body: CIPIC's names, centimetres and degrees
mirror       Mirrored listeners: left turned into right, as further people to learn from
packed       The packed development sets (data/hrtf/*.h5)
registry     The public data sets of measured and computed HRTFs: terms, whom to cite
splits       Splits by person: who is measured twice, or mirrored, never stands on both sides
subjects     Subjects: the responses of many listeners over one grid
"""
